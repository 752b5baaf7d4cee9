//! The rep's mailbox on either mail server, with one face.

use std::path::PathBuf;

use anyhow::Result;
use jiff::Timestamp;

#[cfg(unix)]
use crate::dovecot::Dovecot;
use crate::imap::{Account, ImapServer};
use crate::personas::REP;
use crate::snapshot::Snapshot;

/// The password of the rep's mailbox.
pub const PASSWORD: &str = "mcp-4711";

/// A mail server with the rep's mailbox on it.
pub enum MailServer {
    /// The scripted server in this process.
    Embedded {
        /// The server.
        server: Box<ImapServer>,
        /// The rep's mailbox.
        account: Account,
    },
    /// A real Dovecot.
    #[cfg(unix)]
    Dovecot(Dovecot),
}

impl MailServer {
    /// Starts the scripted server.
    ///
    /// # Errors
    /// When it can't listen.
    pub async fn embedded() -> Result<Self> {
        let server = Box::new(ImapServer::start().await?);
        let account = server.add_account(REP.address, PASSWORD);
        Ok(Self::Embedded { server, account })
    }

    /// Starts a real Dovecot.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    #[cfg(unix)]
    pub async fn dovecot() -> Result<Self> {
        let dovecot = Dovecot::start(PASSWORD).await?;
        // Otherwise the first client that looks would create them, and the mailbox would not look untouched.
        for folder in ["Sent", "Drafts", "Junk", "Trash", "Archive"] {
            dovecot.create_folder(REP.address, folder).await?;
        }
        Ok(Self::Dovecot(dovecot))
    }

    /// What to call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Embedded { .. } => "in-memory IMAP server",
            #[cfg(unix)]
            Self::Dovecot(_) => "Dovecot",
        }
    }

    /// The port without TLS.
    pub fn port(&self) -> u16 {
        match self {
            Self::Embedded { server, .. } => server.port(),
            #[cfg(unix)]
            Self::Dovecot(dovecot) => dovecot.port(),
        }
    }

    /// The port with TLS; the certificate is for `localhost`.
    pub fn tls_port(&self) -> u16 {
        match self {
            Self::Embedded { server, .. } => server.tls_port(),
            #[cfg(unix)]
            Self::Dovecot(dovecot) => dovecot.tls_port(),
        }
    }

    /// A PEM file with the root that signed the certificate.
    pub fn ca_file(&self) -> PathBuf {
        match self {
            Self::Embedded { server, .. } => server.ca_file(),
            #[cfg(unix)]
            Self::Dovecot(dovecot) => dovecot.ca_file(),
        }
    }

    /// New mail, received now; a rule of the server files it where `folder` is not the INBOX.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn deliver(&self, folder: &str, raw: &[u8]) -> Result<()> {
        match self {
            Self::Embedded { account, .. } => {
                account.deliver(folder, raw);
                Ok(())
            }
            #[cfg(unix)]
            Self::Dovecot(dovecot) if folder == "INBOX" => dovecot.deliver(REP.address, raw).await,
            #[cfg(unix)]
            Self::Dovecot(dovecot) => dovecot.deliver_into(REP.address, folder, raw).await,
        }
    }

    /// Puts a message into `folder` with flags such as `\Seen`, received at `received_at`.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn append(
        &self,
        folder: &str,
        raw: &[u8],
        flags: &[&str],
        received_at: Timestamp,
    ) -> Result<()> {
        match self {
            Self::Embedded { account, .. } => {
                account.append(folder, raw, flags, received_at);
                Ok(())
            }
            #[cfg(unix)]
            Self::Dovecot(dovecot) => dovecot.append(REP.address, folder, raw, flags, received_at).await,
        }
    }

    /// Every folder with its UIDs and flags, as seen from behind the server.
    ///
    /// # Errors
    /// When the server can't be asked.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        match self {
            Self::Embedded { account, .. } => Ok(account.snapshot()),
            #[cfg(unix)]
            Self::Dovecot(dovecot) => dovecot.snapshot(REP.address).await,
        }
    }
}
