//! Files that are generated from the code and checked in.

use std::fs;
use std::process::Command;

use anyhow::{Context, bail};

use crate::packages::Need;
use crate::setup::system_packages;
use crate::shell::{output_of, run, say};
use crate::window;
use crate::workspace::{APP_FEATURE, Workspace};

/// What a stale file is mended by.
const OPENAPI: &str = "docs/openapi.json";

/// Builds what writes the window's typed commands, and does [`bindings`].
///
/// # Errors
/// It can't be built, or as [`bindings`].
pub fn build_bindings(workspace: &Workspace, check: bool) -> anyhow::Result<()> {
    window::prepare(workspace)?;
    let arguments = ["build", "-p", "answerback", "--example", "bindings", "--features", APP_FEATURE];
    run(workspace.cargo().args(arguments))?;
    bindings(workspace, check)
}

/// Writes the window's typed commands, or says whether they are stale.
///
/// # Errors
/// They are stale, or can't be written.
pub fn bindings(workspace: &Workspace, check: bool) -> anyhow::Result<()> {
    let mut program = Command::new(workspace.program("examples/bindings"));
    run(program.current_dir(&workspace.root).args(check.then_some("--check")))
}

/// Builds the reference backend, and does [`openapi`].
///
/// # Errors
/// It can't be built, or as [`openapi`].
pub fn build_openapi(workspace: &Workspace, check: bool) -> anyhow::Result<()> {
    system_packages(&[Need::Compile])?;
    run(workspace.cargo().args(["build", "-p", "answerback-reference-backend"]))?;
    openapi(workspace, check)
}

/// Writes the OpenAPI description of the backend's interface, or says whether it is stale.
///
/// # Errors
/// It is stale, or can't be written.
pub fn openapi(workspace: &Workspace, check: bool) -> anyhow::Result<()> {
    let program = workspace.program("answerback-backend");
    let fresh =
        output_of(&program.to_string_lossy(), &["openapi"]).context("`answerback-backend openapi` failed")?;
    let file = workspace.root.join(OPENAPI);
    if fs::read_to_string(&file).is_ok_and(|written| written.trim_end() == fresh.trim_end()) {
        say(&format!("{OPENAPI} is up to date."));
        return Ok(());
    }
    if check {
        bail!("{OPENAPI} is stale; run `cargo xtask openapi`");
    }
    fs::write(&file, fresh).with_context(|| format!("{OPENAPI} can't be written"))?;
    say(&format!("{OPENAPI} was written."));
    Ok(())
}
