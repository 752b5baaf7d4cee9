//! The servers of the suite, with one face.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use answerback_mailbox::{FolderRole, ImapSettings, Security};
use answerback_testkit::courier::Courier;
use answerback_testkit::cyrus::Cyrus;
use answerback_testkit::dovecot::Dovecot;
use answerback_testkit::imap::{ImapServer, Profile};
use answerback_testkit::mail_client::MailClient;
use anyhow::{Context as _, Result};

use crate::common::{PASSWORD, settings};

/// A running server.
pub struct Site {
    /// What the table calls it.
    pub name: &'static str,
    server: Server,
    mailboxes: AtomicU32,
}

enum Server {
    Dovecot(Dovecot),
    Cyrus(Cyrus),
    Courier(Box<Courier>),
    Scripted(Box<ImapServer>, Profile),
}

impl Site {
    /// Starts all of them, in the order of the table's columns.
    pub async fn all() -> Result<Vec<Self>> {
        let mut sites = vec![
            Self::new("Dovecot", Server::Dovecot(Dovecot::start(PASSWORD).await?)),
            Self::new("Cyrus", Server::Cyrus(Cyrus::start(PASSWORD).await?)),
            Self::new("Courier", Server::Courier(Box::new(Courier::start().await?))),
        ];
        for (name, profile) in [
            ("Gmail", Profile::GMAIL),
            ("Microsoft 365", Profile::MICROSOFT_365),
            ("Yahoo", Profile::YAHOO),
            ("iCloud", Profile::ICLOUD),
            ("NetEase", Profile::NETEASE),
        ] {
            let server = Box::new(ImapServer::start_as(profile.clone()).await?);
            sites.push(Self::new(name, Server::Scripted(server, profile)));
        }
        Ok(sites)
    }

    fn new(name: &'static str, server: Server) -> Self {
        Self { name, server, mailboxes: AtomicU32::new(0) }
    }

    /// A new mailbox with the usual folders.
    pub async fn mailbox(&self) -> Result<Place<'_>> {
        let number = self.mailboxes.fetch_add(1, Ordering::Relaxed);
        let place = Place { site: self, user: format!("rep{number}@sales.example") };
        match &self.server {
            Server::Dovecot(dovecot) => {
                // Otherwise the first program that looks would create them.
                for folder in ["Sent", "Drafts", "Junk", "Trash", "Archive"] {
                    dovecot.create_folder(&place.user, folder).await?;
                }
            }
            // It makes them when the user signs in first.
            Server::Cyrus(_) => drop(place.phone().await?),
            Server::Courier(courier) => {
                courier.add_account(&place.user, PASSWORD)?;
                let mut phone = place.phone().await?;
                for folder in ["Sent", "Drafts", "Junk", "Trash", "Archive"] {
                    phone.create(&place.path(folder)).await?;
                }
            }
            Server::Scripted(server, _) => {
                server.add_account(&place.user, PASSWORD);
            }
        }
        Ok(place)
    }

    /// Whether the server does what a capability promises.
    pub fn offers(&self, capability: &str) -> bool {
        match &self.server {
            Server::Dovecot(_) => ["IDLE", "NOTIFY", "COMPRESS=DEFLATE"].contains(&capability),
            Server::Cyrus(_) => ["IDLE", "OBJECTID", "COMPRESS=DEFLATE"].contains(&capability),
            Server::Courier(_) => capability == "IDLE",
            Server::Scripted(_, profile) => profile.offers(capability),
        }
    }

    /// Whether TLS can be begun on the port without it.
    pub fn has_starttls(&self) -> bool {
        match &self.server {
            Server::Scripted(_, profile) => profile.before_login.contains(&"STARTTLS"),
            _ => true,
        }
    }

    fn ports(&self) -> (u16, u16, PathBuf) {
        match &self.server {
            Server::Dovecot(server) => (server.port(), server.tls_port(), server.ca_file()),
            Server::Cyrus(server) => (server.port(), server.tls_port(), server.ca_file()),
            Server::Courier(server) => (server.port(), server.tls_port(), server.ca_file()),
            Server::Scripted(server, _) => (server.port(), server.tls_port(), server.ca_file()),
        }
    }
}

/// One mailbox of a server.
pub struct Place<'s> {
    pub site: &'s Site,
    user: String,
}

impl Place<'_> {
    /// How to reach it.
    pub fn settings(&self, security: Security) -> ImapSettings {
        let (plain, tls, ca_file) = self.site.ports();
        let port = if security == Security::Tls { tls } else { plain };
        ImapSettings { username: self.user.clone(), ..settings(port, security, ca_file) }
    }

    /// The port without TLS.
    pub fn port(&self) -> u16 {
        self.site.ports().0
    }

    /// Another program on it.
    pub async fn phone(&self) -> Result<MailClient> {
        MailClient::sign_in(self.port(), &self.user, PASSWORD).await
    }

    /// A folder's name as this server has it; levels are parted by `/` here.
    pub fn path(&self, name: &str) -> String {
        match &self.site.server {
            Server::Courier(_) if name != "INBOX" => format!("INBOX.{}", name.replace('/', ".")),
            _ => name.to_owned(),
        }
    }

    /// Where old mail is read that has no folder of its own: at Gmail all of it is in one.
    pub fn bulk(&self) -> &'static str {
        if self.is_gmail() { "[Gmail]/All Mail" } else { "INBOX" }
    }

    /// Labels are not folders.
    pub fn is_gmail(&self) -> bool {
        self.site.offers("X-GM-EXT-1")
    }

    /// The folder for something.
    pub fn folder(&self, role: FolderRole) -> Result<String> {
        let Server::Scripted(_, profile) = &self.site.server else {
            let name = match role {
                FolderRole::Sent => "Sent",
                FolderRole::Drafts => "Drafts",
                FolderRole::Junk => "Junk",
                FolderRole::Trash => "Trash",
                _ => "Archive",
            };
            return Ok(self.path(name));
        };
        let (special_use, names): (_, &[&str]) = match role {
            FolderRole::Sent => ("\\Sent", &["Sent Messages"]),
            FolderRole::Drafts => ("\\Drafts", &["Drafts"]),
            FolderRole::Junk => ("\\Junk", &["Junk"]),
            FolderRole::Trash => ("\\Trash", &["Deleted Messages"]),
            _ => ("\\Archive", &["Archive", "[Gmail]/All Mail"]),
        };
        let named = |name: &str| names.contains(&name);
        let found = profile.folders.iter().find(|(name, role)| *role == Some(special_use) || named(name));
        // NetEase has no folder for archived mail; any will do.
        let found = found.or_else(|| profile.folders.iter().find(|(_, role)| *role == Some("\\Trash")));
        found
            .map(|(name, _)| (*name).to_owned())
            .with_context(|| format!("{} has no {role:?}", self.site.name))
    }
}
