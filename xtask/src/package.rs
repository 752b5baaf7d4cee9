//! Packages to install: deb and rpm on Linux, what the platform has elsewhere.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use clap::Args;
use serde_json::Value;

use crate::shell::{run, say};
use crate::window;
use crate::workspace::{APP_FEATURE, Workspace};

/// What `package` can be told.
#[derive(Debug, Args)]
pub struct Package {
    /// Without optimisations and without the release's configuration, quickly, to try the package itself
    #[arg(long)]
    debug: bool,
}

/// Builds the packages, and says where they are.
///
/// # Errors
/// Something can't be installed or built.
pub fn package(workspace: &Workspace, args: &Package) -> anyhow::Result<()> {
    window::prepare(workspace)?;
    let mut build = workspace.cargo();
    build.args(["build", "--package", "answerback", "--bins", "--features", APP_FEATURE]);
    let mut bundle = Command::new(workspace.root.join("ui/node_modules/.bin/tauri"));
    bundle.current_dir(&workspace.root).args(["bundle", "--ci"]);
    if args.debug {
        bundle.arg("--debug");
    } else {
        let overlay = release(&workspace.root)?;
        // Tauri lays it over tauri.conf.json: what is compiled in, and what the installers hold.
        build.arg("--release").env("TAURI_CONFIG", &overlay);
        bundle.args(["--config", &overlay]);
    }
    run(&mut build)?;
    run(&mut bundle)?;
    say_where(&workspace.target.join(if args.debug { "debug" } else { "release" }).join("bundle"))
}

/// The release's configuration, to lay over the usual one.
fn release(root: &Path) -> anyhow::Result<String> {
    let path = root.join("tauri.release.conf.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    Ok(serde_json::from_str::<Value>(&text).with_context(|| format!("{}", path.display()))?.to_string())
}

fn say_where(folder: &Path) -> anyhow::Result<()> {
    let nothing = || format!("There is nothing in {}", folder.display());
    for kind in std::fs::read_dir(folder).with_context(nothing)? {
        let kind = kind?.path();
        for file in std::fs::read_dir(&kind).with_context(nothing)? {
            let file = file?.path();
            if file.is_file() && file.extension() == kind.file_name().map(OsStr::new) {
                say(&file.display().to_string());
            }
        }
    }
    Ok(())
}
