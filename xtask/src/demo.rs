//! `demo`: the product on embedded defaults.

use std::process::{Command, ExitCode};

use clap::{Args, ValueEnum};

use crate::packages::Need;
use crate::setup::system_packages;
use crate::shell::{run, say, shown};
use crate::window;
use crate::workspace::{APP_FEATURE, Workspace};

/// How to show it.
#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// Without a window: prints the story as it happens. Also what happens where there is no display
    #[arg(long)]
    pub headless: bool,
    /// Where the mail comes from
    #[arg(long, value_enum, default_value_t)]
    pub mailbox: Mailbox,
    /// Have the backend write into a CRM
    #[arg(long, value_enum)]
    pub crm: Option<Crm>,
    /// End when the story has been told instead of waiting for Ctrl-C
    #[arg(long)]
    pub once: bool,
    /// How many times faster than life
    #[arg(long, value_name = "FACTOR")]
    pub speed: Option<f64>,
}

/// Where the demo's mail comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Mailbox {
    /// A mail server of our own in the demo's memory
    #[default]
    Embedded,
    /// A real Dovecot
    Dovecot,
}

/// The CRM that the backend writes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Crm {
    /// A Salesforce organisation, simulated from its public documentation
    Salesforce,
}

/// Builds what it needs and shows it.
///
/// # Errors
/// Something can't be installed, built or started.
pub fn demo(workspace: &Workspace, args: &Demo) -> anyhow::Result<ExitCode> {
    let headless =
        args.headless || !has_display(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if headless && !args.headless {
        say("There is no display, so the demo runs without a window.");
    }
    system_packages(&needs(args.mailbox))?;
    let mut build = workspace.cargo();
    build.args([
        "build",
        "--bin",
        "answerbackctl",
        "--bin",
        "answerback-backend",
        "--bin",
        "answerback-demo",
    ]);
    build.args(["-p", "answerback-cli", "-p", "answerback-reference-backend", "-p", "answerback-testkit"]);
    if !headless {
        window::prepare(workspace)?;
        build.args(["-p", "answerback", "--bin", "answerback", "--features", APP_FEATURE]);
    }
    run(&mut build)?;
    let mut demo = Command::new(workspace.program("answerback-demo"));
    if headless {
        demo.arg("--headless").arg("--ctl").arg(workspace.program("answerbackctl"));
    } else {
        demo.arg("--app").arg(workspace.program("answerback"));
    }
    if args.mailbox == Mailbox::Dovecot {
        demo.args(["--mailbox", "dovecot"]);
    }
    if args.crm == Some(Crm::Salesforce) {
        demo.args(["--crm", "salesforce"]);
    }
    demo.args(args.once.then_some("--once"));
    demo.args(args.speed.map(|speed| format!("--speed={speed}")));
    say(&format!("$ {}", shown(&demo)));
    become_or_wait(&mut demo)
}

fn needs(mailbox: Mailbox) -> Vec<Need> {
    match mailbox {
        Mailbox::Embedded => vec![Need::Compile],
        Mailbox::Dovecot => vec![Need::Compile, Need::Dovecot],
    }
}

/// Whether a window can be opened.
fn has_display(is_set: impl Fn(&str) -> bool) -> bool {
    cfg!(not(all(unix, not(target_os = "macos")))) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// This process becomes the demo, so Ctrl-C and every other signal reach it and nothing stands between.
#[cfg(unix)]
fn become_or_wait(demo: &mut Command) -> anyhow::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(anyhow::Error::new(demo.exec()).context("The demo can't be started"))
}

/// Ctrl-C goes to every program of the console, so waiting is enough.
#[cfg(not(unix))]
fn become_or_wait(demo: &mut Command) -> anyhow::Result<ExitCode> {
    let status = demo.status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_display_is_x11_or_wayland() {
        assert!(!has_display(|_| false));
        assert!(has_display(|name| name == "DISPLAY"));
        assert!(has_display(|name| name == "WAYLAND_DISPLAY"));
    }
}
