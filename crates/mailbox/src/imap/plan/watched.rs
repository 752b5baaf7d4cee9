//! What is known of one folder, and what must be read of it.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::imap::cursor::FolderCursor;
use crate::imap::folders::Listed;
use crate::imap::response::Figures;
use crate::imap::uid_set::UidSet;
use crate::{Cursor, FolderRole, FoundMessage};

/// A folder under watch.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) listed: Listed,
    /// Not listed any more.
    pub(super) gone: bool,
    /// Old mail isn't read here because another folder shows it (Gmail's INBOX beside All Mail).
    pub(super) live_only: bool,
    pub(super) cursor: Option<FolderCursor>,
    /// When its figures were asked for last.
    pub(super) checked_at: Option<Timestamp>,
    /// The figures at the last check.
    pub(super) figures: Option<Figures>,
    /// Must be opened, to read or to find out.
    pub(super) dirty: bool,
    /// New UIDs that are still to be asked for.
    pub(super) live: UidSet,
    /// The first scan, while it runs.
    pub(super) scan: Option<Scan>,
    /// How often the server refused to open it, in a row.
    pub(super) strikes: u32,
    /// The server wouldn't open it in this round.
    pub(super) barred: bool,
}

/// A first scan under way.
#[derive(Debug)]
pub(super) struct Scan {
    /// UIDs still to be asked for.
    pub(super) todo: UidSet,
    /// UIDs asked for and not handed over.
    pub(super) asked: u64,
    pub(super) started: Timestamp,
    pub(super) messages: u64,
    pub(super) choice: Choice,
}

/// How it is known which messages a first scan is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// SEARCH told.
    Searched,
    /// All are taken to be recent enough, until one turns out not to be: a server takes a tenth of the whole time for SEARCH, and
    /// a mailbox may well be younger than the oldest send.
    Assumed,
    /// One was not. What is asked for already still comes; SEARCH tells of the rest.
    ToSearch,
}

impl Scan {
    /// Whether all that it is about has been handed over.
    pub(super) fn is_done(&self) -> bool {
        self.asked == 0 && self.todo.is_empty() && self.choice != Choice::ToSearch
    }
}

/// A day before: clocks of servers differ, and SEARCH knows days only, in a time zone of the server's choice.
pub(crate) fn with_margin(since: Timestamp) -> Timestamp {
    since.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(since)
}

/// How far back mail is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    /// As the owner asked.
    pub(super) asked: Option<Timestamp>,
    /// In a folder that has no cursor. Without a wish of the owner's: since the watch began, as mail may have been
    /// filed into the folder before it was seen.
    pub(super) of_new_folders: Option<Timestamp>,
}

/// What opening a folder showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Examined {
    pub(crate) uid_validity: u32,
    /// `None` where the server doesn't say (Winmail, mail.163.com).
    pub(crate) uid_next: Option<u32>,
    pub(crate) exists: u32,
}

impl Watched {
    pub(super) fn new(listed: Listed, cursors: &mut Vec<Cursor>) -> Self {
        let kept = cursors.iter().position(|cursor| cursor.folder == listed.folder.name);
        let cursor = kept.and_then(|i| FolderCursor::read(&cursors.swap_remove(i).state));
        Self {
            listed,
            gone: false,
            live_only: false,
            cursor,
            checked_at: None,
            figures: None,
            dirty: false,
            live: UidSet::default(),
            scan: None,
            strikes: 0,
            barred: false,
        }
    }

    pub(super) fn role(&self) -> FolderRole {
        self.listed.folder.role
    }

    /// Whether it counts at all in this round.
    pub(super) fn is_watched(&self) -> bool {
        !self.gone && !self.barred
    }

    /// Whether everything that it held when it was checked last has been handed over.
    pub(super) fn is_read(&self) -> bool {
        !self.dirty && self.live.is_empty() && self.cursor.is_some_and(|cursor| cursor.unread.is_none())
    }

    /// Whether something waits to be asked for while this folder is open.
    pub(super) fn has_todo(&self) -> bool {
        !self.live.is_empty() || self.scan.as_ref().is_some_and(|scan| !scan.todo.is_empty())
    }

    /// Whether the first scan still has to find out which messages it is about.
    pub(super) fn wants_search(&self) -> bool {
        let knows = |scan: &Scan| scan.choice != Choice::ToSearch || scan.asked > 0;
        !self.dirty
            && !self.scan.as_ref().is_some_and(knows)
            && self.cursor.is_some_and(|cursor| cursor.unread.is_some())
    }

    /// Takes the figures of STATUS in. The answer is whether something seems to have left the folder since the
    /// last check, or whether nobody can tell.
    pub(super) fn note_figures(
        &mut self,
        figures: Figures,
        since: Option<Timestamp>,
        as_of: Timestamp,
    ) -> bool {
        let may_have_left = self.may_have_lost(figures);
        self.figures = Some(figures);
        self.checked_at = Some(as_of);
        // Whatever differs from the cursor, in any direction, EXAMINE decides: STATUS may be stale.
        let agrees = self.cursor.is_some_and(|cursor| {
            figures.uid_validity == Some(cursor.uidvalidity)
                && figures.uid_next == Some(cursor.uid_next)
                && !self.wants_older(&cursor, since)
        });
        self.dirty |= !agrees;
        may_have_left
    }

    fn may_have_lost(&self, now: Figures) -> bool {
        let Some(before) = self.figures else { return true };
        if before.uid_validity != now.uid_validity {
            return true;
        }
        let (Some(had), Some(has)) = (before.messages, now.messages) else { return false };
        // Each arrival raises UIDNEXT; a server that skips UIDs only makes this too careful.
        let arrived = match (before.uid_next, now.uid_next) {
            (Some(before), Some(now)) => now.saturating_sub(before),
            _ => 0,
        };
        had.saturating_add(arrived) > has
    }

    /// Whether old mail must be read from further back than it was.
    fn wants_older(&self, cursor: &FolderCursor, since: Option<Timestamp>) -> bool {
        !self.live_only && since.is_some_and(|since| since < cursor.since)
    }

    /// Takes the answer to EXAMINE in and decides what is to be read. `highest` is UIDNEXT, stated or worked out.
    /// Gives the cursor to report when there is nothing to read and yet something to remember.
    pub(super) fn note_examined(
        &mut self,
        examined: Examined,
        uid_next: u32,
        since: Since,
        as_of: Timestamp,
    ) -> Noted {
        let figures = Figures {
            messages: Some(examined.exists),
            uid_next: Some(uid_next),
            uid_validity: Some(examined.uid_validity),
        };
        let may_have_left = self.may_have_lost(figures);
        self.figures = Some(figures);
        self.checked_at = Some(as_of);
        self.dirty = false;
        self.strikes = 0;
        let known = self.cursor.filter(|cursor| {
            // A UIDNEXT that went back means that the server forgot something (GMX, chatmail/core#2188).
            cursor.uidvalidity == examined.uid_validity && cursor.uid_next <= uid_next
        });
        let mut begun = false;
        let cursor = match known {
            Some(mut cursor) => {
                self.live = UidSet::range(cursor.uid_next, uid_next - 1);
                if self.wants_older(&cursor, since.asked) {
                    cursor.since = since.asked.unwrap_or(cursor.since);
                    cursor.unread = Some((1, cursor.uid_next));
                    self.scan = None;
                }
                cursor
            }
            None => {
                self.live = UidSet::default();
                self.scan = None;
                begun = true;
                let wants_old =
                    since.of_new_folders.is_some() && !self.live_only && examined.exists > 0 && uid_next > 1;
                FolderCursor {
                    uidvalidity: examined.uid_validity,
                    uid_next,
                    since: since.of_new_folders.unwrap_or(as_of),
                    unread: wants_old.then_some((1, uid_next)),
                }
            }
        };
        self.cursor = Some(cursor);
        Noted { may_have_left, begun_with_nothing: begun && cursor.unread.is_none() }
    }

    /// Begins the first scan (or goes on with it) now that its UIDs are known.
    pub(super) fn note_searched(&mut self, found: &UidSet, now: Timestamp) {
        let (first, end) = self.cursor.and_then(|cursor| cursor.unread).unwrap_or((1, 1));
        let todo = found.clamp(first, end.saturating_sub(1));
        let (started, messages) =
            self.scan.as_ref().map_or((now, 0), |before| (before.started, before.messages));
        self.scan = Some(Scan { todo, asked: 0, started, messages, choice: Choice::Searched });
    }

    /// Begins the first scan of a whole INBOX, from the newest message down, without asking which messages are recent enough. Not
    /// where that would save little, nor where UIDs are so sparse that most of what is asked for isn't there.
    pub(super) fn assume_all_recent(&mut self, exists: u32, batch: u32, now: Timestamp) {
        let Some(FolderCursor { uid_next, unread: Some((1, end)), .. }) = self.cursor else { return };
        let dense = exists > batch && exists.saturating_mul(2) >= uid_next;
        if self.role() == FolderRole::Inbox && end == uid_next && dense && self.scan.is_none() {
            let todo = UidSet::range(1, uid_next - 1);
            self.scan = Some(Scan { todo, asked: 0, started: now, messages: 0, choice: Choice::Assumed });
        }
    }

    /// Takes out what is too old to have been asked for, where that was only assumed.
    pub(super) fn keep_recent(&mut self, messages: &mut Vec<(u32, FoundMessage)>) {
        let (Some(scan), Some(cursor)) = (&mut self.scan, &self.cursor) else { return };
        if scan.choice == Choice::Searched {
            return;
        }
        let since = with_margin(cursor.since);
        let before = messages.len();
        messages.retain(|(_, message)| message.received_at.is_none_or(|at| at >= since));
        if messages.len() < before {
            (scan.todo, scan.choice) = (UidSet::default(), Choice::ToSearch);
        }
    }

    /// The next UIDs to ask for: new mail before old mail.
    pub(super) fn next_request(&mut self, batch: u32) -> Option<(UidSet, Purpose)> {
        if !self.live.is_empty() {
            return Some((self.live.take_lowest(batch), Purpose::Live));
        }
        // Today's mail matters more than last month's; the cursor can tell which part is done.
        let newest_first = self.role() == FolderRole::Inbox;
        let scan = self.scan.as_mut().filter(|scan| !scan.todo.is_empty())?;
        let part = if newest_first { scan.todo.take_highest(batch) } else { scan.todo.take_lowest(batch) };
        scan.asked += part.len();
        Some((part, Purpose::Scan { newest_first }))
    }

    /// Moves the cursor over what was asked for and came.
    pub(super) fn note_received(&mut self, request: &Request, found: &[u32]) {
        let Some(cursor) = &mut self.cursor else { return };
        let end = request.uids.last().map_or(1, |last| last.saturating_add(1));
        match request.purpose {
            // Also where nothing came: it was deleted before it was fetched (chatmail/core#4935).
            Purpose::Live => cursor.uid_next = cursor.uid_next.max(end),
            Purpose::Tail { .. } => {
                let seen = found.iter().max().map_or(0, |uid| uid.saturating_add(1));
                cursor.uid_next = cursor.uid_next.max(seen);
            }
            Purpose::Scan { newest_first } => {
                let Some(scan) = &mut self.scan else { return };
                scan.asked = scan.asked.saturating_sub(request.uids.len());
                scan.messages += found.len() as u64;
                let done = scan.is_done();
                cursor.unread = match cursor.unread {
                    Some(_) if done => None,
                    Some((first, _)) if newest_first => Some((first, request.uids.first().unwrap_or(first))),
                    Some((_, last)) => Some((end, last)),
                    None => None,
                };
            }
        }
    }

    /// How many messages of the first scan are left.
    pub(super) fn remaining(&self) -> Option<u64> {
        self.scan.as_ref().map(|scan| scan.todo.len() + scan.asked)
    }

    /// The cursor to commit.
    pub(super) fn cursor(&self) -> Cursor {
        let state = self.cursor.as_ref().map(FolderCursor::write).unwrap_or_default();
        Cursor { folder: self.listed.folder.name.clone(), state }
    }
}

/// What [`Watched::note_examined`] found out.
pub(super) struct Noted {
    pub(super) may_have_left: bool,
    /// A first contact with nothing to read: the cursor must be committed all the same.
    pub(super) begun_with_nothing: bool,
}

/// Why UIDs were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// New mail, below a UIDNEXT that the server stated.
    Live,
    /// Whatever may have come after the cursor: the server said EXISTS, with so many messages more than before.
    Tail { grown_by: u32 },
    /// Old mail.
    Scan { newest_first: bool },
}

/// A FETCH that was sent.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) uids: UidSet,
    pub(super) purpose: Purpose,
}

/// FETCHes that were sent, oldest first.
pub(super) type InFlight = VecDeque<Request>;
