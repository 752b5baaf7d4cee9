//! What the app has logged since its start, for the Diagnostics page: in memory only, a few hundred lines, addresses
//! shortened. Secrets and mail are never logged in the first place.

use std::{
    collections::VecDeque,
    io::{self, Read as _},
    sync::{Arc, Mutex, PoisonError},
};

use answerback_agent::redact::redacted;
use tracing_subscriber::{
    EnvFilter, Layer as _, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt,
};

/// The newest lines that are kept.
const LINES: usize = 500;

/// Bytes; a pipe holds 64 KiB on Linux.
const HANDED_ON: usize = 60_000;

/// The lines. Cheap to clone; every clone is the same journal.
#[derive(Clone, Default)]
pub struct Journal(Arc<Mutex<VecDeque<String>>>);

impl Journal {
    /// Begins to keep what is logged, and writes it to the standard error as well.
    pub fn start() -> Self {
        let journal = Self::default();
        let filter = || EnvFilter::try_from_env("ANSWERBACK_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
        // Where the log can't be written (a full disk), saying so on standard error would end the program.
        let kept = tracing_subscriber::fmt::layer()
            .log_internal_errors(false)
            .with_ansi(false)
            .with_target(false)
            .with_writer(journal.clone())
            .with_filter(filter());
        let shown = tracing_subscriber::fmt::layer()
            .log_internal_errors(false)
            .with_writer(io::stderr)
            .with_filter(filter());
        // Another subscriber is there only when a test set one.
        let _ = tracing_subscriber::registry().with(kept).with(shown).try_init();
        journal
    }

    /// The lines, oldest first.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The newest lines, as much as a pipe holds without a reader.
    #[cfg(target_os = "linux")]
    pub fn handed_on(&self) -> String {
        let lines = self.lines();
        let mut length = 0;
        let newest = lines.iter().rev().take_while(|line| {
            length += line.len() + 1;
            length <= HANDED_ON
        });
        let count = newest.count();
        lines.iter().skip(lines.len() - count).flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// Takes over what the program has logged before it started over.
    pub fn take_over(&self, lines: impl io::Read) {
        let mut text = String::new();
        // What can't be read is only missing in the log.
        let _read = lines.take(HANDED_ON as u64).read_to_string(&mut text);
        self.keep(&text);
    }

    fn keep(&self, text: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend(text.lines().map(redacted));
        let excess = lines.len().saturating_sub(LINES);
        lines.drain(..excess);
    }
}

/// One line, which the formatter writes in one go.
pub struct Line(Journal);

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.keep(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Journal {
    type Writer = Line;

    fn make_writer(&'a self) -> Self::Writer {
        Line(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_newest_lines_are_handed_on_and_taken_over() {
        let before = Journal::default();
        for number in 0..LINES {
            before.keep(&format!("{number} {}\n", "x".repeat(200)));
        }
        let text = before.handed_on();
        assert!(text.len() <= HANDED_ON && text.len() > HANDED_ON - 300, "{}", text.len());
        let after = Journal::default();
        after.take_over(text.as_bytes());
        assert_eq!(after.lines().last(), before.lines().last());
        assert!(before.lines().ends_with(&after.lines()));
    }

    #[test]
    fn the_newest_lines_are_kept_with_addresses_shortened() {
        let journal = Journal::default();
        for number in 0..=LINES {
            journal.keep(&format!("{number} rep@sales.example\n"));
        }
        let lines = journal.lines();
        assert_eq!(lines.len(), LINES);
        assert_eq!(lines.first().map(String::as_str), Some("1 r…@sales.example"));
    }
}
