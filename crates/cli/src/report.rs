//! Standard output, standard error and the progress bar, kept apart.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where a command's results and complaints go.
#[derive(Debug)]
pub struct Report {
    bar: ProgressBar,
    problems: usize,
    /// The reader of standard output went away, as `head` does.
    closed: bool,
}

impl Report {
    /// With a progress bar over `bytes` where standard error is a terminal.
    pub fn new(bytes: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
        if let Ok(style) =
            ProgressStyle::with_template("{bar:40} {percent:>3} %  {bytes} of {total_bytes}  {eta} left")
        {
            bar.set_style(style);
        }
        if !io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self { bar, problems: 0, closed: false }
    }

    /// Some more of the input was read.
    pub fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// Prints results. Breaks when nobody reads them any more.
    ///
    /// # Errors
    /// Standard output can't be written to, for example because a disk is full.
    pub fn print(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() || self.closed {
            return Ok(());
        }
        let written = self.bar.suspend(|| {
            let mut out = io::stdout().lock();
            out.write_all(bytes).and_then(|()| out.flush())
        });
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            written => written,
        }
    }

    /// Whether nobody reads the results any more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Names something that is wrong with some input.
    pub fn problem(&mut self, problem: &str) {
        self.problems += 1;
        self.note(problem);
    }

    /// How many problems there were.
    pub fn problems(&self) -> usize {
        self.problems
    }

    /// Tells something on standard error.
    pub fn note(&self, text: &str) {
        self.bar.suspend(|| {
            // There is nobody to tell when standard error is closed.
            let _closed = writeln!(io::stderr().lock(), "answerbackctl: {text}");
        });
    }

    /// Takes the progress bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
