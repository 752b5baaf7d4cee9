//! Which user a mail server of ours runs as.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use anyhow::{Context as _, Result};

/// A user and a group, by name and, where we must become them, by number.
pub(crate) struct Identity {
    pub(crate) user: String,
    pub(crate) group: String,
    /// The numbers to become, when we are root.
    pub(crate) drop_to: Option<(u32, u32)>,
}

impl Identity {
    /// `nobody` when we are root, else ourselves.
    pub(crate) fn for_mail() -> Result<Self> {
        let root = rustix::process::geteuid().is_root();
        let wanted = rustix::process::geteuid().as_raw();
        let passwd = std::fs::read_to_string("/etc/passwd").context("Reading /etc/passwd")?;
        let entry = passwd
            .lines()
            .filter_map(Entry::parse)
            .find(|entry| if root { entry.name == "nobody" } else { entry.uid == wanted });
        let entry = entry.context("There is no user for the mail server to run as")?;
        let groups = std::fs::read_to_string("/etc/group").context("Reading /etc/group")?;
        let group = groups.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)?.parse() == Ok(entry.gid)).then(|| name.to_owned())
        });
        Ok(Self {
            user: entry.name.to_owned(),
            group: group.context("The user for the mail server has no group")?,
            drop_to: root.then_some((entry.uid, entry.gid)),
        })
    }

    /// Gives `folder` and what is in it to this user.
    pub(crate) fn give(&self, folder: &Path) -> Result<()> {
        let Some((uid, gid)) = self.drop_to else { return Ok(()) };
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?;
        chown(folder, Some(uid), Some(gid))?;
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.give(&path)?;
            } else {
                chown(&path, Some(uid), Some(gid))?;
            }
        }
        Ok(())
    }
}

struct Entry<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
}

impl<'a> Entry<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Self { name, uid, gid })
    }
}
