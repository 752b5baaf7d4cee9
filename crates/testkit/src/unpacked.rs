//! Programs of Debian packages that can't be installed beside what else is here: unpacked into a folder of their own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::program;

/// The folder with an unpacked package and its libraries in `NAME/`, for tests that run from elsewhere.
pub const FOLDER_VARIABLE: &str = "ANSWERBACK_MAIL_SERVERS";

/// An unpacked package with the libraries that it needs.
#[derive(Clone, Debug)]
pub struct Unpacked {
    root: PathBuf,
}

impl Unpacked {
    /// The package of that name, in the folder that `ANSWERBACK_MAIL_SERVERS` names, else in the build folder.
    ///
    /// # Errors
    /// When it is not there; the error says how to get it.
    pub fn find(name: &str) -> Result<Self> {
        let folder = match std::env::var_os(FOLDER_VARIABLE) {
            Some(folder) => PathBuf::from(folder),
            None => {
                let programs = program::own_folder()?;
                programs.parent().context("The programs are in no build folder")?.join("mail-servers")
            }
        };
        let root = folder.join(name);
        if !root.join("complete").is_file() {
            bail!("{} is not in {}; fetch it with: cargo xtask mail-servers", name, folder.display());
        }
        Ok(Self { root })
    }

    /// A file of it, such as `usr/bin/imapd`.
    ///
    /// # Errors
    /// When it has none such.
    pub fn file(&self, path: &str) -> Result<PathBuf> {
        let path = self.root.join(path);
        if path.is_file() { Ok(path) } else { bail!("{} is missing", path.display()) }
    }

    /// `LD_LIBRARY_PATH` for its programs.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn library_path(&self) -> Result<OsString> {
        let mut folders = Vec::new();
        for lib in ["usr/lib", "lib"] {
            let lib = self.root.join(lib);
            if lib.is_dir() {
                let below = std::fs::read_dir(&lib)?.collect::<std::io::Result<Vec<_>>>()?;
                folders.push(lib);
                // The machine's kind, such as x86_64-linux-gnu.
                folders.extend(below.into_iter().map(|entry| entry.path()).filter(|path| is_multiarch(path)));
            }
        }
        std::env::join_paths(folders).context("A folder's name can't stand in a search path")
    }
}

fn is_multiarch(path: &Path) -> bool {
    path.is_dir() && path.file_name().is_some_and(|name| name.to_string_lossy().contains("-linux-"))
}
