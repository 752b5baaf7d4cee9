//! How many tests passed and failed, from what test runners print.

use std::ops::AddAssign;

/// Passed and failed tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Passed.
    pub passed: u64,
    /// Failed, timed out or crashed.
    pub failed: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// Who prints the summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner {
    /// `cargo test`: a line for each test program.
    Cargo,
    /// `cargo nextest`: one line; output of failed tests before it may hold lines of other runners.
    Nextest,
    /// `vitest run`.
    Vitest,
    /// `playwright test`: a line for each outcome.
    Playwright,
}

impl Runner {
    /// The counts that a line tells, if it is this runner's summary.
    pub fn counts(self, line: &str) -> Option<Counts> {
        let line = without_colours(line);
        let line = line.trim();
        match self {
            // test result: ok. 4 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out; finished in 2.90s
            Self::Cargo => tally(line.strip_prefix("test result: ")?.split(['.', ';'])),
            // Summary [   1.234s] 24 tests run: 21 passed (1 slow), 1 failed, 1 timed out, 1 skipped
            Self::Nextest => tally(line.strip_prefix("Summary [")?.split_once(" run: ")?.1.split(',')),
            // Tests  1 failed | 14 passed (15)
            Self::Vitest => tally(line.strip_prefix("Tests ")?.split('|')),
            // 12 passed (30.1s)
            Self::Playwright => {
                let outcome = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
                let known = ["passed", "failed", "flaky", "interrupted", "did not run"];
                known.iter().any(|word| outcome.starts_with(word)).then(|| tally([line].into_iter()))?
            }
        }
    }
}

/// Sums parts such as `14 passed (15)` and `1 timed out`.
fn tally<'a>(parts: impl Iterator<Item = &'a str>) -> Option<Counts> {
    let mut counts = Counts::default();
    let mut any = false;
    for part in parts {
        let mut words = part.split_whitespace();
        let Some(number) = words.next().and_then(|word| word.parse::<u64>().ok()) else { continue };
        any = true;
        match words.next().unwrap_or_default() {
            "passed" | "flaky" => counts.passed += number,
            "failed" | "timed" | "exec" | "interrupted" | "did" => counts.failed += number,
            _ => {}
        }
    }
    any.then_some(counts)
}

fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once(|c: char| c.is_ascii_alphabetic()).map_or("", |(_, rest)| rest);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_of_every_runner_are_read() {
        let counts = |passed, failed| Some(Counts { passed, failed });
        for (runner, line, expected) in [
            (
                Runner::Cargo,
                "test result: ok. 4 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out; finished in 2.90s",
                counts(4, 0),
            ),
            (
                Runner::Cargo,
                "test result: FAILED. 25 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out",
                counts(25, 1),
            ),
            (Runner::Cargo, "test input::a ... ok", None),
            (Runner::Cargo, "running 7 tests", None),
            (Runner::Nextest, "     Summary [   1.234s] 26 tests run: 26 passed, 0 skipped", counts(26, 0)),
            (
                Runner::Nextest,
                "\u{1b}[32;1m     Summary\u{1b}[0m [   1.234s] \u{1b}[1m24\u{1b}[0m tests run: \u{1b}[1m21\u{1b}[0m passed (1 slow), 1 failed, 1 timed out, 1 exec failed, 0 skipped",
                counts(21, 3),
            ),
            (Runner::Nextest, "test result: FAILED. 0 passed; 1 failed; 0 ignored", None),
            (
                Runner::Vitest,
                " \u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[31m1 failed\u{1b}[39m\u{1b}[22m\u{1b}[2m | \u{1b}[22m\u{1b}[1m\u{1b}[32m14 passed\u{1b}[39m\u{1b}[22m\u{1b}[90m (15)\u{1b}[39m",
                counts(14, 1),
            ),
            (Runner::Vitest, " Test Files  3 passed (3)", None),
            (Runner::Playwright, "  12 passed (30.1s)", counts(12, 0)),
            (Runner::Playwright, "  1 failed", counts(0, 1)),
            (Runner::Playwright, "  2 did not run", counts(0, 2)),
            (Runner::Playwright, "  ok 1 e2e/pages.spec.ts:9:1 > failed sign-in is shown (1.2s)", None),
            (Runner::Playwright, "Running 13 tests using 1 worker", None),
        ] {
            assert_eq!(runner.counts(line), expected, "{runner:?} {line}");
        }
    }
}
