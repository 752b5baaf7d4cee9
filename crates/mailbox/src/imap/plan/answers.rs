//! Takes in what the server answers, and what it reports unasked.

use std::time::Duration;

use jiff::Timestamp;

use super::watched::{Examined, Purpose, Since, Watched};
use super::{FolderId, PATIENCE, Plan, PlanSettings};
use crate::imap::folders::Listed;
use crate::imap::response::Figures;
use crate::imap::uid_set::UidSet;
use crate::{Batch, Event, FolderRole, FoundMessage};

impl Plan {
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

    pub(super) fn be_unsure(&mut self) {
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
                self.vague |= figures.uid_next.is_none();
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
        self.vague |= figures.is_some_and(|figures| figures.uid_next.is_none());
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
        self.vague |= examined.uid_next.is_none();
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

    pub(super) fn opened(&mut self, examined: Examined, uid_next: u32, as_of: Timestamp) {
        let asked = self.settings.options.since;
        let since = Since { asked, of_new_folders: asked.or(self.watched_since) };
        let batch = self.settings.batch;
        let Some(folder) = self.open_folder_mut() else { return };
        let noted = folder.note_examined(examined, uid_next, since, as_of);
        folder.assume_all_recent(examined.exists, batch, as_of);
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
            let (messages, started) =
                folder.scan.take().map_or((0, now), |scan| (scan.messages, scan.started));
            self.report(Vec::new());
            self.report_scanned(messages, started, now);
        }
    }

    /// The oldest FETCH under way was answered with OK, with these messages in ascending order of UID.
    pub(crate) fn received(&mut self, mut messages: Vec<(u32, FoundMessage)>) {
        let now = self.asked_at;
        let Some(request) = self.in_flight.pop_front() else { return };
        let batch = self.settings.batch;
        let Some(folder) = self.open_folder_mut() else { return };
        let came = messages.len() as u64;
        if matches!(request.purpose, Purpose::Scan { .. }) {
            folder.keep_recent(&mut messages);
        }
        let (uids, messages): (Vec<u32>, Vec<FoundMessage>) = messages.into_iter().unzip();
        folder.note_received(&request, &uids);
        let scanned = match (&request.purpose, &folder.scan) {
            (Purpose::Scan { .. }, Some(scan)) if scan.is_done() => Some((scan.messages, scan.started)),
            _ => None,
        };
        let missing = match request.purpose {
            Purpose::Tail { grown_by } => {
                // Fewer than announced, or as many as one command gives: there may be more beyond the range.
                let found = u32::try_from(uids.len()).unwrap_or(u32::MAX);
                folder.dirty |= found < grown_by || found >= batch;
                false
            }
            _ => came < request.uids.len(),
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

    pub(super) fn report(&mut self, messages: Vec<FoundMessage>) {
        let Some(folder) = self.open_folder() else { return };
        let batch = Batch {
            folder: folder.listed.folder.clone(),
            messages,
            cursor: folder.cursor(),
            remaining: folder.remaining(),
        };
        self.events.push_back(Event::Batch(batch));
    }

    pub(super) fn report_scanned(&mut self, messages: u64, started: Timestamp, now: Timestamp) {
        let Some(folder) = self.open_folder() else { return };
        let took = Duration::try_from(now.duration_since(started)).unwrap_or_default();
        self.events.push_back(Event::Scanned { folder: folder.listed.folder.name.clone(), messages, took });
    }
}

/// The folders to watch: all but drafts and what the rep left out. At Gmail the labels show what All Mail has
/// anyway, except for Spam and Trash; and INBOX is where IDLE speaks.
pub(super) fn chosen(
    rows: Vec<(Listed, Option<Figures>)>,
    settings: &PlanSettings,
) -> Vec<(Listed, Option<Figures>)> {
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
