//! Steps that go on when one of them fails, and a summary that hides nothing.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::counts::Counts;
use crate::shell::say;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// What was done so far.
#[derive(Debug, Default)]
pub struct Steps {
    done: Vec<(&'static str, Outcome, Duration)>,
    broken: BTreeSet<&'static str>,
    counts: Counts,
}

impl Steps {
    /// Does a step, unless one that it `needs` failed.
    pub fn step(&mut self, name: &'static str, needs: &[&str], work: impl FnOnce() -> anyhow::Result<()>) {
        self.tests(name, needs, || (Counts::default(), work()));
    }

    /// Does a step that runs tests.
    pub fn tests(
        &mut self,
        name: &'static str,
        needs: &[&str],
        work: impl FnOnce() -> (Counts, anyhow::Result<()>),
    ) {
        if let Some(broken) = needs.iter().find(|need| self.broken.contains(**need)) {
            say(&format!("\n── {name}: skipped, because \"{broken}\" failed"));
            self.note(name, Outcome::Skipped, Duration::ZERO);
            return;
        }
        say(&format!("\n── {name}"));
        let start = Instant::now();
        let (counts, result) = work();
        self.counts += counts;
        let outcome = match &result {
            Err(error) => {
                say(&format!("{name} failed: {error:#}"));
                Outcome::Failed
            }
            // A runner that reports failed tests and success contradicts itself; believe the worse.
            Ok(()) if counts.failed > 0 => Outcome::Failed,
            Ok(()) => Outcome::Passed,
        };
        self.note(name, outcome, start.elapsed());
    }

    fn note(&mut self, name: &'static str, outcome: Outcome, took: Duration) {
        if outcome != Outcome::Passed {
            self.broken.insert(name);
        }
        self.done.push((name, outcome, took));
    }

    /// Prints how each step went and, in the last line, how many tests passed and failed.
    pub fn finish(self) -> ExitCode {
        say("");
        for (name, outcome, took) in &self.done {
            let mark = match outcome {
                Outcome::Passed => "ok",
                Outcome::Failed => "FAILED",
                Outcome::Skipped => "skipped",
            };
            say(&format!("{mark:<8} {name:<40} {:>6.1} s", took.as_secs_f64()));
        }
        say(&self.counts.to_string());
        if self.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_failed_step_is_skipped_and_the_rest_goes_on() {
        let mut steps = Steps::default();
        let mut ran = Vec::new();
        steps.step("a", &[], || anyhow::bail!("no"));
        steps.step("b", &["a"], || {
            ran.push("b");
            Ok(())
        });
        steps.step("c", &["b"], || {
            ran.push("c");
            Ok(())
        });
        steps.step("d", &[], || {
            ran.push("d");
            Ok(())
        });
        steps.tests("e", &[], || (Counts { passed: 3, failed: 1 }, Ok(())));
        assert_eq!(ran, ["d"]);
        assert_eq!(steps.broken, BTreeSet::from(["a", "b", "c", "e"]));
        assert_eq!(steps.counts, Counts { passed: 3, failed: 1 });
        assert_eq!(format!("{:?}", steps.finish()), format!("{:?}", ExitCode::FAILURE));
    }

    #[test]
    fn all_well_is_success() {
        let mut steps = Steps::default();
        steps.tests("a", &[], || (Counts { passed: 3, failed: 0 }, Ok(())));
        assert_eq!(format!("{:?}", steps.finish()), format!("{:?}", ExitCode::SUCCESS));
    }
}
