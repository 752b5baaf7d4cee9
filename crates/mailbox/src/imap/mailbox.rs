//! Does what the plan says.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use answerback_reply::message::HEADER_FIELDS;
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, timeout};

use super::capability::Capabilities;
use super::client::{Client, Failure, Tag};
use super::command::Command;
use super::fetch::search_date;
use super::folders::{self, Listed};
use super::plan::{BATCH, Examined, FolderId, Plan, PlanSettings, Step};
use super::response::{Figures, Outcome, Untagged};
use super::rows::{Facts, Rows};
use super::session::{Session, must};
use super::uid_set::UidSet;
use super::wire::LITERAL_LIMIT;
use crate::wake::WakeDetector;
use crate::{Cursor, Error, ErrorKind, Event, FoundMessage, Mailbox, MessageRef, WatchOptions};

/// The server gets this long to end IDLE (chatmail/core#975).
const DONE_LIMIT: Duration = Duration::from_secs(15);

/// How often a waiting mailbox looks at the clock, to notice that the computer slept.
const TICK: Duration = Duration::from_secs(10);

/// STATUS commands under way at once.
const STATUS_DEPTH: usize = 16;

/// How many UIDs are asked for their date at once, at most.
const DATES: u32 = 5000;

/// So many of the newest messages are checked against what SEARCH says.
const PROBED: u32 = 50;

/// An IMAP mailbox under watch.
pub struct ImapMailbox {
    client: Client,
    capabilities: Capabilities,
    plan: Plan,
    /// What each FETCH asks for.
    items: String,
    rows: Rows,
    requests: VecDeque<(Tag, UidSet)>,
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
}

impl ImapMailbox {
    pub(crate) fn new(session: Session, options: WatchOptions, cursors: Vec<Cursor>) -> Self {
        let Session { client, capabilities, security, distrust_search } = session;
        // RFC 9738 (Yahoo): a command about more messages than this is answered in part, SEARCH too.
        let limit = capabilities.number("MESSAGELIMIT").filter(|limit| *limit > 0);
        let settings = PlanSettings {
            batch: limit.map_or(BATCH, |limit| limit.min(BATCH)),
            options,
            gmail: capabilities.has("X-GM-EXT-1"),
            idle: capabilities.has("IDLE"),
            security,
        };
        Self {
            items: fetch_items(&capabilities),
            plain_list: !capabilities.has("LIST-STATUS"),
            wants_notify: capabilities.has("NOTIFY"),
            plan: Plan::new(settings, cursors, Timestamp::now()),
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
                Step::Request(uids) => self.request(uids).await?,
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

    /// Asks for reports of mail in the folders that aren't open (RFC 5465), which then come during IDLE. The rounds
    /// go on all the same: they prove that nothing was missed.
    async fn notify(&mut self) -> Result<(), Error> {
        if !std::mem::take(&mut self.wants_notify) {
            return Ok(());
        }
        let command = Command::new("NOTIFY")
            .word("SET (SELECTED (MessageNew MessageExpunge)) (PERSONAL (MessageNew MessageExpunge))");
        match self.client.run(&command, &mut |response| self.rows.note(response)).await {
            Err(Failure::Refused(_)) => Ok(()),
            result => must(&self.client, "report mail in other folders", result),
        }
    }

    /// Finds out once which folders are other people's.
    async fn ask_namespaces(&mut self) -> Result<(), Error> {
        if self.foreign.is_some() {
            return Ok(());
        }
        let mut prefixes = Vec::new();
        if self.capabilities.has("NAMESPACE") {
            let mut note = |response: Untagged<'_>| {
                if let Untagged::Namespace { foreign } = response {
                    prefixes = foreign;
                }
            };
            match self.client.run(&Command::new("NAMESPACE"), &mut note).await {
                Ok(()) | Err(Failure::Refused(_)) => {}
                Err(Failure::Broken(error)) => return Err(error),
            }
        }
        self.foreign = Some(prefixes);
        Ok(())
    }

    /// Runs a command that must work.
    async fn command(&mut self, doing: &str, command: Command) -> Result<(), Error> {
        let result = self.client.run(&command, &mut |response| self.rows.note(response)).await;
        must(&self.client, doing, result)
    }

    async fn list(&mut self) -> Result<(), Error> {
        self.ask_namespaces().await?;
        // Before the first look, so that nothing falls between the look and the first report.
        self.notify().await?;
        if !self.plain_list {
            let special = if self.capabilities.has("SPECIAL-USE") { "SPECIAL-USE " } else { "" };
            let options = format!("(STATUS (MESSAGES UIDNEXT UIDVALIDITY) {special}CHILDREN)");
            match self.list_with(Command::new("LIST").word("\"\" \"*\" RETURN").word(&options)).await {
                Err(Failure::Refused(refusal)) if !refusal.is_passing() => self.plain_list = true,
                result => return must(&self.client, "list the folders", result),
            }
        }
        let result = self.list_with(Command::new("LIST").word("\"\" \"*\"")).await;
        must(&self.client, "list the folders", result)
    }

    async fn list_with(&mut self, command: Command) -> Result<(), Failure> {
        let mut rows: Vec<(Listed, Option<Figures>)> = Vec::new();
        let mut status: Vec<(Vec<u8>, Figures)> = Vec::new();
        let mut note = |response: Untagged<'_>| match response {
            Untagged::List(row) => {
                if let Some(listed) = folders::listed(&row)
                    && rows.iter().all(|(known, _)| known.wire != listed.wire)
                {
                    rows.push((listed, None));
                }
            }
            Untagged::Status { folder, figures } => status.push((folder.into_owned(), figures)),
            other => self.rows.note(other),
        };
        self.client.run(&command, &mut note).await?;
        // Somebody else's mail is not the rep's to report, shared or not.
        let foreign = self.foreign.as_deref().unwrap_or_default();
        rows.retain(|(listed, _)| !foreign.iter().any(|prefix| listed.wire.starts_with(prefix)));
        for (listed, figures) in &mut rows {
            *figures = figures_of(&status, &listed.wire);
        }
        if rows.iter().all(|(listed, _)| !listed.folder.name.eq_ignore_ascii_case("INBOX")) {
            // It always exists (RFC 9051 §5.1), listed or not.
            rows.insert(0, (folders::inbox(), figures_of(&status, b"INBOX")));
        }
        self.plan.listed(rows);
        Ok(())
    }

    async fn status(&mut self, ids: &[FolderId]) -> Result<(), Error> {
        for ids in ids.chunks(STATUS_DEPTH) {
            let mut sent = VecDeque::new();
            for id in ids {
                let command = Command::new("STATUS")
                    .string(self.plan.wire_name(*id))
                    .word("(MESSAGES UIDNEXT UIDVALIDITY)");
                match self.client.send(&command).await {
                    Ok(tag) => sent.push_back((*id, tag)),
                    Err(Failure::Refused(_)) => self.plan.status(*id, None),
                    Err(Failure::Broken(error)) => return Err(error),
                }
            }
            let mut status: Vec<(Vec<u8>, Figures)> = Vec::new();
            for (id, tag) in sent {
                let mut note = |response: Untagged<'_>| match response {
                    Untagged::Status { folder, figures } => status.push((folder.into_owned(), figures)),
                    other => self.rows.note(other),
                };
                match self.client.complete(&tag, &mut note).await {
                    Ok(()) => {
                        let figures = figures_of(&status, self.plan.wire_name(id));
                        self.plan.status(id, figures);
                    }
                    Err(Failure::Refused(refusal)) if !refusal.is_passing() => self.plan.status(id, None),
                    result => return must(&self.client, "check a folder", result),
                }
            }
        }
        Ok(())
    }

    async fn examine(&mut self, id: FolderId) -> Result<(), Error> {
        let command = Command::new("EXAMINE").string(self.plan.wire_name(id));
        let (mut uid_validity, mut uid_next) = (None, None);
        self.rows.clear();
        self.pass_on_news();
        let mut note = |response: Untagged<'_>| {
            if let Untagged::Condition(condition) = response {
                let number =
                    |name| condition.code_number(name).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
                uid_validity = uid_validity.or(number("UIDVALIDITY"));
                uid_next = uid_next.or(number("UIDNEXT"));
            }
        };
        match self.client.run(&command, &mut note).await {
            Ok(()) => {}
            Err(Failure::Refused(refusal)) if !refusal.is_passing() && !self.plan.is_inbox(id) => {
                tracing::warn!("the server does not open one of the folders");
                self.plan.refused(id);
                return Ok(());
            }
            result => return must(&self.client, "open the folder", result),
        }
        // What was reported while the folder was changed is in the answer.
        let _ = self.client.take_expunged();
        let exists = self.client.take_exists();
        let Some(uid_validity) = uid_validity else {
            // Without it no cursor means anything (chatmail/core#1577).
            let detail = format!("{} does not say how its folder is numbered", self.client.server());
            return Err(Error::new(ErrorKind::Protocol, detail));
        };
        let exists = exists.unwrap_or_else(|| uid_next.map_or(1, |next| next - 1));
        self.plan.examined(id, Examined { uid_validity, uid_next, exists });
        Ok(())
    }

    /// `*` alone is the last message; `n:*` would give it too, also below n.
    async fn highest(&mut self) -> Result<(), Error> {
        let mut highest = None;
        let command = Command::new("FETCH").word("* (UID)");
        let mut note = |response: Untagged<'_>| {
            if let Untagged::Fetch(row) = response {
                highest = highest.max(row.uid);
            }
        };
        match self.client.run(&command, &mut note).await {
            Ok(()) => {}
            // The folder was emptied meanwhile.
            Err(Failure::Refused(refusal)) if !refusal.is_passing() => {}
            result => return must(&self.client, "find the newest message", result),
        }
        self.plan.highest(highest);
        Ok(())
    }

    /// Finds the old mail to read. A day of margin: SEARCH knows days only, in a time zone of the server's choice.
    async fn search(&mut self, since: Timestamp) -> Result<(), Error> {
        let (first, end) = self.plan.unread_range().unwrap_or((1, 1));
        let last = end.saturating_sub(1);
        let day = since.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(since);
        let mut found = None;
        if !self.distrust_search {
            found = self.search_since(day).await?;
            let newest = UidSet::range(first.max(last.saturating_sub(PROBED - 1)), last);
            let dates = self.dates(&newest).await?;
            let must_be_there =
                |(uid, date): &(u32, Option<Timestamp>)| date.is_some_and(|d| d >= since).then_some(*uid);
            if let Some(set) = &found
                && !dates.iter().filter_map(must_be_there).all(|uid| set.contains(uid))
            {
                tracing::warn!("SEARCH missed a recent message; it is not used any more");
                self.distrust_search = true;
            }
        }
        let found = match found.filter(|_| !self.distrust_search) {
            Some(found) => found,
            None => self.search_by_dates(first, last, since).await?,
        };
        self.plan.searched(&found);
        Ok(())
    }

    async fn search_since(&mut self, day: Timestamp) -> Result<Option<UidSet>, Error> {
        let date = search_date(day.to_zoned(jiff::tz::TimeZone::UTC).date());
        let command = Command::new("UID SEARCH").word("SINCE").word(&date);
        let (mut uids, mut answered) = (Vec::new(), false);
        let mut note = |response: Untagged<'_>| match response {
            Untagged::Search(found) => {
                answered = true;
                uids.extend(found);
            }
            other => self.rows.note(other),
        };
        match self.client.run(&command, &mut note).await {
            // An OK without an answer has been seen to mean "nothing found" and "I don't search".
            Ok(()) => Ok(answered.then(|| UidSet::from_uids(uids))),
            Err(Failure::Refused(refusal)) if !refusal.is_passing() => Ok(None),
            result => must(&self.client, "search the folder", result.map(|()| None)),
        }
    }

    async fn search_by_dates(&mut self, first: u32, last: u32, since: Timestamp) -> Result<UidSet, Error> {
        let mut range = UidSet::range(first, last);
        let mut found = Vec::new();
        while !range.is_empty() {
            let dates = self.dates(&range.take_lowest(self.dates_at_once)).await?;
            let recent = dates.into_iter().filter(|(_, date)| date.is_none_or(|date| date >= since));
            found.extend(recent.map(|(uid, _)| uid));
        }
        Ok(UidSet::from_uids(found))
    }

    async fn dates(&mut self, uids: &UidSet) -> Result<Vec<(u32, Option<Timestamp>)>, Error> {
        if uids.is_empty() {
            return Ok(Vec::new());
        }
        let command = Command::new("UID FETCH").word(&uids.to_string()).word("(UID INTERNALDATE)");
        let mut dates = Vec::new();
        let mut note = |response: Untagged<'_>| {
            if let Untagged::Fetch(row) = response
                && let Some(uid) = row.uid
                && uids.contains(uid)
            {
                dates.push((uid, row.internal_date));
            }
        };
        let result = self.client.run(&command, &mut note).await;
        must(&self.client, "read the folder's dates", result)?;
        Ok(dates)
    }

    async fn request(&mut self, uids: UidSet) -> Result<(), Error> {
        let command = Command::new("UID FETCH").word(&uids.to_string()).word(&self.items);
        let sent = self.client.send(&command).await;
        let tag = must(&self.client, "read messages", sent)?;
        self.requests.push_back((tag, uids));
        Ok(())
    }

    async fn receive(&mut self) -> Result<(), Error> {
        let Some((tag, uids)) = self.requests.pop_front() else { return Ok(()) };
        let mut result = self.client.complete(&tag, &mut |response| self.rows.note(response)).await;
        if matches!(&result, Err(Failure::Refused(refusal)) if refusal.outcome == Outcome::Bad) {
            // An extension that is announced and not understood must not cost the messages.
            self.items = fetch_items(&Capabilities::default());
            let command = Command::new("UID FETCH").word(&uids.to_string()).word(&self.items);
            result = self.client.run(&command, &mut |response| self.rows.note(response)).await;
        }
        let refused = match result {
            Ok(()) => false,
            // RFC 2180 §4.1: some of them may just have been deleted. Which, is found out one by one.
            Err(Failure::Refused(refusal)) if !refusal.is_passing() => true,
            result => return must(&self.client, "read messages", result),
        };
        let found = self.rows.take(&uids);
        let incomplete = found.iter().any(|(_, facts)| facts.header.is_none());
        let found = if refused || incomplete || self.rows.take_unreadable() > 0 {
            self.read_singly(&uids, found).await?
        } else {
            found
        };
        let messages = found.into_iter().map(|(uid, facts)| (uid, self.found(uid, facts))).collect();
        if self.requests.is_empty() {
            self.rows.clear();
        }
        self.plan.received(messages);
        Ok(())
    }

    /// Asks again for what is there and didn't come, message by message. One that can't be read even so is handed
    /// over without its header: it must neither block the folder nor get lost in silence (chatmail/core#7290).
    async fn read_singly(
        &mut self,
        uids: &UidSet,
        found: Vec<(u32, Facts)>,
    ) -> Result<Vec<(u32, Facts)>, Error> {
        let mut whole: Vec<(u32, Facts)> =
            found.into_iter().filter(|(_, facts)| facts.header.is_some()).collect();
        let mut there = Vec::new();
        let command = Command::new("UID FETCH").word(&uids.to_string()).word("(UID)");
        let mut note = |response: Untagged<'_>| match response {
            Untagged::Fetch(row) if row.header.is_none() => {
                there.extend(row.uid.filter(|uid| uids.contains(*uid)));
            }
            other => self.rows.note(other),
        };
        let result = self.client.run(&command, &mut note).await;
        must(&self.client, "list messages", result)?;
        for uid in UidSet::from_uids(there).uids() {
            if whole.iter().any(|(known, _)| *known == uid) {
                continue;
            }
            let one = UidSet::range(uid, uid);
            let command = Command::new("UID FETCH").word(&one.to_string()).word(&self.items);
            match self.client.run(&command, &mut |response| self.rows.note(response)).await {
                Ok(()) => {}
                Err(Failure::Refused(refusal)) if !refusal.is_passing() => {}
                result => must(&self.client, "read a message", result)?,
            }
            let (_, facts) = self.rows.take(&one).pop().unwrap_or_default();
            if facts.header.is_none() {
                tracing::warn!(uid, "a message can't be read; it is reported without its header");
            }
            whole.push((uid, facts));
        }
        whole.sort_by_key(|(uid, _)| *uid);
        Ok(whole)
    }

    fn found(&self, uid: u32, facts: Facts) -> FoundMessage {
        let folder = self.plan.open_name().to_owned();
        let id = format!("{}:{uid}", self.plan.open_validity().unwrap_or(0));
        FoundMessage {
            at: MessageRef { folder, id },
            received_at: facts.received_at,
            size: facts.size,
            header: facts.header.unwrap_or_default(),
            thread_ids: facts.thread_ids,
        }
    }

    async fn rest(&mut self, until: Timestamp, idle: bool) -> Result<(), Error> {
        let now = Timestamp::now();
        let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        let deadline = Instant::now() + wait;
        if idle && !self.begin_idle().await? {
            self.plan.give_up_idle();
            return Ok(());
        }
        let mut wake = WakeDetector::new(now, std::time::Instant::now());
        loop {
            let ended = self.idling.as_ref().is_some_and(|tag| self.client.has_ended(tag));
            if ended || self.client.has_news() || self.rows.has_told() || Instant::now() >= deadline {
                break;
            }
            let tick = deadline.min(Instant::now() + TICK);
            // Nothing is lost if the owner drops the future here; IDLE is ended at the next call.
            self.torn = false;
            if self.idling.is_some() {
                let heard = self.client.listen(tick, &mut |response| self.rows.note(response)).await;
                must(&self.client, "wait for mail", heard)?;
            } else {
                tokio::time::sleep_until(tick).await;
            }
            self.torn = true;
            if wake.slept(Timestamp::now(), std::time::Instant::now()).is_some() {
                // Whatever was connected before is not any more, however it looks.
                return Err(Error::new(ErrorKind::Lost, "the computer was asleep".to_owned()));
            }
        }
        self.end_idle().await
    }

    /// `false` when the server won't.
    async fn begin_idle(&mut self) -> Result<bool, Error> {
        let tag = self.client.send(&Command::new("IDLE")).await;
        let tag = must(&self.client, "wait for mail", tag)?;
        match self.client.continuation_or_end(&tag).await {
            Ok(Some(_)) => self.idling = Some(tag),
            Ok(None) => return Ok(false),
            Err(Failure::Refused(refusal)) if !refusal.is_passing() => return Ok(false),
            result => return must(&self.client, "wait for mail", result.map(|_| true)),
        }
        Ok(true)
    }

    async fn end_idle(&mut self) -> Result<(), Error> {
        let Some(tag) = self.idling.clone() else { return Ok(()) };
        if !self.client.has_ended(&tag) {
            self.client.send_line(b"DONE").await?;
        }
        let mut note = |response: Untagged<'_>| self.rows.note(response);
        let completed = self.client.complete(&tag, &mut note);
        let Ok(result) = timeout(DONE_LIMIT, completed).await else {
            let detail = format!("{} did not stop waiting when asked", self.client.server());
            return Err(Error::new(ErrorKind::TimedOut, detail));
        };
        self.idling = None;
        must(&self.client, "wait for mail", result)
    }

    async fn read_body(&mut self, at: &MessageRef, max_bytes: u32) -> Result<Option<Vec<u8>>, Error> {
        self.end_idle().await?;
        let parsed = at
            .id
            .split_once(':')
            .and_then(|(v, uid)| Some((v.parse::<u32>().ok()?, uid.parse::<u32>().ok()?)));
        let (Some((validity, uid)), Some(id)) = (parsed, self.plan.find(&at.folder)) else { return Ok(None) };
        if self.plan.open() != Some(id) {
            while !self.requests.is_empty() {
                self.receive().await?;
            }
            self.pass_on_news();
            self.examine(id).await?;
            if self.plan.is_half_open() {
                self.highest().await?;
            }
        }
        if self.plan.open() != Some(id) || self.plan.open_validity() != Some(validity) {
            return Ok(None);
        }
        let items = format!("(UID BODY.PEEK[]<0.{max_bytes}>)");
        let command = Command::new("UID FETCH").word(&uid.to_string()).word(&items);
        let mut body = None;
        let mut note = |response: Untagged<'_>| match response {
            Untagged::Fetch(row) if row.uid == Some(uid) && row.body.is_some() => {
                body = row.body.flatten().map(|bytes| bytes.into_owned());
            }
            other => self.rows.note(other),
        };
        self.client.limit_literals(LITERAL_LIMIT.max(usize::try_from(max_bytes).unwrap_or(usize::MAX)));
        let result = self.client.run(&command, &mut note).await;
        self.client.limit_literals(LITERAL_LIMIT);
        match result {
            Ok(()) => Ok(body),
            Err(Failure::Refused(refusal)) if !refusal.is_passing() => Ok(None),
            result => must(&self.client, "read a message", result.map(|()| None)),
        }
    }
}

impl Mailbox for ImapMailbox {
    async fn next(&mut self) -> Result<Event, Error> {
        self.begin()?;
        let event = self.advance().await?;
        self.torn = false;
        Ok(event)
    }

    async fn body(&mut self, at: &MessageRef, max_bytes: u32) -> Result<Option<Vec<u8>>, Error> {
        self.begin()?;
        let body = self.read_body(at, max_bytes).await?;
        self.torn = false;
        Ok(body)
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

/// UID, date and size, thread ids where there are any, and the header fields that detection wants. Neither ENVELOPE
/// nor BODYSTRUCTURE: they cost more, and servers get them wrong.
fn fetch_items(capabilities: &Capabilities) -> String {
    let mut items = "(UID INTERNALDATE RFC822.SIZE".to_owned();
    if capabilities.has("X-GM-EXT-1") {
        items.push_str(" X-GM-THRID");
    }
    if capabilities.has("OBJECTID") {
        items.push_str(" THREADID");
    }
    let _ = write!(items, " BODY.PEEK[HEADER.FIELDS ({})])", HEADER_FIELDS.join(" "));
    items
}

fn figures_of(status: &[(Vec<u8>, Figures)], wire: &[u8]) -> Option<Figures> {
    let same = |name: &[u8]| {
        name == wire || (wire.eq_ignore_ascii_case(b"INBOX") && name.eq_ignore_ascii_case(wire))
    };
    status.iter().rev().find(|(name, _)| same(name)).map(|(_, figures)| *figures)
}
