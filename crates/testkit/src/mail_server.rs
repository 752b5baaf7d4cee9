//! The rep's mailbox on either mail server, with one face.

use std::path::PathBuf;
use std::time::Duration;

use answerback_reply::Message;
use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;

use crate::agent::MailAccess;
#[cfg(unix)]
use crate::dovecot::Dovecot;
use crate::ews::{EwsServer, SignIn};
use crate::exchange::{self, Language};
use crate::graph::GraphServer;
use crate::imap::{Account, ImapServer};
use crate::personas::REP;
use crate::real_mailbox::RealMailbox;
use crate::snapshot::Snapshot;

/// The password of the rep's mailbox.
pub const PASSWORD: &str = "mcp-4711";

const ONLY_RECEIVES: &str =
    "Somebody's own mailbox only receives: nothing of ours writes into it or looks behind it";

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
    /// The simulated Microsoft Graph; it opens to [`PASSWORD`] as its access token.
    Graph(Box<GraphServer>),
    /// The simulated Exchange; it opens to the rep's address and [`PASSWORD`].
    Ews(Box<EwsServer>),
    /// Somebody's own mailbox, wherever it is.
    Real(Box<RealMailbox>),
}

/// How a mail server on `localhost` is reached by IMAP.
#[derive(Clone, Debug)]
pub struct ImapDoors {
    /// The port without TLS.
    pub plain: u16,
    /// The port with TLS; its certificate is for `localhost`.
    pub tls: u16,
    /// A PEM file with the root that signed the certificate.
    pub ca_file: PathBuf,
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

    /// Starts the simulated Microsoft Graph.
    ///
    /// # Errors
    /// When it can't listen.
    pub async fn graph() -> Result<Self> {
        Ok(Self::Graph(Box::new(GraphServer::start(REP.address, PASSWORD).await?)))
    }

    /// Starts the simulated Exchange, which takes NTLM with Extended Protection only, as a new one on an organisation's own servers.
    ///
    /// # Errors
    /// When it can't listen.
    pub async fn ews() -> Result<Self> {
        let sign_in = SignIn::NtlmExtended;
        let server = EwsServer::start_with(Language::English, sign_in, REP.address, PASSWORD).await?;
        Ok(Self::Ews(Box::new(server)))
    }

    /// What to call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Embedded { .. } => "in-memory IMAP server",
            #[cfg(unix)]
            Self::Dovecot(_) => "Dovecot",
            Self::Graph(_) => "simulated Microsoft Graph",
            Self::Ews(_) => "simulated Exchange",
            Self::Real(_) => "real mailbox",
        }
    }

    /// Its doors for IMAP, where it has any.
    pub fn imap(&self) -> Option<ImapDoors> {
        match self {
            Self::Embedded { server, .. } => {
                Some(ImapDoors { plain: server.port(), tls: server.tls_port(), ca_file: server.ca_file() })
            }
            #[cfg(unix)]
            Self::Dovecot(dovecot) => {
                Some(ImapDoors { plain: dovecot.port(), tls: dovecot.tls_port(), ca_file: dovecot.ca_file() })
            }
            Self::Graph(_) | Self::Ews(_) | Self::Real(_) => None,
        }
    }

    /// How the agent reaches it.
    ///
    /// # Errors
    /// It has neither IMAP nor an address of its own.
    pub fn access(&self) -> Result<MailAccess> {
        match self {
            Self::Graph(server) => Ok(MailAccess::Graph { url: server.url(), token_file: None }),
            Self::Ews(server) => Ok(MailAccess::Ews { url: server.url(), ca_file: server.ca_file() }),
            Self::Real(mailbox) => Ok(MailAccess::Given(mailbox.config.clone())),
            _ => {
                let ImapDoors { tls, ca_file, .. } = self.imap().context("The mail server has no IMAP")?;
                Ok(MailAccess::Imap { port: tls, security: "tls", ca_file })
            }
        }
    }

    /// What the INBOX is called there.
    pub fn inbox(&self) -> &'static str {
        match self {
            Self::Graph(_) | Self::Ews(_) => "Inbox",
            _ => "INBOX",
        }
    }

    /// What may take so long with a server of ours, and how long that may take here: mail on its way through the world
    /// needs some minutes more.
    pub fn allowed(&self, limit: Duration) -> Duration {
        match self {
            Self::Real(_) => limit + Duration::from_secs(300),
            _ => limit,
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
            Self::Graph(server) => {
                server.mailbox().deliver(outlook_name(folder), raw);
                Ok(())
            }
            Self::Ews(server) => {
                server.mailbox().deliver(outlook_name(folder), raw);
                Ok(())
            }
            Self::Real(mailbox) if folder == "INBOX" => mailbox.deliver(raw).await,
            Self::Real(mailbox) => mailbox.deliver_filed(raw).await,
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
            Self::Graph(server) => {
                let read = flags.contains(&"\\Seen");
                server.mailbox().append(outlook_name(folder), raw, read, received_at);
                Ok(())
            }
            Self::Ews(server) => {
                let read = flags.contains(&"\\Seen");
                server.mailbox().append(outlook_name(folder), raw, read, received_at);
                Ok(())
            }
            Self::Real(_) => bail!("{ONLY_RECEIVES}"),
            #[cfg(unix)]
            Self::Dovecot(dovecot) => dovecot.append(REP.address, folder, raw, flags, received_at).await,
        }
    }

    /// Another mail program moves the message with this Message-ID (without brackets), as far as it is there.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn move_message(&self, from: &str, message_id: &str, to: &str) -> Result<()> {
        match self {
            Self::Embedded { account, .. } => {
                let messages = account.messages(from);
                let found = messages.into_iter().find(|(_, raw)| has_message_id(raw, message_id));
                if let Some((uid, _)) = found {
                    account.move_message(from, uid, to);
                }
                Ok(())
            }
            Self::Graph(server) => {
                move_in_outlook(&server.mailbox(), from, message_id, to);
                Ok(())
            }
            Self::Ews(server) => {
                move_in_outlook(&server.mailbox(), from, message_id, to);
                Ok(())
            }
            Self::Real(_) => bail!("{ONLY_RECEIVES}"),
            #[cfg(unix)]
            Self::Dovecot(dovecot) => {
                let query = format!("header message-id {message_id}");
                dovecot.move_messages(REP.address, from, &query, to).await
            }
        }
    }

    /// Every folder with its UIDs and flags, as seen from behind the server.
    ///
    /// # Errors
    /// When the server can't be asked.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        match self {
            Self::Embedded { account, .. } => Ok(account.snapshot()),
            Self::Graph(server) => Ok(server.mailbox().snapshot()),
            Self::Ews(server) => Ok(server.mailbox().snapshot()),
            Self::Real(_) => bail!("{ONLY_RECEIVES}"),
            #[cfg(unix)]
            Self::Dovecot(dovecot) => dovecot.snapshot(REP.address).await,
        }
    }
}

fn move_in_outlook(mailbox: &exchange::Account, from: &str, message_id: &str, to: &str) {
    if let Some(serial) = mailbox.find(outlook_name(from), message_id) {
        mailbox.move_message(serial, outlook_name(to));
    }
}

fn has_message_id(raw: &[u8], message_id: &str) -> bool {
    Message::from_header(raw).message_id.is_some_and(|id| id.as_str() == message_id)
}

/// What Outlook calls a folder that other mail servers name so.
fn outlook_name(folder: &str) -> &str {
    match folder {
        "INBOX" => "inbox",
        "Sent" => "sentitems",
        "Junk" => "junkemail",
        "Trash" => "deleteditems",
        other => other,
    }
}
