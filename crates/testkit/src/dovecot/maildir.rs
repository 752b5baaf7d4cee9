//! Mail that has been there for years: written past the server, which takes it in when the mailbox is opened first.

use std::fs::File;
use std::io::Write as _;
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::Dovecot;
use crate::identity::Identity;

impl Dovecot {
    /// Puts messages, each with the time when it was received, into the INBOX of `user`, whose mailbox nobody has
    /// opened before. Only where mail is stored as Maildir.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn fill(&self, user: &str, mails: impl Iterator<Item = (Timestamp, Vec<u8>)>) -> Result<()> {
        let home = self.folder.path().join("mail").join(user.to_lowercase());
        let folder = home.join("maildir");
        for name in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(folder.join(name)).context("Creating a Maildir")?;
        }
        for (n, (received_at, raw)) in mails.enumerate() {
            // Line ends as a delivery agent writes them. With both sizes in its name (S on disk, W on the wire) the
            // server need not read a message to know its size.
            let mut text = Vec::with_capacity(raw.len());
            raw.split_inclusive(|byte| *byte == b'\n').for_each(|line| {
                text.extend_from_slice(line.strip_suffix(b"\r\n").unwrap_or(line));
                text.push(b'\n');
            });
            let lines = text.iter().filter(|byte| **byte == b'\n').count();
            let (second, size) = (received_at.as_second(), text.len());
            let name = format!("{second}.M{n}P1Q{n}.mx,S={size},W={}:2,S", size + lines);
            let mut file = File::create(folder.join("cur").join(name)).context("Writing a message")?;
            file.write_all(&text).context("Writing a message")?;
            // That is INTERNALDATE.
            file.set_modified(SystemTime::from(received_at)).context("Dating a message")?;
        }
        Identity::for_mail()?.give(&home)
    }

    /// Has the server forget what it remembers of the messages in the INBOX of `user`, header fields above all: it reads every file
    /// again when they are asked for. Their UIDs stay. Nobody may have the mailbox open.
    ///
    /// # Errors
    /// When a file of the index can't be removed.
    pub fn forget_index(&self, user: &str) -> Result<()> {
        let folder = self.folder.path().join("mail").join(user.to_lowercase()).join("maildir");
        for entry in std::fs::read_dir(&folder).context("Reading a Maildir")? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("dovecot.index") {
                std::fs::remove_file(entry.path()).context("Removing a file of the index")?;
            }
        }
        Ok(())
    }
}
