//! The demo: the main job of Answerback on embedded defaults, in half a minute.
#![forbid(unsafe_code)]

#[cfg(unix)]
mod act;
#[cfg(unix)]
mod args;
#[cfg(unix)]
mod crm;
#[cfg(unix)]
mod performance;
#[cfg(unix)]
mod picture;
#[cfg(unix)]
mod screen;
#[cfg(unix)]
mod stage;
#[cfg(unix)]
mod story;
#[cfg(unix)]
mod words;

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            // Nobody is left to tell when stderr is closed.
            let _told = writeln!(std::io::stderr(), "The demo failed: {error:#}");
            ExitCode::from(3)
        }
    }
}

#[cfg(unix)]
fn run() -> anyhow::Result<ExitCode> {
    let args = <args::Args as clap::Parser>::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(performance::run(&args))
}

#[cfg(not(unix))]
fn run() -> anyhow::Result<ExitCode> {
    anyhow::bail!("the demo runs on Linux and macOS only")
}
