//! How a command ended, as its exit status tells.

use std::process::ExitCode;

/// How a command that ran ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All was well.
    Done,
    /// Something was wrong with some input, and was named.
    Partly,
}

impl Outcome {
    /// Whether anything was wrong with some input.
    pub fn of(problems: usize) -> Self {
        if problems == 0 { Self::Done } else { Self::Partly }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Partly => 1,
        })
    }
}

/// The command line asks for something that makes no sense, as clap could not know.
#[derive(Debug)]
pub struct WrongUsage(pub String);

impl std::fmt::Display for WrongUsage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUsage {}

/// The exit status for an error: 2 for wrong usage, else 3.
pub fn status_of(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(if error.is::<WrongUsage>() { 2 } else { 3 })
}
