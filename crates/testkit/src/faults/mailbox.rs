//! The mailbox of a story, and what can happen to it and on the way there.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::fault::Fault;
use super::plot::{Mailbox, Place, Plot};
use super::replies::{message_id, reply};
use super::way::Way;
use crate::agent::MailAccess;
use crate::bad_network::Trouble;
use crate::ews::EwsServer;
use crate::mail_server::{MailServer, PASSWORD};
use crate::personas::REP;

/// Where copies go, and what the rep moves.
const ARCHIVE: &str = "Archive";

/// A mail server behind a way on which things happen.
pub(super) struct StoryMailbox {
    server: MailServer,
    way: Way,
    tls: bool,
    /// Graph's access token is in this file.
    token_file: PathBuf,
    tokens: u32,
    /// Where each reply lies.
    lies_in: BTreeMap<usize, &'static str>,
}

impl StoryMailbox {
    /// Starts it; `folder` is for files of its own.
    pub(super) async fn start(plot: &Plot, folder: &Path) -> Result<Self> {
        let server = match plot.mailbox {
            Mailbox::Imap => MailServer::embedded().await?,
            Mailbox::Dovecot => MailServer::dovecot().await?,
            Mailbox::Graph => MailServer::graph().await?,
            // By Basic without TLS: what happens on the way is then the server's own words that are cut.
            Mailbox::Ews => MailServer::Ews(Box::new(EwsServer::start(REP.address, PASSWORD).await?)),
        };
        let port = match &server {
            MailServer::Graph(graph) => graph.port(),
            MailServer::Ews(ews) => ews.port(),
            _ => {
                let doors = server.imap().context("The mail server has no IMAP")?;
                if plot.tls { doors.tls } else { doors.plain }
            }
        };
        let mailbox = Self {
            server,
            way: Way::to(port).await?,
            tls: plot.tls,
            token_file: folder.join("token"),
            tokens: 0,
            lies_in: BTreeMap::new(),
        };
        mailbox.put_token(PASSWORD)?;
        Ok(mailbox)
    }

    /// How the agent reaches it.
    pub(super) fn access(&self) -> Result<MailAccess> {
        let port = self.way.port();
        Ok(match &self.server {
            MailServer::Graph(_) => MailAccess::Graph {
                url: format!("http://127.0.0.1:{port}"),
                token_file: Some(self.token_file.clone()),
            },
            MailServer::Ews(_) => {
                let url = format!("http://127.0.0.1:{port}/EWS/Exchange.asmx");
                MailAccess::Ews { url, ca_file: None }
            }
            _ => {
                let doors = self.server.imap().context("The mail server has no IMAP")?;
                let security = if self.tls { "tls" } else { "none" };
                MailAccess::Imap { port, security, ca_file: doors.ca_file }
            }
        })
    }

    /// The `n`th reply arrives.
    pub(super) async fn deliver(&mut self, n: usize, place: Place, now: Timestamp) -> Result<()> {
        let folder = match place {
            Place::Inbox => "INBOX",
            Place::Spam => "Junk",
            Place::Filed => "Prospects",
        };
        self.lies_in.insert(n, folder);
        self.server.deliver(folder, &reply(n, now)).await
    }

    /// A copy of it arrives elsewhere.
    pub(super) async fn copy(&self, n: usize, now: Timestamp) -> Result<()> {
        self.server.deliver(ARCHIVE, &reply(n, now)).await
    }

    /// Another mail program moves it.
    pub(super) async fn move_away(&mut self, n: usize) -> Result<()> {
        match self.lies_in.insert(n, ARCHIVE) {
            Some(from) => self.server.move_message(from, &message_id(n), ARCHIVE).await,
            None => Ok(()),
        }
    }

    /// Cuts what is open; this happens to the next connection.
    pub(super) fn spoil(&self, trouble: Trouble) {
        self.way.spoil(trouble);
    }

    /// Lets something go wrong that only this kind of mailbox knows.
    pub(super) async fn cause(&mut self, fault: &Fault) -> Result<()> {
        match (&self.server, fault) {
            (MailServer::Embedded { account, .. }, Fault::Renumber) => account.renumber("INBOX"),
            (MailServer::Graph(server), Fault::Graph(target, fault)) => {
                server.fault_once(target, fault.clone());
            }
            (MailServer::Graph(server), Fault::SyncStatesLost) => server.mailbox().expire_sync_state(),
            (MailServer::Graph(server), Fault::TokenRunsOut(time)) => {
                self.tokens += 1;
                let token = format!("token-{}", self.tokens);
                server.set_token(&token);
                tokio::time::sleep(Duration::from_millis(*time)).await;
                self.put_token(&token)?;
            }
            (MailServer::Ews(server), Fault::Ews(operation, fault)) => {
                server.fault_once(operation, fault.clone());
            }
            (MailServer::Ews(server), Fault::SyncStatesLost) => server.mailbox().expire_sync_state(),
            (MailServer::Ews(server), Fault::StreamsEnd) => server.end_streams(),
            (MailServer::Ews(server), Fault::StreamsHang) => server.hang_streams(),
            _ => {}
        }
        Ok(())
    }

    /// Nothing goes wrong any more. Gives the number of faults that waited for a connection or a request in vain.
    pub(super) fn heal(&self) -> usize {
        let unmet = match &self.server {
            MailServer::Graph(server) => server.unscript(),
            MailServer::Ews(server) => server.unscript(),
            _ => 0,
        };
        unmet + self.way.heal()
    }

    /// As whoever renews a token does: whole, and for its owner only.
    fn put_token(&self, token: &str) -> Result<()> {
        let folder = self.token_file.parent().context("The token's file is in no folder")?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(token.as_bytes())?;
        file.persist(&self.token_file).context("Writing the token")?;
        Ok(())
    }
}
