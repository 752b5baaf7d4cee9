//! Where things are.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use crate::shell::output_of;

/// The feature that puts the built window into the desktop app instead of expecting a development server.
pub const APP_FEATURE: &str = "answerback/custom-protocol";

/// The checkout and its build folder.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub root: PathBuf,
    /// The build folder.
    pub target: PathBuf,
}

impl Workspace {
    /// Asks cargo.
    ///
    /// # Errors
    /// Cargo can't say.
    pub fn find() -> anyhow::Result<Self> {
        let metadata = output_of("cargo", &["metadata", "--no-deps", "--format-version", "1"])
            .context("`cargo metadata` failed; run this in the checkout")?;
        let metadata: serde_json::Value =
            serde_json::from_str(&metadata).context("`cargo metadata` is not JSON")?;
        let folder = |name: &str| metadata.get(name).and_then(|value| value.as_str()).map(PathBuf::from);
        Ok(Self {
            root: folder("workspace_root").context("cargo names no workspace")?,
            target: folder("target_directory").context("cargo names no build folder")?,
        })
    }

    /// A program that was built.
    pub fn program(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// A program that was built with optimisations.
    pub fn release_program(&self, name: &str) -> PathBuf {
        self.target.join("release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// A folder of the build folder, for what a chore installs.
    pub fn build_folder(&self, name: &str) -> PathBuf {
        self.target.join(name)
    }

    /// Cargo in the root folder.
    pub fn cargo(&self) -> Command {
        // Not the `CARGO` of the toolchain that runs this, so that rust-toolchain files and wrappers count.
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&self.root);
        cargo
    }
}
