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

mod answers;
mod choice;
mod watched;

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

pub(crate) use self::watched::{Examined, with_margin};
use self::watched::{InFlight, Watched};
use super::cursor::FolderCursor;
use super::uid_set::UidSet;
use crate::{Cursor, Event, FolderRole, WatchOptions};

/// How many UIDs one FETCH asks for; ranges are always closed, since `n:*` gives the last message even below n.
pub(crate) const BATCH: u32 = 500;

/// From one check of all folders to the next, so that each is looked at every two minutes.
const ROUND_EVERY: SignedDuration = SignedDuration::from_secs(110);

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
    Request {
        uids: UidSet,
        /// Mail of a first scan, of which there is much.
        old: bool,
    },
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
    /// A folder's UIDNEXT is not stated: what came and went between two checks can't be noticed.
    vague: bool,
    /// Where that is so, the start of the round before: the next one proves it, as it finds what was moved meanwhile.
    half_proven: Option<Timestamp>,
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
            vague: false,
            half_proven: None,
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

    /// The folders that were read to their end, and up to when.
    pub(crate) fn folders_read(&self) -> Vec<(String, Timestamp)> {
        let read = self.folders.iter().filter(|folder| folder.is_watched() && folder.is_read());
        let time =
            |folder: &Watched| Some((folder.listed.folder.name.clone(), plus(folder.checked_at?, -SETTLING)));
        read.filter_map(time).collect()
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
            self.half_proven = None;
            self.next_round = plus(now, wait.min(ROUND_EVERY));
            return;
        }
        self.failed_rounds = 0;
        self.next_round = plus(round.started, ROUND_EVERY).max(now);
        let mut time = plus(round.started, -SETTLING);
        if self.vague {
            match self.half_proven.replace(time) {
                Some(before) => time = before,
                None => {
                    self.next_round = now;
                    return;
                }
            }
        }
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

#[cfg(test)]
mod tests;
