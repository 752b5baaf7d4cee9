//! `cargo xtask`: set-up and all chores.
#![forbid(unsafe_code)]

mod check;
mod contract;
mod counts;
mod demo;
mod eval;
mod generated;
mod mail_servers;
mod package;
mod packages;
mod setup;
mod shell;
mod steps;
mod window;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::demo::Demo;
use crate::eval::{Bench, Eval, Faults, Fuzz, TryReal};
use crate::package::Package;
use crate::workspace::Workspace;

/// Set-up and chores. What is missing on this machine is installed, and said.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Show the product: a mail server, a backend and the desktop app, with mail that arrives
    Demo(Demo),
    /// Fetch the mail servers for the tests that can't be installed beside Dovecot
    MailServers,
    /// Run every test; the last line tells how many passed and failed
    Test,
    /// Run what a change must pass: the tests, format, lints, documentation, dependencies, generated files
    Ci,
    /// Measure accuracy on labelled mail
    Eval(Eval),
    /// Measure speed beside mail-parser on the same mail, and the memory of an index of a million sends; or what the
    /// reference backend carries; or how the agent does on a mailbox; or what the desktop app holds and how fast it shows itself
    Bench(Bench),
    /// Kill, cut, freeze and fill up everything at random: no reply may be lost or told twice, coverage never lies
    Faults(Faults),
    /// Play the suite on a mailbox or organisation of yours, at the real service
    TryReal(TryReal),
    /// Feed mutated mail to detection; a panic or a stall is a failure
    Fuzz(Fuzz),
    /// Take a picture of every page of the real app, light and dark, in English and Spanish
    Screenshots {
        /// The folder for the pictures, `PAGE-THEME-LANGUAGE.png`
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Build the packages to install: deb and rpm on Linux, what the platform has elsewhere
    Package(Package),
    /// Write the window's typed commands
    Bindings {
        /// Only say whether they are stale
        #[arg(long)]
        check: bool,
    },
    /// Write the OpenAPI description of the backend's interface
    Openapi {
        /// Only say whether it is stale
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    run(&cli.chore).unwrap_or_else(|error| {
        shell::say(&format!("cargo xtask: {error:#}"));
        ExitCode::FAILURE
    })
}

fn run(chore: &Chore) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::find()?;
    match chore {
        Chore::Demo(args) => return demo::demo(&workspace, args),
        Chore::MailServers => mail_servers::fetch(&workspace)?,
        Chore::Test => return Ok(check::test(&workspace)),
        Chore::Ci => return Ok(check::ci(&workspace)),
        Chore::Eval(args) => eval::eval(&workspace, args)?,
        Chore::Bench(args) => eval::bench(&workspace, args)?,
        Chore::Faults(args) => eval::faults(&workspace, args)?,
        Chore::TryReal(args) => return eval::try_real(&workspace, args),
        Chore::Fuzz(args) => eval::fuzz(&workspace, args)?,
        Chore::Screenshots { out } => window::screenshots(&workspace, out)?,
        Chore::Package(args) => package::package(&workspace, args)?,
        Chore::Bindings { check } => generated::build_bindings(&workspace, *check)?,
        Chore::Openapi { check } => generated::build_openapi(&workspace, *check)?,
    }
    Ok(ExitCode::SUCCESS)
}
