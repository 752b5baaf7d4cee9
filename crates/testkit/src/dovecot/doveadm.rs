//! What a test does behind the client's back: `doveadm`.

use std::collections::BTreeMap;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};

use super::Dovecot;
use crate::snapshot::{FolderSnapshot, Snapshot};

impl Dovecot {
    /// Creates a folder.
    ///
    /// # Errors
    /// When Dovecot refuses.
    pub async fn create_folder(&self, user: &str, folder: &str) -> Result<()> {
        self.doveadm(&["mailbox", "create", "-u", user, folder]).await?;
        Ok(())
    }

    /// What another client does when the rep reads or stars a message: adds `flags` to the messages that the
    /// search `query` finds in `folder`, such as `uid 3`.
    ///
    /// # Errors
    /// When Dovecot refuses.
    pub async fn add_flags(&self, user: &str, folder: &str, query: &str, flags: &[&str]) -> Result<()> {
        let flags = flags.join(" ");
        let mut arguments = vec!["flags", "add", "-u", user, flags.as_str(), "mailbox", folder];
        arguments.extend(query.split(' '));
        self.doveadm(&arguments).await?;
        Ok(())
    }

    /// Removes the messages that the search `query` finds in `folder` for good.
    ///
    /// # Errors
    /// When Dovecot refuses.
    pub async fn expunge(&self, user: &str, folder: &str, query: &str) -> Result<()> {
        let mut arguments = vec!["expunge", "-u", user, "mailbox", folder];
        arguments.extend(query.split(' '));
        self.doveadm(&arguments).await?;
        Ok(())
    }

    /// Moves the messages that the search `query` finds in `from` to the folder `to`.
    ///
    /// # Errors
    /// When Dovecot refuses.
    pub async fn move_messages(&self, user: &str, from: &str, query: &str, to: &str) -> Result<()> {
        let mut arguments = vec!["move", "-u", user, to, "mailbox", from];
        arguments.extend(query.split(' '));
        self.doveadm(&arguments).await?;
        Ok(())
    }

    /// Cuts every connection of `user`.
    ///
    /// # Errors
    /// When Dovecot refuses.
    pub async fn kick(&self, user: &str) -> Result<()> {
        self.doveadm(&["kick", user]).await?;
        Ok(())
    }

    /// Every folder with its UIDs and flags, as seen from behind the server.
    ///
    /// # Errors
    /// When Dovecot refuses, or says what can't be read.
    pub async fn snapshot(&self, user: &str) -> Result<Snapshot> {
        let status =
            self.doveadm(&["-f", "tab", "mailbox", "status", "-u", user, "uidvalidity", "*"]).await?;
        let mut folders = BTreeMap::new();
        for line in status.lines().skip(1) {
            let (name, uid_validity) = line.rsplit_once('\t').context("A status line of doveadm")?;
            let uid_validity = uid_validity.parse().context("A UIDVALIDITY of doveadm")?;
            folders.insert(name.to_owned(), FolderSnapshot { uid_validity, ..FolderSnapshot::default() });
        }
        let fetched =
            self.doveadm(&["-f", "tab", "fetch", "-u", user, "mailbox uid flags", "mailbox", "*"]).await?;
        for line in fetched.lines().skip(1) {
            let mut columns = line.split('\t');
            let (folder, uid, flags) = (columns.next(), columns.next(), columns.next());
            let folder = folder.and_then(|name| folders.get_mut(name)).context("A folder of doveadm")?;
            let uid = uid.and_then(|uid| uid.parse().ok()).context("A UID of doveadm")?;
            let flags = flags.unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect();
            folder.messages.insert(uid, flags);
        }
        Ok(Snapshot { folders })
    }

    async fn doveadm(&self, arguments: &[&str]) -> Result<String> {
        let output = tokio::process::Command::new("doveadm")
            .arg("-c")
            .arg(self.config())
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .context("Starting doveadm")?;
        if !output.status.success() {
            bail!("doveadm {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        String::from_utf8(output.stdout).context("What doveadm printed")
    }
}
