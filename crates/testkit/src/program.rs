//! Where the workspace's own programs are.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// A folder with the programs, for tests that run from elsewhere.
pub const FOLDER_VARIABLE: &str = "ANSWERBACK_BIN_DIR";

/// The path of one of the workspace's programs, such as `answerbackctl`: in the folder that
/// `ANSWERBACK_BIN_DIR` names, else beside the running program.
///
/// # Errors
/// When it is not there; the error says what to build.
pub fn find(name: &str) -> Result<PathBuf> {
    let folder = match std::env::var_os(FOLDER_VARIABLE) {
        Some(folder) => PathBuf::from(folder),
        None => own_folder()?,
    };
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if !path.is_file() {
        bail!("{} is not there; build it with: cargo build --workspace --bins", path.display());
    }
    Ok(path)
}

/// The folder of the running program; tests and examples run one level below it.
pub(crate) fn own_folder() -> Result<PathBuf> {
    let program = std::env::current_exe().context("Looking for our own program")?;
    let folder = program.parent().context("Our own program is in no folder")?;
    let above = folder.parent().filter(|_| folder.ends_with("deps") || folder.ends_with("examples"));
    Ok(above.unwrap_or(folder).to_owned())
}

/// A path as text, for a configuration file.
///
/// # Errors
/// When it is not UTF-8.
pub fn path_text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}
