//! Does what the plan says.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use super::TokenSource;
use super::folders::{self, WELL_KNOWN};
use super::http::{BATCH, Client, Part, segment};
use super::refusal::Meaning;
use super::row::{Row, SELECT};
use crate::exchange::header;
use crate::exchange::plan::{FolderId, From, Habits, Page, Plan, Step, whole_second};
use crate::wake::WakeDetector;
use crate::{Cursor, Error, ErrorKind, Event, Folder, FoundMessage, Mailbox, MessageRef, WatchOptions};

/// How often a waiting mailbox looks at the clock, to notice that the computer slept.
const TICK: Duration = Duration::from_secs(10);

/// With a filter, a delta query gives no more than this many messages (documented).
const FILTERED_AT_MOST: u64 = 5000;

/// No header block is longer.
const HEADER_LIMIT: usize = 64 * 1024;

/// A mailbox of Microsoft 365 or Outlook.com under watch.
pub struct GraphMailbox<T> {
    client: Client<T>,
    plan: Plan,
    /// Ids of the folders that have one name in all languages; asked for once.
    well_known: Option<HashMap<&'static str, String>>,
}

impl<T: TokenSource> GraphMailbox<T> {
    pub(super) fn new(client: Client<T>, options: WatchOptions, cursors: Vec<Cursor>) -> Self {
        let habits = Habits {
            security: client.site().security().to_owned(),
            at_once: BATCH,
            filtered_at_most: Some(FILTERED_AT_MOST),
        };
        let plan = Plan::new(options, habits, cursors, Timestamp::now());
        Self { client, plan, well_known: None }
    }

    async fn list(&mut self) -> Result<(), Error> {
        let well_known = match self.well_known.take() {
            Some(known) => known,
            None => self.ask_for_well_known().await?,
        };
        let mut target = "/me/mailFolders/delta?$select=displayName,parentFolderId,isHidden".to_owned();
        let mut rows = Vec::new();
        loop {
            let body = match self.client.get(&target).await? {
                Ok(body) => body,
                Err(refusal) => return Err(refusal.into_error(self.client.host())),
            };
            let page = body.get("value").and_then(Value::as_array).ok_or_else(|| self.client.nonsense())?;
            rows.extend(page.iter().cloned());
            match body.get("@odata.nextLink").and_then(Value::as_str) {
                Some(next) => next.clone_into(&mut target),
                None => break,
            }
        }
        self.plan.listed(folders::listed(&rows, &well_known));
        self.well_known = Some(well_known);
        Ok(())
    }

    async fn ask_for_well_known(&mut self) -> Result<HashMap<&'static str, String>, Error> {
        let mut ids = HashMap::new();
        for names in WELL_KNOWN.chunks(BATCH) {
            let targets: Vec<String> =
                names.iter().map(|(name, _)| format!("/me/mailFolders/{name}?$select=id")).collect();
            for ((name, _), part) in names.iter().zip(self.client.batch(&targets).await?) {
                match part {
                    Ok(body) => {
                        ids.extend(body.get("id").and_then(Value::as_str).map(|id| (*name, id.to_owned())));
                    }
                    // Not every mailbox has every one.
                    Err(refusal) if matches!(refusal.meaning(), Meaning::Gone | Meaning::Other) => {}
                    Err(refusal) => return Err(refusal.into_error(self.client.host())),
                }
            }
        }
        Ok(ids)
    }

    async fn read(&mut self, asked: Vec<(FolderId, From)>) -> Result<(), Error> {
        let targets: Vec<String> = asked.iter().map(|(id, from)| self.target(*id, from)).collect();
        let parts = match targets.as_slice() {
            // A full page is big enough to go by itself.
            [one] => vec![self.client.get(one).await?],
            many => self.client.batch(many).await?,
        };
        for ((id, from), part) in asked.into_iter().zip(parts) {
            self.note(id, &from, part).await?;
        }
        Ok(())
    }

    fn target(&self, id: FolderId, from: &From) -> String {
        match from {
            From::Link(link) => link.clone(),
            From::Start { since } => {
                let folder = segment(self.plan.id(id));
                let mut target = format!("/me/mailFolders/{folder}/messages/delta?$select={SELECT}");
                if let Some(since) = since {
                    let second = whole_second(*since);
                    target.push_str(&format!(
                        "&$filter=receivedDateTime ge {second}&$orderby=receivedDateTime desc"
                    ));
                }
                target
            }
        }
    }

    async fn note(&mut self, id: FolderId, from: &From, part: Part) -> Result<(), Error> {
        let body = match part {
            Ok(body) => body,
            Err(refusal) => {
                match (refusal.meaning(), from) {
                    (Meaning::Expired, _) => self.plan.expired(id),
                    // A link that is not understood any more is as good as expired.
                    (Meaning::Other, From::Link(_)) if refusal.status == 400 => self.plan.expired(id),
                    (Meaning::Gone, _) => self.plan.gone(id),
                    (Meaning::NoConsent, _) => self.plan.refused(id),
                    _ => return Err(refusal.into_error(self.client.host())),
                }
                return Ok(());
            }
        };
        let rows = body.get("value").and_then(Value::as_array).ok_or_else(|| self.client.nonsense())?;
        let link = |name: &str| body.get(name).and_then(Value::as_str);
        let (link, more) = match (link("@odata.nextLink"), link("@odata.deltaLink")) {
            (Some(next), _) => (next.to_owned(), true),
            (None, Some(delta)) => (delta.to_owned(), false),
            (None, None) => return Err(self.client.nonsense()),
        };
        let Some(folder) = self.plan.folder(id).cloned() else { return Ok(()) };
        let count = rows.len();
        let messages = self.messages(rows, &folder).await?;
        self.plan.page(id, Page { messages, rows: count, link, more });
        Ok(())
    }

    /// The messages of a page, oldest first. What did not come whole is asked for.
    async fn messages(&mut self, rows: &[Value], folder: &Folder) -> Result<Vec<FoundMessage>, Error> {
        let (mut messages, mut headless, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            match Row::read(row, folder).ok_or_else(|| self.client.nonsense())? {
                Row::Removed => {}
                Row::Whole(found) => messages.push(found),
                Row::NoHeader(found) => headless.push(found),
                Row::Part(id) => parts.push(id),
            }
        }
        for ids in parts.chunks(BATCH) {
            let targets: Vec<String> =
                ids.iter().map(|id| format!("/me/messages/{}?$select={SELECT}", segment(id))).collect();
            for (id, part) in ids.iter().zip(self.client.batch(&targets).await?) {
                match part {
                    Ok(body) => match Row::read(&body, folder) {
                        Some(Row::Whole(found)) => messages.push(found),
                        Some(Row::NoHeader(found)) => headless.push(found),
                        _ => messages.push(FoundMessage::unreadable(folder, id)),
                    },
                    // Deleted or moved meanwhile.
                    Err(refusal) if refusal.meaning() == Meaning::Gone => {}
                    Err(refusal) => return Err(refusal.into_error(self.client.host())),
                }
            }
        }
        for mut found in headless {
            if let Some(mime) = self.client.mime(&found.at.id, HEADER_LIMIT).await? {
                let end = header::end(&mime);
                if let Some(header) = mime.get(..end).filter(|header| !header.is_empty()) {
                    found.header = header.to_vec();
                }
                messages.push(found);
            }
        }
        messages.sort_by_key(|message| message.received_at);
        Ok(messages)
    }

    async fn rest(&mut self, until: Timestamp) -> Result<(), Error> {
        let mut wake = WakeDetector::new(Timestamp::now(), Instant::now());
        loop {
            let left = Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or_default();
            if left.is_zero() {
                return Ok(());
            }
            tokio::time::sleep(left.min(TICK)).await;
            if wake.slept(Timestamp::now(), Instant::now()).is_some() {
                return Err(Error::new(ErrorKind::Lost, "the computer was asleep".to_owned()));
            }
        }
    }
}

impl<T: TokenSource> Mailbox for GraphMailbox<T> {
    async fn next(&mut self) -> Result<Event, Error> {
        loop {
            match self.plan.step(Timestamp::now()) {
                Step::Emit(event) => return Ok(event),
                Step::List => self.list().await?,
                Step::Read(asked) => self.read(asked).await?,
                Step::Rest(until) => self.rest(until).await?,
            }
        }
    }

    async fn body(&mut self, at: &MessageRef, max_bytes: u32) -> Result<Option<Vec<u8>>, Error> {
        self.client.mime(&at.id, usize::try_from(max_bytes).unwrap_or(usize::MAX)).await
    }

    fn folders_read(&self) -> Vec<(String, Timestamp)> {
        self.plan.folders_read()
    }

    async fn close(self) {}
}
