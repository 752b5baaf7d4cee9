//! What is known of one folder, and where it is asked from.

use jiff::Timestamp;

use super::{From, Page};
use crate::exchange::cursor::FolderCursor;
use crate::exchange::folder::Listed;
use crate::{Batch, Cursor, FolderRole, FoundMessage};

/// A folder under watch.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) listed: Listed,
    /// Not listed any more.
    pub(super) gone: bool,
    pub(super) cursor: FolderCursor,
    /// When the question was asked whose pages are being read. `None` when that was before this connection.
    chain_began: Option<Timestamp>,
    /// Everything that it held at this time has come.
    pub(super) drained_at: Option<Timestamp>,
    /// When the scan began in this connection, and how many messages it gave.
    scan: Option<(Timestamp, u64)>,
    /// A scan's page has come that the owner has not been told of.
    unsaved: bool,
    /// How often it may not be read, in a row.
    pub(super) strikes: u32,
    /// It may not be read in this round.
    pub(super) barred: bool,
}

impl Watched {
    pub(super) fn new(listed: Listed, cursors: &mut Vec<Cursor>, since: Timestamp) -> Self {
        // By name first: after a folder was renamed there, an old name may be kept beside the new one.
        let is_its = |cursor: &Cursor| FolderCursor::read(&cursor.state).is_some_and(|c| c.id == listed.id);
        let kept = cursors
            .iter()
            .position(|cursor| cursor.folder == listed.folder.name && is_its(cursor))
            .or_else(|| cursors.iter().position(is_its));
        let kept = kept.and_then(|i| FolderCursor::read(&cursors.swap_remove(i).state));
        let cursor = kept
            // Older mail is wanted than was read.
            .filter(|cursor| cursor.since <= since)
            .unwrap_or_else(|| FolderCursor::start(listed.id.clone(), since));
        Self {
            listed,
            gone: false,
            cursor,
            chain_began: None,
            drained_at: None,
            scan: None,
            unsaved: false,
            strikes: 0,
            barred: false,
        }
    }

    pub(super) fn role(&self) -> FolderRole {
        self.listed.folder.role
    }

    /// Whether it counts in this round.
    pub(super) fn is_watched(&self) -> bool {
        !self.gone && !self.barred
    }

    /// Whether only what is new has to be asked for.
    pub(super) fn is_polled(&self) -> bool {
        !self.cursor.scanning
    }

    pub(super) fn is_drained_since(&self, time: Timestamp) -> bool {
        self.drained_at.is_some_and(|at| at >= time)
    }

    /// Where it is asked from now.
    pub(super) fn ask(&mut self, now: Timestamp) -> From {
        if !self.cursor.more {
            self.chain_began = Some(now);
        }
        match &self.cursor.link {
            Some(link) => From::Link(link.clone()),
            None => {
                let since = (!self.cursor.unfiltered).then_some(self.cursor.since);
                From::Start { since }
            }
        }
    }

    /// From the beginning.
    pub(super) fn restart(&mut self) {
        let unfiltered = self.cursor.unfiltered;
        self.cursor = FolderCursor::start(self.listed.id.clone(), self.cursor.since);
        self.cursor.unfiltered = unfiltered;
        self.chain_began = None;
        self.drained_at = None;
        self.scan = None;
    }

    /// Takes an answer in. When it ends a scan: how many messages that gave, and when it began.
    pub(super) fn note_page(
        &mut self,
        page: &Page,
        filtered_at_most: Option<u64>,
        now: Timestamp,
    ) -> Option<(u64, Timestamp)> {
        self.strikes = 0;
        self.cursor.link = Some(page.link.clone());
        self.cursor.more = page.more;
        self.unsaved = self.cursor.scanning;
        if self.cursor.scanning {
            let began = self.chain_began.unwrap_or(now);
            let (_, messages) = self.scan.get_or_insert((began, 0));
            *messages += page.messages.len() as u64;
            self.cursor.rows += page.rows as u64;
        }
        if page.more {
            return None;
        }
        let scanning = std::mem::replace(&mut self.cursor.scanning, false);
        if scanning
            && !self.cursor.unfiltered
            && filtered_at_most.is_some_and(|most| self.cursor.rows >= most)
        {
            // There may be more than a filtered query gives.
            self.cursor.unfiltered = true;
            self.restart();
            return None;
        }
        self.drained_at = self.chain_began;
        let (started, messages) = self.scan.take().unwrap_or((now, 0));
        scanning.then_some((messages, started))
    }

    /// Whether the owner must be told of where the scan is, also where nothing was found; asked once.
    pub(super) fn has_unsaved_scan(&mut self) -> bool {
        std::mem::take(&mut self.unsaved)
    }

    /// What to hand over, with the cursor to commit.
    pub(super) fn batch(&self, messages: Vec<FoundMessage>) -> Batch {
        let cursor = Cursor { folder: self.listed.folder.name.clone(), state: self.cursor.write() };
        // Nobody says how many are left.
        Batch { folder: self.listed.folder.clone(), messages, cursor, remaining: None }
    }
}
