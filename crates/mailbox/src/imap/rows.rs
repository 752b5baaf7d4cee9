//! Gathers the rows of FETCH, whichever command in flight they answer, and what servers report unasked.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::response::{Figures, Untagged};
use super::uid_set::UidSet;

/// What has come of a message so far. Servers may send its items in several rows, mixed with reports of flags.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) received_at: Option<Timestamp>,
    pub(crate) size: Option<u64>,
    pub(crate) header: Option<Vec<u8>>,
    pub(crate) thread_ids: Vec<String>,
}

/// Rows by UID. A row without UID tells nothing; one with fewer items never takes away what is there.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    by_uid: BTreeMap<u32, Facts>,
    /// Rows that couldn't be read.
    unreadable: u32,
    /// Figures of other folders (NOTIFY, RFC 5465).
    told: Vec<(Vec<u8>, Figures)>,
}

impl Rows {
    /// Takes a row or an unasked report in; ignores everything else.
    pub(crate) fn note(&mut self, response: Untagged<'_>) {
        let row = match response {
            Untagged::Fetch(row) => row,
            Untagged::Status { folder, figures } => {
                self.told.push((folder.into_owned(), figures));
                return;
            }
            Untagged::BadFetch => {
                self.unreadable += 1;
                return;
            }
            _ => return,
        };
        let Some(uid) = row.uid else { return };
        if row.internal_date.is_none() && row.size.is_none() && row.header.is_none() {
            return;
        }
        let facts = self.by_uid.entry(uid).or_default();
        facts.received_at = facts.received_at.or(row.internal_date);
        facts.size = facts.size.or(row.size);
        if let Some(header) = row.header
            && facts.header.is_none()
        {
            facts.header = Some(header.map(|bytes| bytes.into_owned()).unwrap_or_default());
        }
        if facts.thread_ids.is_empty() {
            facts.thread_ids = row.thread_ids;
        }
    }

    /// Takes what came for these UIDs, in ascending order.
    pub(crate) fn take(&mut self, uids: &UidSet) -> Vec<(u32, Facts)> {
        let (Some(first), Some(last)) = (uids.first(), uids.last()) else { return Vec::new() };
        let wanted: Vec<u32> = self.by_uid.range(first..=last).map(|(uid, _)| *uid).collect();
        let wanted = wanted.into_iter().filter(|uid| uids.contains(*uid));
        wanted.filter_map(|uid| self.by_uid.remove_entry(&uid)).collect()
    }

    /// How many rows couldn't be read since the last call.
    pub(crate) fn take_unreadable(&mut self) -> u32 {
        std::mem::take(&mut self.unreadable)
    }

    /// Takes the figures that came unasked.
    pub(crate) fn take_told(&mut self) -> Vec<(Vec<u8>, Figures)> {
        std::mem::take(&mut self.told)
    }

    /// Whether there are any.
    pub(crate) fn has_told(&self) -> bool {
        !self.told.is_empty()
    }

    /// Forgets rows that nobody asked for.
    pub(crate) fn clear(&mut self) {
        self.by_uid.clear();
        self.unreadable = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::response::{Response, parse};
    use super::*;

    fn rows(lines: &[&str]) -> Rows {
        let mut rows = Rows::default();
        for line in lines {
            match parse(line.as_bytes()) {
                Response::Untagged(untagged) => rows.note(untagged),
                other => panic!("{other:?}"),
            }
        }
        rows
    }

    #[test]
    fn an_unsolicited_report_of_flags_never_overwrites_a_row() {
        // chatmail/core#6085, #6130; Proton Bridge sends such within FETCH.
        let mut rows = rows(&[
            "* 1 FETCH (UID 5 BODY[HEADER.FIELDS (FROM)] {6}\r\nFrom: )\r\n",
            "* 1 FETCH (UID 5 FLAGS (\\Seen))\r\n",
            "* 2 FETCH (FLAGS (\\Seen))\r\n",
            "* 1 FETCH (UID 5 BODY[HEADER.FIELDS (FROM)] NIL)\r\n",
            "* 3 FETCH (UID 9 FLAGS ())\r\n",
        ]);
        let found = rows.take(&UidSet::range(1, 100));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].0, found[0].1.header.as_deref()), (5, Some(&b"From: "[..])));
    }

    #[test]
    fn items_of_one_message_may_come_in_several_rows() {
        let mut rows = rows(&[
            "* 1 FETCH (UID 5 RFC822.SIZE 12)\r\n",
            "* 1 FETCH (UID 5 BODY[HEADER.FIELDS (FROM)] \"From: x\")\r\n",
        ]);
        let found = rows.take(&UidSet::range(5, 5));
        assert_eq!((found[0].1.size, found[0].1.header.is_some()), (Some(12), true));
    }

    #[test]
    fn rows_of_the_next_fetch_wait_for_it() {
        let mut rows = rows(&["* 1 FETCH (UID 5 RFC822.SIZE 1)\r\n", "* 2 FETCH (UID 8 RFC822.SIZE 2)\r\n"]);
        assert_eq!(rows.take(&UidSet::range(1, 6)).len(), 1);
        assert_eq!(rows.take(&UidSet::range(7, 9)).len(), 1);
    }
}
