//! What to ask next, decided without asking.
//!
//! [`Plan::step`] says what to do at a given time; the caller does it and reports what the server answered. A *round* lists the
//! folders and asks each for its changes; a folder with pages left is read to its end first.
//!
//! Coverage: a message that is received before a round begins, and moved at most once until the round after it has ended,
//! was handed over by then. Where it lay when the first of the two rounds looked, it was seen; if it had been moved by
//! then to a folder that was looked at already, the second round sees it there. So a round's start is claimed when the
//! next round is done as well.

mod watched;

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use self::watched::Watched;
use super::folder::Listed;
use super::pace::{IDLE, interval, plus};
use crate::{Cursor, Event, Folder, FolderRole, FoundMessage, WatchOptions};

/// Exchange may take a moment from receiving a message to showing it in a delta query.
const SETTLING: SignedDuration = SignedDuration::from_secs(5);

/// Coverage is told once a minute; each time costs a report to the backend.
const CLAIM_EVERY: SignedDuration = SignedDuration::from_secs(50);

/// How often INBOX is looked at while other folders are scanned.
const GLANCE_EVERY: SignedDuration = SignedDuration::from_secs(15);

/// So many rounds in a row a folder that may not be read keeps coverage from being claimed; then it doesn't count.
const PATIENCE: u32 = 5;

/// What to do next.
#[derive(Debug)]
pub(crate) enum Step {
    /// List all folders; then [`Plan::listed`].
    List,
    /// Ask these folders, [`Habits::at_once`] at most; then for each [`Plan::page`], [`Plan::expired`], [`Plan::gone`] or
    /// [`Plan::refused`].
    Read(Vec<(FolderId, From)>),
    /// Hand this to the owner.
    Emit(Event),
    /// Nothing to do until then.
    Rest(Timestamp),
}

/// Where a folder is asked from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// From the beginning: messages received since then, or all.
    Start { since: Option<Timestamp> },
    /// From where the last answer ended.
    Link(String),
}

/// An answer about what changed in a folder.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) messages: Vec<FoundMessage>,
    /// How many rows it had, messages or not.
    pub(crate) rows: usize,
    pub(crate) link: String,
    /// More pages follow.
    pub(crate) more: bool,
}

/// What is particular to a server.
#[derive(Clone, Debug)]
pub(crate) struct Habits {
    /// How the connection is secured, for people.
    pub(crate) security: String,
    /// So many folders are asked at a time.
    pub(crate) at_once: usize,
    /// With a filter by time, a folder gives no more than so many messages.
    pub(crate) filtered_at_most: Option<u64>,
}

/// A folder of this plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FolderId(usize);

#[derive(Debug)]
struct Round {
    started: Timestamp,
    listed: bool,
    /// Something was new.
    news: bool,
}

/// The state of a watch.
#[derive(Debug)]
pub(crate) struct Plan {
    options: WatchOptions,
    habits: Habits,
    cursors: Vec<Cursor>,
    /// How far back mail is read.
    since: Timestamp,
    folders: Vec<Watched>,
    events: VecDeque<Event>,
    round: Option<Round>,
    next_round: Timestamp,
    /// When the last complete round began; the next one proves it.
    unproved: Option<Timestamp>,
    failed_rounds: u32,
    covered: Option<Timestamp>,
    last_news: Timestamp,
    connected: bool,
    told_idle: bool,
    /// The server tells when something comes; then it is asked more seldom.
    pushed: bool,
    /// It just did.
    hurried: bool,
    asked_at: Timestamp,
}

impl Plan {
    pub(crate) fn new(options: WatchOptions, habits: Habits, cursors: Vec<Cursor>, now: Timestamp) -> Self {
        Self {
            since: whole_second(options.since.unwrap_or(now)),
            options,
            habits,
            cursors,
            folders: Vec::new(),
            events: VecDeque::new(),
            round: None,
            next_round: now,
            unproved: None,
            failed_rounds: 0,
            covered: None,
            last_news: now,
            connected: false,
            told_idle: false,
            pushed: false,
            hurried: false,
            asked_at: now,
        }
    }

    /// The folder's id at the server.
    pub(crate) fn id(&self, id: FolderId) -> &str {
        self.folders.get(id.0).map_or("", |folder| &folder.listed.id)
    }

    /// The folder as people know it.
    pub(crate) fn folder(&self, id: FolderId) -> Option<&Folder> {
        self.folders.get(id.0).map(|folder| &folder.listed.folder)
    }

    /// The folders that were read to their end, and up to when.
    pub(crate) fn folders_read(&self) -> Vec<(String, Timestamp)> {
        let watched = self.folders.iter().filter(|folder| folder.is_watched());
        let time =
            |folder: &Watched| Some((folder.listed.folder.name.clone(), plus(folder.drained_at?, -SETTLING)));
        watched.filter_map(time).collect()
    }

    /// What to do at this time.
    pub(crate) fn step(&mut self, now: Timestamp) -> Step {
        self.asked_at = now;
        if let Some(event) = self.events.pop_front() {
            self.told_idle &= !matches!(event, Event::Batch(_));
            return Step::Emit(event);
        }
        if self.round.is_none() {
            if now < self.next_round {
                if !std::mem::replace(&mut self.told_idle, true) {
                    return Step::Emit(Event::Idle);
                }
                return Step::Rest(self.next_round);
            }
            self.folders.iter_mut().for_each(|folder| folder.barred = false);
            self.round = Some(Round { started: now, listed: false, news: false });
        }
        let Some(round) = &self.round else { return Step::Rest(self.next_round) };
        if !round.listed {
            return Step::List;
        }
        let asked = self.due(round.started, now);
        if !asked.is_empty() {
            return Step::Read(asked);
        }
        self.end_round(now);
        self.step(now)
    }

    /// The folders to ask now: those that are up to date all at once, then those with old mail by their urgency.
    fn due(&mut self, started: Timestamp, now: Timestamp) -> Vec<(FolderId, From)> {
        let rank = |folder: &Watched| if folder.is_polled() { 0 } else { 1 + urgency(folder.role()) };
        let glance = |folder: &Watched| {
            folder.role() == FolderRole::Inbox
                && folder.is_polled()
                && folder.drained_at.is_some_and(|at| now.duration_since(at) >= GLANCE_EVERY)
        };
        let watched = self.folders.iter().enumerate().filter(|(_, folder)| folder.is_watched());
        let unread: Vec<_> =
            watched.clone().filter(|(_, folder)| !folder.is_drained_since(started)).collect();
        let Some(first) = unread.iter().map(|(_, folder)| rank(folder)).min() else { return Vec::new() };
        let wanted: Vec<usize> = match watched.filter(|(_, folder)| glance(folder)).map(|(i, _)| i).next() {
            Some(inbox) if first > 0 => vec![inbox],
            _ => unread
                .iter()
                .filter(|(_, f)| rank(f) == first)
                .map(|(i, _)| *i)
                .take(self.habits.at_once)
                .collect(),
        };
        let ask = |i: usize| Some((FolderId(i), self.folders.get_mut(i)?.ask(now)));
        wanted.into_iter().filter_map(ask).collect()
    }

    /// All folders that there are.
    pub(crate) fn listed(&mut self, rows: Vec<Listed>) {
        let wanted = |row: &Listed| {
            row.folder.role != FolderRole::Drafts && !self.options.exclude.contains(&row.folder.name)
        };
        let rows: Vec<Listed> = rows.into_iter().filter(wanted).collect();
        for folder in &mut self.folders {
            folder.gone = !rows.iter().any(|row| row.id == folder.listed.id);
        }
        for row in rows {
            match self.folders.iter_mut().find(|folder| folder.listed.id == row.id) {
                Some(folder) if folder.listed.folder.name != row.folder.name => {
                    folder.listed = row;
                    // The owner knows cursors by name.
                    self.events.push_back(Event::Batch(folder.batch(Vec::new())));
                }
                Some(folder) => folder.listed = row,
                None => self.folders.push(Watched::new(row, &mut self.cursors, self.since)),
            }
        }
        if let Some(round) = &mut self.round {
            round.listed = true;
        }
        if !std::mem::replace(&mut self.connected, true) {
            let folders = self.folders.iter().map(|folder| folder.listed.folder.clone()).collect();
            self.events.push_front(Event::Connected { folders, security: self.habits.security.clone() });
        }
    }

    /// A folder has answered.
    pub(crate) fn page(&mut self, id: FolderId, page: Page) {
        let now = self.asked_at;
        let Some(folder) = self.folders.get_mut(id.0) else { return };
        let is_news = page.rows > 0;
        let scanned = folder.note_page(&page, self.habits.filtered_at_most, now);
        if is_news || folder.has_unsaved_scan() {
            let messages = page.messages.into_iter();
            let since = folder.cursor.since;
            let recent =
                messages.filter(|message| message.received_at.is_none_or(|at| at >= since)).collect();
            self.events.push_back(Event::Batch(folder.batch(recent)));
        }
        if let Some((messages, started)) = scanned {
            let took = Duration::try_from(now.duration_since(started)).unwrap_or_default();
            let folder = folder.listed.folder.name.clone();
            self.events.push_back(Event::Scanned { folder, messages, took });
        }
        if is_news {
            self.last_news = now;
            if let Some(round) = &mut self.round {
                round.news = true;
            }
        }
    }

    /// The server has told that something came.
    pub(crate) fn hurry(&mut self) {
        self.next_round = self.next_round.min(self.asked_at);
        self.hurried = true;
    }

    /// Whether the server tells when something comes.
    pub(crate) fn set_pushed(&mut self, pushed: bool) {
        self.pushed = pushed;
    }

    /// The folder's link is not known any more: the folder is read again, and the owner knows what it had.
    pub(crate) fn expired(&mut self, id: FolderId) {
        if let Some(folder) = self.folders.get_mut(id.0) {
            folder.restart();
        }
    }

    /// The folder was deleted meanwhile.
    pub(crate) fn gone(&mut self, id: FolderId) {
        if let Some(folder) = self.folders.get_mut(id.0) {
            folder.gone = true;
        }
    }

    /// The folder may not be read.
    pub(crate) fn refused(&mut self, id: FolderId) {
        if let Some(folder) = self.folders.get_mut(id.0) {
            folder.strikes += 1;
            folder.barred = true;
        }
    }

    fn end_round(&mut self, now: Timestamp) {
        let Some(round) = self.round.take() else { return };
        let folders = self.folders.iter().filter(|folder| folder.is_watched()).count();
        if self.folders.iter().any(|folder| !folder.gone && (1..PATIENCE).contains(&folder.strikes)) {
            self.unproved = None;
            self.next_round = plus(now, SignedDuration::from_secs(1_i64 << self.failed_rounds.min(6)));
            self.failed_rounds += 1;
            return;
        }
        self.failed_rounds = 0;
        let proved = self.unproved.replace(round.started);
        // What is new may be on its way from folder to folder; and a first round proves nothing yet.
        let at_once = round.news || proved.is_none();
        let pause = interval(now.duration_since(self.last_news), folders, self.options.power.is_on_battery());
        // What was told of may take a moment to show.
        let hurried = std::mem::take(&mut self.hurried);
        let pause = if self.pushed && !hurried { pause.max(IDLE) } else { pause };
        self.next_round = if at_once { now } else { plus(now, pause) };
        let Some(time) = proved.map(|started| plus(started, -SETTLING)) else { return };
        if self.covered.is_none_or(|covered| time.duration_since(covered) >= CLAIM_EVERY) {
            self.covered = Some(time);
            let folders = u32::try_from(folders).unwrap_or(u32::MAX);
            self.events.push_back(Event::CheckedUpTo { time, folders });
        }
    }
}

/// The second that a time is in: Exchange tells by whole seconds when a message was received.
pub(crate) fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// Lower is sooner: the rep's sent mail goes before everything, since what others answer to is recognised by it.
fn urgency(role: FolderRole) -> u8 {
    match role {
        FolderRole::Sent => 0,
        FolderRole::Inbox => 1,
        FolderRole::Junk | FolderRole::Trash => 3,
        _ => 2,
    }
}

#[cfg(test)]
mod tests;
