//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Shows Answerback's main job: answers to a campaign arrive in a demo mailbox, the agent detects them, and the sales
/// backend stops the campaign for whoever answered.
#[derive(Debug, Parser)]
#[command(name = "answerback-demo", version)]
pub(crate) struct Args {
    /// The mail server that holds the demo mailbox.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) mailbox: Mailbox,
    /// The CRM that the backend writes into: none, or a simulated one.
    #[arg(long, value_enum)]
    pub(crate) crm: Option<Crm>,
    /// Runs the agent without a window, even where --app is given.
    #[arg(long)]
    pub(crate) headless: bool,
    /// The desktop app to show; without it the agent runs headless.
    #[arg(long, value_name = "PATH")]
    pub(crate) app: Option<PathBuf>,
    /// The answerbackctl to run headless [default: the one beside this program].
    #[arg(long, value_name = "PATH")]
    pub(crate) ctl: Option<PathBuf>,
    /// The answerback-backend to run [default: the one beside this program].
    #[arg(long, value_name = "PATH")]
    pub(crate) backend: Option<PathBuf>,
    /// How many times faster than real time mail arrives.
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = positive)]
    pub(crate) speed: f64,
    /// Ends when the story is over: 0 when it went as it should, 1 when not.
    #[arg(long)]
    pub(crate) once: bool,
}

/// Which mail server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mailbox {
    /// An IMAP server in memory, inside this program.
    #[default]
    Embedded,
    /// A real Dovecot, started for the demo.
    Dovecot,
}

/// Which CRM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Crm {
    /// A Salesforce organisation, simulated from its public documentation.
    Salesforce,
}

impl Args {
    /// The app, unless the demo is headless.
    pub(crate) fn window(&self) -> Option<&PathBuf> {
        self.app.as_ref().filter(|_| !self.headless)
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err("must be a number above 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headless_wins_over_an_app() {
        let args = Args::try_parse_from(["demo", "--app", "x", "--headless"]).unwrap();
        assert_eq!(args.window(), None);
        let args = Args::try_parse_from(["demo", "--app", "x", "--speed", "8"]).unwrap();
        assert_eq!(args.window(), Some(&"x".into()));
        for speed in ["0", "-1", "inf", "fast"] {
            assert!(Args::try_parse_from(["demo", "--speed", speed]).is_err(), "{speed}");
        }
    }
}
