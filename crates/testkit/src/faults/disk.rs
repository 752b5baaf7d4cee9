//! A disk that can be full.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

/// A small file system of its own, mounted while this lives. Only root can have one.
#[derive(Debug)]
pub(super) struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts one at `folder`, which is made.
    pub(super) fn mount(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m,mode=700", "answerback-faults"])
            .arg(folder)
            .output()?;
        if !mounted.status.success() {
            bail!("mount: {}", String::from_utf8_lossy(&mounted.stderr).trim());
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// Whether it can be mounted here.
    pub(super) fn is_possible() -> bool {
        tempfile::tempdir().is_ok_and(|folder| Self::mount(folder.path()).is_ok())
    }

    /// Leaves not a byte.
    pub(super) fn fill(&self) -> Result<()> {
        let mut file = File::create(self.folder.join("filler"))?;
        let mut block = vec![0; 64 * 1024];
        while !block.is_empty() {
            if file.write_all(&block).is_err() {
                block.truncate(block.len() / 2);
            }
        }
        Ok(())
    }

    /// There is space again.
    pub(super) fn free(&self) -> Result<()> {
        let filler = self.folder.join("filler");
        if filler.exists() {
            std::fs::remove_file(filler)?;
        }
        Ok(())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: somebody may just be ending on it.
        let ended = Command::new("umount").arg("-l").arg(&self.folder).status();
        if !ended.is_ok_and(|status| status.success()) {
            tracing::warn!("{} is still mounted.", self.folder.display());
        }
    }
}
