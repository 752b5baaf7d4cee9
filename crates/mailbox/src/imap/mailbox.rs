//! Does what the plan says.

mod body;
mod compress;
mod look;
mod open;
mod read;
mod wait;

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use super::capability::Capabilities;
use super::client::{Client, Tag};
use super::command::Command;
use super::items::FetchItems;
use super::link_speed::LinkSpeed;
use super::plan::{BATCH, Plan, PlanSettings, Step};
use super::rows::Rows;
use super::session::{Session, must};
use super::uid_set::UidSet;
use crate::compression::Compression;
use crate::{Cursor, Error, ErrorKind, Event, Mailbox, MessageRef, WatchOptions};

/// How many UIDs are asked for their date at once, at most.
const DATES: u32 = 5000;

/// A FETCH under way.
struct Requested {
    tag: Tag,
    uids: UidSet,
    /// See [`Step::Request`].
    old: bool,
}

/// An IMAP mailbox under watch.
pub struct ImapMailbox {
    client: Client,
    capabilities: Capabilities,
    plan: Plan,
    items: FetchItems,
    rows: Rows,
    requests: VecDeque<Requested>,
    idling: Option<Tag>,
    /// A command's answer was left unread because a future was dropped.
    torn: bool,
    distrust_search: bool,
    plain_list: bool,
    /// Reports of other folders are to be asked for.
    wants_notify: bool,
    /// Prefixes of other people's folders, once they were asked for.
    foreign: Option<Vec<Vec<u8>>>,
    /// How many UIDs are asked for their date at once where SEARCH can't be trusted.
    dates_at_once: u32,
    link: LinkSpeed,
    /// The server can, has not shown itself to be bad at it, and was not asked yet.
    may_compress: bool,
    compressed: bool,
    compression: Compression,
}

impl ImapMailbox {
    pub(crate) fn new(session: Session, options: WatchOptions, cursors: Vec<Cursor>) -> Self {
        let Session { client, capabilities, security, distrust_search } = session;
        // RFC 9738 (Yahoo): a command about more messages than this is answered in part, SEARCH too.
        let limit = capabilities.number("MESSAGELIMIT").filter(|limit| *limit > 0);
        let compression = options.compression.clone();
        let settings = PlanSettings {
            batch: limit.map_or(BATCH, |limit| limit.min(BATCH)),
            options,
            gmail: capabilities.has("X-GM-EXT-1"),
            idle: capabilities.has("IDLE"),
            security,
        };
        Self {
            items: FetchItems::new(&capabilities),
            plain_list: !capabilities.has("LIST-STATUS"),
            wants_notify: capabilities.has("NOTIFY"),
            plan: Plan::new(settings, cursors, Timestamp::now()),
            may_compress: capabilities.has("COMPRESS=DEFLATE") && !compression.is_broken(),
            compressed: false,
            compression,
            link: LinkSpeed::default(),
            client,
            capabilities,
            rows: Rows::default(),
            requests: VecDeque::new(),
            idling: None,
            torn: false,
            distrust_search: distrust_search || limit.is_some(),
            foreign: None,
            dates_at_once: limit.map_or(DATES, |limit| limit.min(DATES)),
        }
    }

    /// An answer left half read can't be told from the next one.
    fn begin(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.torn, true) {
            return Err(Error::new(
                ErrorKind::Lost,
                "the mailbox was interrupted and must be opened anew".to_owned(),
            ));
        }
        Ok(())
    }

    async fn advance(&mut self) -> Result<Event, Error> {
        self.end_idle().await?;
        loop {
            self.pass_on_news();
            match self.plan.step(Timestamp::now()) {
                Step::Emit(event) => return Ok(event),
                Step::Poll => {
                    self.command("check for mail", Command::new("NOOP")).await?;
                }
                Step::List => self.list().await?,
                Step::Status(ids) => self.status(&ids).await?,
                Step::Examine(id) => self.examine(id).await?,
                Step::Highest => self.highest().await?,
                Step::Search(since) => self.search(since).await?,
                Step::Request { uids, old } => {
                    if old {
                        self.compress_if_slow().await?;
                    }
                    self.request(uids, old).await?;
                }
                Step::Receive => self.receive().await?,
                Step::Rest { until, idle } => {
                    self.rest(until, idle).await?;
                    self.plan.rested(Timestamp::now());
                }
            }
        }
    }

    fn pass_on_news(&mut self) {
        let expunged = self.client.take_expunged();
        if expunged > 0 {
            self.plan.expunged(expunged);
        }
        if let Some(messages) = self.client.take_exists() {
            self.plan.exists(messages);
        }
        for (wire, figures) in self.rows.take_told() {
            self.plan.told(&wire, figures);
        }
    }

    /// Runs a command that must work.
    async fn command(&mut self, doing: &str, command: Command) -> Result<(), Error> {
        let result = self.client.run(&command, &mut |response| self.rows.note(response)).await;
        must(&self.client, doing, result)
    }
}

impl Mailbox for ImapMailbox {
    async fn next(&mut self) -> Result<Event, Error> {
        self.begin()?;
        let event = self.advance().await.map_err(|error| self.blame(error))?;
        self.torn = false;
        Ok(event)
    }

    async fn body(&mut self, at: &MessageRef, max_bytes: u32) -> Result<Option<Vec<u8>>, Error> {
        let bodies = self.bodies(std::slice::from_ref(at), max_bytes).await?;
        Ok(bodies.into_iter().next().flatten())
    }

    async fn bodies(&mut self, at: &[MessageRef], max_bytes: u32) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.begin()?;
        let bodies = self.read_bodies(at, max_bytes).await.map_err(|error| self.blame(error))?;
        self.torn = false;
        Ok(bodies)
    }

    fn folders_read(&self) -> Vec<(String, Timestamp)> {
        self.plan.folders_read()
    }

    async fn close(mut self) {
        let in_order = async {
            if self.begin().is_ok() && self.end_idle().await.is_ok() && self.requests.is_empty() {
                self.client.log_out().await;
            }
        };
        let _ = timeout(Duration::from_secs(2), in_order).await;
    }
}
