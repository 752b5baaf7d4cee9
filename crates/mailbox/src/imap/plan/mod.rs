//! What to do next, decided without doing it.
//!
//! [`Plan::step`] says what to do at a given time; the caller does it and reports what the server answered. Nothing here
//! waits, sends or reads a clock, so every schedule of a server's surprises can be tested.
//!
//! ```text
//!            ┌── round: NOOP, LIST with figures, STATUS for the rest ──┐
//!   rest ◀───┤   each folder that differs from its cursor:             ├─── every 110 seconds
//!  (IDLE)    │   EXAMINE ▶ (SEARCH) ▶ FETCH … ▶ Batch                  │
//!            └── all read, nothing left a folder meanwhile: CheckedUpTo┘
//! ```

mod watched;

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub(crate) use self::watched::Examined;
use self::watched::{InFlight, Purpose, Request, Since, Watched};
use super::cursor::FolderCursor;
use super::folders::Listed;
use super::response::Figures;
use super::uid_set::UidSet;
use crate::{Batch, Cursor, Event, FolderRole, FoundMessage, WatchOptions};

/// How many UIDs one FETCH asks for; ranges are always closed, since `n:*` gives the last message even below n.
pub(crate) const BATCH: u32 = 500;

/// How many FETCHes are under way at once: the server works on the next while the owner judges the last.
const DEPTH: usize = 2;

/// From one check of all folders to the next, so that each is looked at every two minutes.
const ROUND_EVERY: SignedDuration = SignedDuration::from_secs(110);

/// How often INBOX is looked at where there is no IDLE (chatmail/core#1868, mail.ru).
const POLL_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// How often INBOX is looked at while another folder is being read.
const GLANCE_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// So many rounds in a row (half a minute) a folder that the server won't open keeps coverage from being claimed. After
/// that it doesn't count as watched until it opens: it may be somebody else's, shared without leave to read.
const PATIENCE: u32 = 5;

/// A server may take a moment from receiving a message to showing it.
const SETTLING: SignedDuration = SignedDuration::from_secs(2);

/// What to do next.
#[derive(Debug)]
pub(crate) enum Step {
    /// NOOP; news is reported with [`Plan::exists`].
    Poll,
    /// List all folders, with figures where one command gives both; then [`Plan::listed`].
    List,
    /// STATUS for each of these; then [`Plan::status`] for each.
    Status(Vec<FolderId>),
    /// EXAMINE; then [`Plan::examined`] or [`Plan::refused`].
    Examine(FolderId),
    /// Find the highest UID of the open folder; then [`Plan::highest`].
    Highest,
    /// Find the UIDs received since that time in the open folder; then [`Plan::searched`].
    Search(Timestamp),
    /// Send a FETCH for these UIDs of the open folder. Several may be under way.
    Request(UidSet),
    /// Await the oldest FETCH under way; then [`Plan::received`].
    Receive,
    /// Hand this to the owner.
    Emit(Event),
    /// Nothing to do: IDLE (if the server can and `idle` says so) or sleep until then; then [`Plan::rested`].
    Rest { until: Timestamp, idle: bool },
}

/// A folder of this plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FolderId(usize);

/// A round of checks.
#[derive(Debug)]
struct Round {
    started: Timestamp,
    polled: bool,
    listed: bool,
    /// A message may have moved from a folder not yet checked into one that was: the round proves nothing.
    unsure: bool,
}

/// What an owner of [`Plan`] must know beside the clock.
#[derive(Debug)]
pub(crate) struct PlanSettings {
    pub(crate) options: WatchOptions,
    /// The server speaks Gmail's extensions: labels are not folders.
    pub(crate) gmail: bool,
    /// The server can IDLE.
    pub(crate) idle: bool,
    /// How many UIDs one FETCH may ask for.
    pub(crate) batch: u32,
    /// For [`Event::Connected`].
    pub(crate) security: String,
}

/// The state of a watch.
#[derive(Debug)]
pub(crate) struct Plan {
    settings: PlanSettings,
    cursors: Vec<Cursor>,
    /// Since when the mailbox has been watched, over all connections; `None` in the first round of all.
    watched_since: Option<Timestamp>,
    started: Timestamp,
    folders: Vec<Watched>,
    open: Option<FolderId>,
    /// EXAMINE's answer while UIDNEXT is being worked out, and when it was asked.
    half_open: Option<(Examined, Timestamp)>,
    in_flight: InFlight,
    events: VecDeque<Event>,
    round: Option<Round>,
    next_round: Timestamp,
    failed_rounds: u32,
    covered: Option<Timestamp>,
    connected: bool,
    /// The open folder's size as last accounted for, and whether it changed since.
    exists: u32,
    grown: Option<u32>,
    poll_due: Option<Timestamp>,
    told_idle: bool,
    asked_at: Timestamp,
}

impl Plan {
    pub(crate) fn new(settings: PlanSettings, cursors: Vec<Cursor>, now: Timestamp) -> Self {
        let since = cursors.iter().filter_map(|cursor| Some(FolderCursor::read(&cursor.state)?.since));
        Self {
            watched_since: since.min(),
            started: now,
            settings,
            cursors,
            folders: Vec::new(),
            open: None,
            half_open: None,
            in_flight: InFlight::new(),
            events: VecDeque::new(),
            round: None,
            next_round: now,
            failed_rounds: 0,
            covered: None,
            connected: false,
            exists: 0,
            grown: None,
            poll_due: None,
            told_idle: false,
            asked_at: now,
        }
    }

    /// The folder's name as the server wants it.
    pub(crate) fn wire_name(&self, id: FolderId) -> &[u8] {
        self.folders.get(id.0).map_or(&[], |folder| &folder.listed.wire)
    }

    /// The folder of that name.
    pub(crate) fn find(&self, name: &str) -> Option<FolderId> {
        self.folders.iter().position(|folder| folder.listed.folder.name == name).map(FolderId)
    }

    /// The folder that is open.
    pub(crate) fn open(&self) -> Option<FolderId> {
        self.open
    }

    /// Its name for people.
    pub(crate) fn open_name(&self) -> &str {
        self.open_folder().map_or("", |folder| &folder.listed.folder.name)
    }

    /// Whether [`Step::Highest`] is due before anything else.
    pub(crate) fn is_half_open(&self) -> bool {
        self.half_open.is_some()
    }

    /// The open folder's UIDVALIDITY.
    pub(crate) fn open_validity(&self) -> Option<u32> {
        self.open_folder().and_then(|folder| folder.cursor).map(|cursor| cursor.uidvalidity)
    }

    /// The UIDs of the open folder among which old mail is still to be read.
    pub(crate) fn unread_range(&self) -> Option<(u32, u32)> {
        self.open_folder()?.cursor?.unread
    }

    /// Whether it is the INBOX.
    pub(crate) fn is_inbox(&self, id: FolderId) -> bool {
        self.folders.get(id.0).is_some_and(|folder| folder.role() == FolderRole::Inbox)
    }

    /// IDLE turned out not to work.
    pub(crate) fn give_up_idle(&mut self) {
        self.settings.idle = false;
    }

    fn open_folder(&self) -> Option<&Watched> {
        self.folders.get(self.open?.0)
    }

    fn open_folder_mut(&mut self) -> Option<&mut Watched> {
        self.folders.get_mut(self.open?.0)
    }

    /// What to do at this time. The answer must be reported before the next call, except for [`Step::Request`] and
    /// [`Step::Emit`], which need none.
    pub(crate) fn step(&mut self, now: Timestamp) -> Step {
        self.asked_at = now;
        if self.half_open.is_some() {
            return Step::Highest;
        }
        if let Some(request) = self.next_request(now) {
            return request;
        }
        if let Some(event) = self.events.pop_front() {
            self.told_idle &= !matches!(event, Event::Batch(_));
            return Step::Emit(event);
        }
        if !self.in_flight.is_empty() {
            return Step::Receive;
        }
        if let Some(step) = self.next_check(now) {
            return step;
        }
        if let Some(step) = self.next_reading(now) {
            return step;
        }
        if self.round.is_some() {
            self.end_round(now);
            if let Some(event) = self.events.pop_front() {
                return Step::Emit(event);
            }
            if self.next_round <= now {
                return self.step(now);
            }
        }
        self.rest(now)
    }

    /// A FETCH to send now, if any.
    fn next_request(&mut self, now: Timestamp) -> Option<Step> {
        if self.in_flight.len() >= DEPTH || self.inbox_comes_first(now) {
            return None;
        }
        if let Some(grown_by) =
            self.grown.take_if(|_| self.in_flight.iter().all(|r| matches!(r.purpose, Purpose::Scan { .. })))
        {
            let folder = self.open_folder()?;
            if folder.live.is_empty() && !folder.dirty {
                let first = folder.cursor?.uid_next;
                let uids = UidSet::range(first, first.saturating_add(self.settings.batch.saturating_sub(1)));
                self.in_flight.push_back(Request { uids: uids.clone(), purpose: Purpose::Tail { grown_by } });
                return Some(Step::Request(uids));
            }
            self.open_folder_mut()?.dirty = true;
        }
        let batch = self.settings.batch;
        let folder = self.open_folder_mut()?;
        if folder.dirty {
            return None;
        }
        let (uids, purpose) = folder.next_request(batch)?;
        self.in_flight.push_back(Request { uids: uids.clone(), purpose });
        Some(Step::Request(uids))
    }

    fn inbox(&self) -> Option<(FolderId, &Watched)> {
        let i = self.folders.iter().position(|f| f.role() == FolderRole::Inbox && f.is_watched())?;
        Some((FolderId(i), self.folders.get(i)?))
    }

    /// Whether reading another folder must wait because INBOX is due.
    fn inbox_comes_first(&self, now: Timestamp) -> bool {
        self.inbox().zip(self.open_folder()).is_some_and(|((id, inbox), open)| {
            let more_urgent = inbox.dirty && urgency(inbox) < urgency(open);
            self.open != Some(id) && (more_urgent || self.glance_due(inbox, now))
        })
    }

    fn glance_due(&self, inbox: &Watched, now: Timestamp) -> bool {
        inbox.checked_at.is_some_and(|at| now.duration_since(at) >= GLANCE_EVERY)
            && self.open_folder().is_some_and(Watched::has_todo)
    }

    /// A check of figures that is due.
    fn next_check(&mut self, now: Timestamp) -> Option<Step> {
        if self.round.is_none() && now >= self.next_round {
            self.folders.iter_mut().for_each(|folder| folder.barred = false);
            self.round = Some(Round { started: now, polled: false, listed: false, unsure: false });
        }
        if let Some(round) = &mut self.round {
            if !std::mem::replace(&mut round.polled, true) && self.open.is_some() {
                return Some(Step::Poll);
            }
            if !round.listed {
                return Some(Step::List);
            }
            let started = round.started;
            let unchecked = |f: &Watched| f.is_watched() && f.checked_at.is_none_or(|at| at < started);
            let ids = self.folders.iter().enumerate().filter(|(_, f)| unchecked(f)).map(|(i, _)| FolderId(i));
            let ids: Vec<FolderId> = ids.collect();
            if !ids.is_empty() {
                return Some(Step::Status(ids));
            }
        }
        if let Some((id, inbox)) = self.inbox()
            && self.open != Some(id)
            && self.glance_due(inbox, now)
        {
            return Some(Step::Status(vec![id]));
        }
        if self.poll_due.take_if(|due| *due <= now).is_some() && self.open.is_some() {
            return Some(Step::Poll);
        }
        None
    }

    /// The folder to open or search next, if any has something to read.
    fn next_reading(&mut self, now: Timestamp) -> Option<Step> {
        if let Some(folder) = self.open_folder()
            && !folder.gone
            && folder.wants_search()
            && !self.inbox_comes_first(now)
        {
            let since = folder.cursor.map_or(now, |cursor| cursor.since);
            return Some(Step::Search(since));
        }
        let unread = self.folders.iter().enumerate().filter(|(_, f)| f.is_watched() && !f.is_read());
        let (i, _) = unread.min_by_key(|(_, folder)| urgency(folder))?;
        Some(Step::Examine(FolderId(i)))
    }

    fn rest(&mut self, now: Timestamp) -> Step {
        if let Some((id, _)) = self.inbox()
            && self.open != Some(id)
        {
            return Step::Examine(id);
        }
        if !std::mem::replace(&mut self.told_idle, true) {
            return Step::Emit(Event::Idle);
        }
        let idle = self.settings.idle && self.open.is_some();
        let until = if idle || self.open.is_none() {
            self.next_round
        } else {
            self.next_round.min(plus(now, POLL_EVERY))
        };
        Step::Rest { until, idle }
    }

    /// IDLE or sleep has ended.
    pub(crate) fn rested(&mut self, now: Timestamp) {
        if !self.settings.idle {
            self.poll_due = Some(now);
        }
    }

    /// The open folder's size was reported; usually because mail came.
    pub(crate) fn exists(&mut self, messages: u32) {
        if self.open.is_none() {
            return;
        }
        let grown_by = messages.saturating_sub(self.exists);
        self.exists = messages;
        self.grown = Some(self.grown.unwrap_or(0).saturating_add(grown_by));
    }

    /// A folder's figures came unasked (NOTIFY). Only a hint: figures that count are asked for.
    pub(crate) fn told(&mut self, wire: &[u8], figures: Figures) {
        let Some(folder) = self.folders.iter_mut().find(|folder| folder.listed.wire == wire) else { return };
        folder.dirty |= folder.cursor.is_none_or(|cursor| figures.uid_next != Some(cursor.uid_next));
    }

    /// So many messages left the open folder.
    pub(crate) fn expunged(&mut self, messages: u32) {
        self.exists = self.exists.saturating_sub(messages);
        self.be_unsure();
    }

    fn be_unsure(&mut self) {
        if let Some(round) = &mut self.round {
            round.unsure = true;
        }
    }

    /// All folders of the server, with figures where known.
    pub(crate) fn listed(&mut self, rows: Vec<(Listed, Option<Figures>)>) {
        let as_of = self.asked_at;
        let rows = chosen(rows, &self.settings);
        let all_mail = self.settings.gmail && rows.iter().any(|(l, _)| l.folder.role == FolderRole::All);
        let mut lost_folder = false;
        for folder in &mut self.folders {
            let listed = rows.iter().any(|(row, _)| row.wire == folder.listed.wire);
            lost_folder |= !listed && !folder.gone;
            folder.gone = !listed;
        }
        let mut unsure = lost_folder;
        for (row, figures) in rows {
            let known = self.folders.iter_mut().find(|folder| folder.listed.wire == row.wire);
            let folder = match known {
                Some(folder) => folder,
                None => {
                    let mut folder = Watched::new(row, &mut self.cursors);
                    folder.live_only = all_mail && folder.role() == FolderRole::Inbox;
                    self.folders.push(folder);
                    match self.folders.last_mut() {
                        Some(folder) => folder,
                        None => continue,
                    }
                }
            };
            if let Some(figures) = figures {
                unsure |= folder.note_figures(figures, self.settings.options.since, as_of);
            }
        }
        if let Some(round) = &mut self.round {
            round.listed = true;
            round.unsure |= unsure;
        }
        if !std::mem::replace(&mut self.connected, true) {
            let folders = self.folders.iter().map(|folder| folder.listed.folder.clone()).collect();
            let security = self.settings.security.clone();
            self.events.push_back(Event::Connected { folders, security });
        }
    }

    /// STATUS was answered: with figures, or with a refusal, which EXAMINE will explain.
    pub(crate) fn status(&mut self, id: FolderId, figures: Option<Figures>) {
        let (as_of, since) = (self.asked_at, self.settings.options.since);
        let Some(folder) = self.folders.get_mut(id.0) else { return };
        let unsure = match figures {
            Some(figures) => folder.note_figures(figures, since, as_of),
            None => {
                folder.checked_at = Some(as_of);
                folder.dirty = true;
                false
            }
        };
        if unsure {
            self.be_unsure();
        }
    }

    /// EXAMINE was answered with OK.
    pub(crate) fn examined(&mut self, id: FolderId, examined: Examined) {
        self.open = Some(id);
        self.exists = examined.exists;
        self.grown = None;
        match examined.uid_next {
            Some(uid_next) => self.opened(examined, uid_next, self.asked_at),
            None if examined.exists == 0 => {
                let kept = self.open_folder().and_then(|folder| folder.cursor);
                let kept = kept.filter(|cursor| cursor.uidvalidity == examined.uid_validity);
                self.opened(examined, kept.map_or(1, |cursor| cursor.uid_next), self.asked_at);
            }
            None => self.half_open = Some((examined, self.asked_at)),
        }
    }

    /// The open folder's highest UID, where the server doesn't state UIDNEXT.
    pub(crate) fn highest(&mut self, uid: Option<u32>) {
        let Some((examined, as_of)) = self.half_open.take() else { return };
        // The last message may have been deleted: then the highest UID is below what was read, and nothing is wrong.
        let kept = self.open_folder().and_then(|folder| folder.cursor);
        let kept = kept.filter(|cursor| cursor.uidvalidity == examined.uid_validity);
        let stated = uid.map_or(1, |uid| uid.saturating_add(1));
        self.opened(examined, stated.max(kept.map_or(1, |cursor| cursor.uid_next)), as_of);
    }

    fn opened(&mut self, examined: Examined, uid_next: u32, as_of: Timestamp) {
        let asked = self.settings.options.since;
        let since = Since { asked, of_new_folders: asked.or(self.watched_since) };
        let Some(folder) = self.open_folder_mut() else { return };
        let noted = folder.note_examined(examined, uid_next, since, as_of);
        if noted.begun_with_nothing {
            self.report(Vec::new());
            self.report_scanned(0, as_of, as_of);
        }
        if noted.may_have_left {
            self.be_unsure();
        }
    }

    /// EXAMINE was answered with NO.
    pub(crate) fn refused(&mut self, id: FolderId) {
        self.open = None;
        let Some(folder) = self.folders.get_mut(id.0) else { return };
        folder.strikes += 1;
        folder.dirty = false;
        folder.live = UidSet::default();
        folder.checked_at = None;
        folder.barred = true;
        // iCloud lists folders of other programs that never open: they must not keep coverage from being claimed.
        if folder.strikes < PATIENCE {
            self.be_unsure();
        }
    }

    /// The UIDs of the open folder that were received since the time asked for.
    pub(crate) fn searched(&mut self, found: &UidSet) {
        let now = self.asked_at;
        let Some(folder) = self.open_folder_mut() else { return };
        folder.note_searched(found, now);
        if !folder.has_todo() {
            if let Some(cursor) = &mut folder.cursor {
                cursor.unread = None;
            }
            folder.scan = None;
            self.report(Vec::new());
            self.report_scanned(0, now, now);
        }
    }

    /// The oldest FETCH under way was answered with OK, with these messages in ascending order of UID.
    pub(crate) fn received(&mut self, messages: Vec<(u32, FoundMessage)>) {
        let now = self.asked_at;
        let Some(request) = self.in_flight.pop_front() else { return };
        let batch = self.settings.batch;
        let Some(folder) = self.open_folder_mut() else { return };
        let (uids, messages): (Vec<u32>, Vec<FoundMessage>) = messages.into_iter().unzip();
        folder.note_received(&request, &uids);
        let scanned = match (&request.purpose, &folder.scan) {
            (Purpose::Scan { .. }, Some(scan)) if scan.asked == 0 && scan.todo.is_empty() => {
                Some((scan.messages, scan.started))
            }
            _ => None,
        };
        let missing = match request.purpose {
            Purpose::Tail { grown_by } => {
                // Fewer than announced, or as many as one command gives: there may be more beyond the range.
                let found = u32::try_from(uids.len()).unwrap_or(u32::MAX);
                folder.dirty |= found < grown_by || found >= batch;
                false
            }
            _ => (uids.len() as u64) < request.uids.len(),
        };
        let is_tail = matches!(request.purpose, Purpose::Tail { .. });
        if !(is_tail && messages.is_empty()) {
            self.report(messages);
        }
        if let Some((messages, started)) = scanned {
            if let Some(folder) = self.open_folder_mut() {
                folder.scan = None;
            }
            self.report_scanned(messages, started, now);
        }
        if missing {
            self.be_unsure();
        }
    }

    fn report(&mut self, messages: Vec<FoundMessage>) {
        let Some(folder) = self.open_folder() else { return };
        let batch = Batch {
            folder: folder.listed.folder.clone(),
            messages,
            cursor: folder.cursor(),
            remaining: folder.remaining(),
        };
        self.events.push_back(Event::Batch(batch));
    }

    fn report_scanned(&mut self, messages: u64, started: Timestamp, now: Timestamp) {
        let Some(folder) = self.open_folder() else { return };
        let took = Duration::try_from(now.duration_since(started)).unwrap_or_default();
        self.events.push_back(Event::Scanned { folder: folder.listed.folder.name.clone(), messages, took });
    }

    /// Every folder was checked and read: claims coverage, if the round proves it.
    fn end_round(&mut self, now: Timestamp) {
        let Some(round) = self.round.take() else { return };
        self.watched_since = self.watched_since.or(Some(self.started));
        let failing = self.folders.iter().any(|f| !f.gone && (1..PATIENCE).contains(&f.strikes));
        if round.unsure || failing {
            // The first round has nothing to compare with; another one is cheap. Later it is more patient.
            let wait =
                SignedDuration::from_secs(1_i64 << self.failed_rounds.min(6)) - SignedDuration::from_secs(1);
            self.failed_rounds += 1;
            self.next_round = plus(now, wait.min(ROUND_EVERY));
            return;
        }
        self.failed_rounds = 0;
        self.next_round = plus(round.started, ROUND_EVERY).max(now);
        let time = plus(round.started, -SETTLING);
        if self.covered.is_none_or(|covered| covered < time) {
            self.covered = Some(time);
            let folders = self.folders.iter().filter(|folder| folder.is_watched()).count();
            let folders = u32::try_from(folders).unwrap_or(u32::MAX);
            self.events.push_back(Event::CheckedUpTo { time, folders });
        }
    }
}

fn plus(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(time)
}

/// Lower is sooner. New mail of a known INBOX first. In a first scan the rep's sent mail goes before everything: what
/// others answer to is recognised by it.
fn urgency(folder: &Watched) -> u8 {
    match (folder.role(), folder.cursor.is_some_and(|cursor| cursor.unread.is_none())) {
        (FolderRole::Inbox, true) => 0,
        (FolderRole::Sent, _) => 1,
        (FolderRole::Inbox, false) => 2,
        (FolderRole::All, _) => 3,
        (_, true) => 4,
        (FolderRole::Archive | FolderRole::Other, false) => 5,
        (_, false) => 6,
    }
}

/// The folders to watch: all but drafts and what the rep left out. At Gmail the labels show what All Mail has
/// anyway, except for Spam and Trash; and INBOX is where IDLE speaks.
fn chosen(rows: Vec<(Listed, Option<Figures>)>, settings: &PlanSettings) -> Vec<(Listed, Option<Figures>)> {
    let all_mail = settings.gmail && rows.iter().any(|(row, _)| row.folder.role == FolderRole::All);
    let wanted = |row: &Listed| {
        let of_gmail = matches!(
            row.folder.role,
            FolderRole::Inbox | FolderRole::All | FolderRole::Junk | FolderRole::Trash
        );
        row.folder.role != FolderRole::Drafts
            && !settings.options.exclude.contains(&row.folder.name)
            && (!all_mail || of_gmail)
    };
    rows.into_iter().filter(|(row, _)| wanted(row)).collect()
}

#[cfg(test)]
mod tests;
