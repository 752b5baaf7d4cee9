//! `answerbackctl`: Answerback without a window.
#![forbid(unsafe_code)]

mod args;
mod doctor;
mod input;
mod judging;
mod line;
mod ordered;
mod outcome;
mod report;
mod run;
mod scan;
mod sends;
mod sign_in;
mod text;
mod threads;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr(cli.verbose);
    // The text of a panic may quote what was being parsed, which is mail.
    std::panic::set_hook(Box::new(|panic| tracing::error!("Internal error at {:?}.", panic.location())));
    let outcome = match &cli.command {
        Command::Scan(args) => scan::scan(args),
        Command::Classify(args) => scan::classify(args),
        Command::Text(args) => text::text(args),
        Command::Run(args) => run::run(args),
        Command::SignIn(args) => sign_in::sign_in(args),
        Command::Doctor(args) => doctor::doctor(args),
    };
    match outcome {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            // There is nobody to tell when standard error is closed.
            let _closed = writeln!(std::io::stderr().lock(), "answerbackctl: {error:#}");
            outcome::status_of(&error)
        }
    }
}

fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("ANSWERBACK_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // Where the log can't be written (a full disk), saying so on standard error would end the program.
        .log_internal_errors(false)
        .init();
}
