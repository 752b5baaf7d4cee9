//! Running other programs.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, bail};

use crate::counts::{Counts, Runner};

/// The command as a person would type it.
pub fn shown(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Says what is run and runs it, without input.
///
/// # Errors
/// It can't be started, or says that it failed.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    say(&format!("$ {}", shown(command)));
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("{} can't be started", command.get_program().to_string_lossy()))?;
    if status.success() { Ok(()) } else { bail!("`{}` failed ({status})", shown(command)) }
}

/// As [`run`], and counts the tests that it reports, also when it fails.
pub fn run_tests(command: &mut Command, runner: Runner) -> (Counts, anyhow::Result<()>) {
    let mut counts = Counts::default();
    let result = run_watching(command, |line| {
        if let Some(more) = runner.counts(line) {
            counts += more;
        }
    });
    (counts, result)
}

/// As [`run`], and shows each line that it prints to `on_line` as well.
///
/// # Errors
/// It can't be started, or says that it failed.
pub fn run_watching(command: &mut Command, mut on_line: impl FnMut(&str)) -> anyhow::Result<()> {
    say(&format!("$ {}", shown(command)));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} can't be started", command.get_program().to_string_lossy()))?;
    let (send, lines) = mpsc::channel();
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
    ];
    for stream in streams.into_iter().flatten() {
        let send = send.clone();
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                if send.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    break;
                }
                line.clear();
            }
        });
    }
    drop(send);
    for line in lines {
        let _closed = std::io::stdout().lock().write_all(line.as_bytes());
        on_line(line.trim_end());
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { bail!("`{}` failed ({status})", shown(command)) }
}

/// What it prints on standard output, where it succeeds.
pub fn output_of(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Tells the person what happens.
pub fn say(text: &str) {
    let _closed = writeln!(std::io::stdout().lock(), "{text}");
}
