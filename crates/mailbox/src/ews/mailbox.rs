//! Does what the plan says.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::folders::{self, DISTINGUISHED, Hierarchy, KnownIds};
use super::http::Client;
use super::item::{Changes, Item};
use super::notifications::Notifications;
use super::refusal::Meaning;
use super::request;
use super::response::{child, id_in};
use crate::exchange::header;
use crate::exchange::plan::{FolderId, From, Habits, Page, Plan, Step, whole_second};
use crate::wake::WakeDetector;
use crate::{Cursor, Error, ErrorKind, Event, Folder, FoundMessage, Mailbox, MessageRef, WatchOptions};

/// How often a waiting mailbox looks at the clock, to notice that the computer slept.
const TICK: Duration = Duration::from_secs(10);

/// So many messages are asked for at once, header fields and all.
const MESSAGES: usize = 100;

/// No header block is longer.
const HEADER_LIMIT: usize = 64 * 1024;

/// A mailbox on an Exchange server under watch.
pub struct EwsMailbox {
    client: Client,
    plan: Plan,
    /// Ids of the folders that have one name in all languages; asked for once.
    known: Option<KnownIds>,
    hierarchy: Hierarchy,
    notifications: Notifications,
    since: Option<Timestamp>,
}

impl EwsMailbox {
    pub(super) fn new(client: Client, options: WatchOptions, cursors: Vec<Cursor>) -> Self {
        let habits = Habits {
            security: client.site().security().to_owned(),
            // There is no batch of unlike questions, and the schema has no filter.
            at_once: 1,
            filtered_at_most: None,
        };
        let since = options.since.map(whole_second);
        let plan = Plan::new(options, habits, cursors, Timestamp::now());
        let (hierarchy, notifications) = (Hierarchy::default(), Notifications::default());
        Self { client, plan, known: None, hierarchy, notifications, since }
    }

    async fn list(&mut self) -> Result<(), Error> {
        let known = match self.known.take() {
            Some(known) => known,
            None => self.ask_for_known().await?,
        };
        loop {
            let request = request::sync_hierarchy(self.hierarchy.state());
            match self.client.ask_one(&request, folders::Page::read).await? {
                Ok(page) => {
                    let more = page.more;
                    self.hierarchy.apply(page);
                    if !more {
                        break;
                    }
                }
                Err(refusal) if refusal.meaning() == Meaning::Expired && self.hierarchy.state().is_some() => {
                    self.hierarchy = Hierarchy::default();
                }
                Err(refusal) => return Err(refusal.into_error(self.client.host())),
            }
        }
        self.plan.listed(self.hierarchy.listed(&known));
        self.known = Some(known);
        Ok(())
    }

    async fn ask_for_known(&self) -> Result<KnownIds, Error> {
        let id = |message: roxmltree::Node<'_, '_>| {
            let folder = child(message, "Folders")?.first_element_child()?;
            id_in(folder, "FolderId")
        };
        let answer = self.client.ask(&request::distinguished_folders(), id).await?;
        let results = answer.map_err(|refusal| refusal.into_error(self.client.host()))?;
        let mut known = KnownIds::new();
        for ((name, _), result) in DISTINGUISHED.iter().zip(results) {
            match result {
                Ok(id) => drop(known.insert(name, id)),
                // Not every mailbox has every one.
                Err(refusal) if matches!(refusal.meaning(), Meaning::Gone | Meaning::Other) => {}
                Err(refusal) => return Err(refusal.into_error(self.client.host())),
            }
        }
        Ok(known)
    }

    async fn read(&mut self, id: FolderId, from: &From) -> Result<(), Error> {
        let state = match from {
            From::Link(state) => Some(state.as_str()),
            From::Start { .. } => None,
        };
        let request = request::sync_items(self.plan.id(id), state);
        let changes = match self.client.ask_one(&request, Changes::read).await? {
            Ok(changes) => changes,
            Err(refusal) => {
                match refusal.meaning() {
                    Meaning::Expired if state.is_some() => self.plan.expired(id),
                    Meaning::Gone => self.plan.gone(id),
                    Meaning::NotAllowed => self.plan.refused(id),
                    _ => return Err(refusal.into_error(self.client.host())),
                }
                return Ok(());
            }
        };
        let Some(folder) = self.plan.folder(id).cloned() else { return Ok(()) };
        // The server can't be asked for recent mail only; what is older is not asked for any further.
        let recent = |(_, at): &(String, Option<Timestamp>)| {
            at.is_none_or(|at| self.since.is_none_or(|since| at >= since))
        };
        let wanted: Vec<String> = changes.items.into_iter().filter(recent).map(|(id, _)| id).collect();
        let messages = self.messages(&wanted, &folder).await?;
        self.plan.page(id, Page { messages, rows: changes.rows, link: changes.state, more: changes.more });
        Ok(())
    }

    /// Oldest first.
    async fn messages(&self, ids: &[String], folder: &Folder) -> Result<Vec<FoundMessage>, Error> {
        let mut messages = Vec::new();
        for ids in ids.chunks(MESSAGES) {
            let answer =
                self.client.ask(&request::get_items(ids), |message| Item::read(message, folder)).await?;
            let items = answer.map_err(|refusal| refusal.into_error(self.client.host()))?;
            if items.len() != ids.len() {
                return Err(self.client.nonsense());
            }
            for (id, item) in ids.iter().zip(items) {
                match item {
                    Ok(Item::Whole(found)) => messages.push(found),
                    Ok(Item::NoHeader(mut found)) => {
                        if let Some(mime) = self.mime(&found.at.id, HEADER_LIMIT).await? {
                            if let Some(header) = mime.get(..header::end(&mime)).filter(|h| !h.is_empty()) {
                                found.header = header.to_vec();
                            }
                            messages.push(found);
                        }
                    }
                    // Deleted or moved meanwhile.
                    Err(refusal) if refusal.meaning() == Meaning::Gone => {}
                    Err(refusal) if refusal.meaning() == Meaning::Other => {
                        messages.push(FoundMessage::unreadable(folder, id));
                    }
                    Err(refusal) => return Err(refusal.into_error(self.client.host())),
                }
            }
        }
        messages.sort_by_key(|message| message.received_at);
        Ok(messages)
    }

    async fn mime(&self, id: &str, max_bytes: usize) -> Result<Option<Vec<u8>>, Error> {
        match self.client.mime(id, max_bytes).await? {
            Ok(mime) => Ok(Some(mime)),
            Err(refusal) if refusal.meaning() == Meaning::Gone => Ok(None),
            Err(refusal) => Err(refusal.into_error(self.client.host())),
        }
    }

    /// Until it is time to ask again, or something came.
    async fn rest(&mut self, until: Timestamp) -> Result<(), Error> {
        let were_open = self.notifications.are_open();
        self.notifications.open(&self.client).await;
        let are_open = self.notifications.are_open();
        self.plan.set_pushed(are_open);
        if are_open && !were_open {
            // Something may have come since the last question.
            self.plan.hurry();
            return Ok(());
        }
        let mut wake = WakeDetector::new(Timestamp::now(), Instant::now());
        loop {
            let left = Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or_default();
            if left.is_zero() {
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep(left.min(TICK)) => {}
                () = self.notifications.heard() => {
                    self.plan.hurry();
                    return Ok(());
                }
            }
            if wake.slept(Timestamp::now(), Instant::now()).is_some() {
                return Err(Error::new(ErrorKind::Lost, "the computer was asleep".to_owned()));
            }
        }
    }
}

impl Mailbox for EwsMailbox {
    async fn next(&mut self) -> Result<Event, Error> {
        loop {
            match self.plan.step(Timestamp::now()) {
                Step::Emit(event) => return Ok(event),
                Step::List => self.list().await?,
                Step::Read(asked) => {
                    for (id, from) in asked {
                        self.read(id, &from).await?;
                    }
                }
                Step::Rest(until) => self.rest(until).await?,
            }
        }
    }

    async fn body(&mut self, at: &MessageRef, max_bytes: u32) -> Result<Option<Vec<u8>>, Error> {
        self.mime(&at.id, usize::try_from(max_bytes).unwrap_or(usize::MAX)).await
    }

    fn folders_read(&self) -> Vec<(String, Timestamp)> {
        self.plan.folders_read()
    }

    async fn close(self) {}
}
