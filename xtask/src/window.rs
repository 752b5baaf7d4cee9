//! The desktop app's window: what it is built from, and pictures of it.

use std::path::Path;
use std::process::Command;

use crate::packages::Need;
use crate::setup::{cargo_program, npm, npm_packages, system_packages};
use crate::shell::run;
use crate::workspace::{APP_FEATURE, Workspace};

/// Installs what the desktop app needs to compile, and builds the pages that go into it.
///
/// # Errors
/// Something can't be installed or built.
pub fn prepare(workspace: &Workspace) -> anyhow::Result<()> {
    system_packages(&[Need::Compile, Need::Desktop])?;
    npm_packages(workspace)?;
    build_pages(workspace)
}

/// Builds the pages.
///
/// # Errors
/// They can't be built.
pub fn build_pages(workspace: &Workspace) -> anyhow::Result<()> {
    run(npm(&workspace.root.join("ui")).args(["run", "build"]))
}

/// Installs the program that drives the window in tests.
///
/// # Errors
/// It can't be compiled.
pub fn driver() -> anyhow::Result<()> {
    if cfg!(target_os = "linux") {
        cargo_program("tauri-driver", "tauri-driver", "drives the window in the window tests")?;
    }
    Ok(())
}

/// Measures the real app, built with optimisations.
///
/// # Errors
/// Something can't be installed, built or started.
pub fn figures(workspace: &Workspace) -> anyhow::Result<()> {
    prepare(workspace)?;
    system_packages(&[Need::Test])?;
    driver()?;
    let packages = ["-p", "answerback", "-p", "answerback-cli", "-p", "answerback-reference-backend"];
    run(workspace.cargo().args(["build", "--release", "--bins", "--features", APP_FEATURE]).args(packages))?;
    run(workspace.cargo().args([
        "build",
        "-p",
        "answerback",
        "--example",
        "figures",
        "--features",
        APP_FEATURE,
    ]))?;
    let programs = workspace.release_program("answerback");
    let mut figures = Command::new(workspace.program("examples/figures"));
    run(figures.arg(programs.parent().unwrap_or(&workspace.target)))
}

/// Takes a picture of every page of the real app, in every look.
///
/// # Errors
/// Something can't be installed, built or driven.
pub fn screenshots(workspace: &Workspace, out: &Path) -> anyhow::Result<()> {
    prepare(workspace)?;
    system_packages(&[Need::Test])?;
    driver()?;
    let everything = ["build", "--workspace", "--bins", "--examples", "--features", APP_FEATURE];
    run(workspace.cargo().args(everything))?;
    run(Command::new(workspace.program("examples/screenshots")).arg(out))
}
