//! What is said of each thing that was tried.

use std::time::Duration;

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not, or could not be tried to its end.
    Failed(String),
    /// It can't be tried here.
    NotPlayed(&'static str),
}

/// Counts what was said.
#[derive(Debug, Default)]
pub struct Report {
    passed: u32,
    failed: u32,
    not_played: u32,
}

impl Report {
    /// Says one line.
    pub fn say(&mut self, name: &str, outcome: &Outcome, took: Duration) {
        let seconds = took.as_secs_f64();
        match outcome {
            Outcome::Passed => {
                self.passed += 1;
                println!("passed           {name} ({seconds:.1} s)");
            }
            Outcome::Failed(why) => {
                self.failed += 1;
                println!("FAILED           {name} ({seconds:.1} s)\n{}", indented(why));
            }
            Outcome::NotPlayed(why) => {
                self.not_played += 1;
                println!("can't be played  {name}: {why}");
            }
        }
    }

    /// Says the sum; `true` when something was tried and nothing failed.
    pub fn finish(&self) -> bool {
        let Self { passed, failed, not_played } = self;
        println!("\n{passed} passed, {failed} failed, {not_played} can't be played here");
        *failed == 0 && *passed > 0
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("                 {line}\n")).collect::<String>().trim_end().to_owned()
}
