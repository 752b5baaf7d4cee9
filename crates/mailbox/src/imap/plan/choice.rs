//! What is done next, of all that there is to do.

use jiff::{SignedDuration, Timestamp};

use super::watched::{Purpose, Request, Watched};
use super::{FolderId, Plan, Round, Step, plus};
use crate::imap::uid_set::UidSet;
use crate::{Event, FolderRole};

/// How many FETCHes are under way at once: the server works on the next while the owner judges the last.
const DEPTH: usize = 4;

/// How many of them there may be while the owner waits for bodies. Those come after all that was asked for before: with
/// nothing asked for behind them the server would have nothing to do while the owner judges them.
const DEPTH_WITH_BODIES: usize = 6;

/// How often INBOX is looked at where there is no IDLE (chatmail/core#1868, mail.ru).
const POLL_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// How often INBOX is looked at while another folder is being read.
const GLANCE_EVERY: SignedDuration = SignedDuration::from_secs(5);

impl Plan {
    /// A FETCH to send now, if any.
    pub(super) fn next_request(&mut self, now: Timestamp) -> Option<Step> {
        self.request_up_to(DEPTH, now)
    }

    /// A FETCH to send behind those for bodies, if any.
    pub(crate) fn request_behind_bodies(&mut self, now: Timestamp) -> Option<Step> {
        self.request_up_to(DEPTH_WITH_BODIES, now)
    }

    fn request_up_to(&mut self, depth: usize, now: Timestamp) -> Option<Step> {
        if self.in_flight.len() >= depth || self.inbox_comes_first(now) {
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
                return Some(Step::Request { uids, old: false });
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
        Some(Step::Request { uids, old: matches!(purpose, Purpose::Scan { .. }) })
    }

    pub(super) fn inbox(&self) -> Option<(FolderId, &Watched)> {
        let i = self.folders.iter().position(|f| f.role() == FolderRole::Inbox && f.is_watched())?;
        Some((FolderId(i), self.folders.get(i)?))
    }

    /// Whether reading another folder must wait because INBOX is due.
    pub(super) fn inbox_comes_first(&self, now: Timestamp) -> bool {
        self.inbox().zip(self.open_folder()).is_some_and(|((id, inbox), open)| {
            let more_urgent = inbox.dirty && urgency(inbox) < urgency(open);
            self.open != Some(id) && (more_urgent || self.glance_due(inbox, now))
        })
    }

    pub(super) fn glance_due(&self, inbox: &Watched, now: Timestamp) -> bool {
        inbox.checked_at.is_some_and(|at| now.duration_since(at) >= GLANCE_EVERY)
            && self.open_folder().is_some_and(Watched::has_todo)
    }

    /// A check of figures that is due.
    pub(super) fn next_check(&mut self, now: Timestamp) -> Option<Step> {
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
    pub(super) fn next_reading(&mut self, now: Timestamp) -> Option<Step> {
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

    pub(super) fn rest(&mut self, now: Timestamp) -> Step {
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
