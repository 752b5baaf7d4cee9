//! `account`: what is remembered of a mailbox as a whole.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::time::{from_ms, to_ms};
use crate::{FolderRow, Result, Store};

pub const V1: &str = "
CREATE TABLE account (
    id            TEXT PRIMARY KEY,
    scan_since    INTEGER,              -- first scans of its folders go back to this time; NULL: none was started
    scan_done     INTEGER NOT NULL DEFAULT 0, -- whether every folder has been read since then
    rescan_since  INTEGER,              -- something was learned that asks for another look at mail since this time
    checked_up_to INTEGER,              -- everything received before this has been judged
    folders       INTEGER NOT NULL DEFAULT 0 -- how many folders that covers
) STRICT";

/// What is remembered of a mailbox as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountState {
    /// First scans of its folders go back to this time; `None` when none was started.
    pub scan_since: Option<Timestamp>,
    /// Something was learned that asks for another look at mail received since this time.
    pub rescan_since: Option<Timestamp>,
    /// Everything that the server had received before this has been judged.
    pub checked_up_to: Option<Timestamp>,
    /// How many folders that covers.
    pub folders: u32,
}

/// Inside the transaction that keeps what was learned: these accounts must look again at mail since these times.
pub fn ask_rescans(db: &Connection, rescans: &[(String, Timestamp)]) -> Result<()> {
    for (id, since) in rescans {
        db.prepare_cached(
            "UPDATE account SET rescan_since = min(coalesce(rescan_since, ?2), ?2) WHERE id = ?1 AND scan_since IS NOT NULL",
        )?
        .execute(params![id, to_ms(*since)])?;
    }
    Ok(())
}

impl Store {
    /// What is remembered of a mailbox; the default when nothing is.
    ///
    /// # Errors
    /// The store failed.
    pub fn account(&self, id: &str) -> Result<AccountState> {
        let row = self
            .db
            .query_row(
                "SELECT scan_since, rescan_since, checked_up_to, folders FROM account WHERE id = ?1",
                [id],
                |row| {
                    Ok(AccountState {
                        scan_since: row.get::<_, Option<i64>>(0)?.map(from_ms),
                        rescan_since: row.get::<_, Option<i64>>(1)?.map(from_ms),
                        checked_up_to: row.get::<_, Option<i64>>(2)?.map(from_ms),
                        folders: row.get(3)?,
                    })
                },
            )
            .optional()?;
        Ok(row.unwrap_or_default())
    }

    /// Starts watching a mailbox: says how far back the first scans of its folders go, and where each folder has been
    /// read up to. A rescan that is due begins here: every cursor is dropped, and the window is the wider of the
    /// rescan's and that of a scan that was not finished. Messages that were judged before are recognised by key.
    ///
    /// `first` is the window of the very first scan.
    ///
    /// # Errors
    /// The store failed; nothing was changed.
    pub fn begin_scan(&mut self, id: &str, first: Timestamp) -> Result<(Timestamp, Vec<FolderRow>)> {
        let tx = self.db.transaction()?;
        tx.execute(
            "INSERT INTO account (id, scan_since) VALUES (?1, ?2)
             ON CONFLICT (id) DO UPDATE SET scan_since = coalesce(scan_since, ?2)",
            params![id, to_ms(first)],
        )?;
        let rescan = tx.execute(
            "UPDATE account SET scan_since = CASE scan_done WHEN 1 THEN rescan_since ELSE min(rescan_since, scan_since) END,
                                scan_done = 0, rescan_since = NULL
             WHERE id = ?1 AND rescan_since IS NOT NULL",
            [id],
        )?;
        if rescan > 0 {
            tx.execute("DELETE FROM folder WHERE account = ?1", [id])?;
        }
        let since: i64 =
            tx.query_row("SELECT scan_since FROM account WHERE id = ?1", [id], |row| row.get(0))?;
        tx.commit()?;
        Ok((from_ms(since), self.folders(id)?))
    }

    /// Everything received before `time` has been judged; the scan that was begun is done. The last word counts: an
    /// earlier time than before means that the clock was set back, and what it had said was wrong.
    ///
    /// # Errors
    /// The store failed.
    pub fn set_checked_up_to(&mut self, id: &str, time: Timestamp, folders: u32) -> Result<()> {
        self.without_waiting(|db| {
            db.execute(
                "INSERT INTO account (id, checked_up_to, folders, scan_done) VALUES (?1, ?2, ?3, 1)
                 ON CONFLICT (id) DO UPDATE
                 SET checked_up_to = ?2, folders = ?3, scan_done = 1",
                params![id, to_ms(time), folders],
            )?;
            Ok(())
        })
    }

    /// Forgets a mailbox: its coverage and its cursors. Verdicts and events stay, they were reported.
    ///
    /// # Errors
    /// The store failed; nothing was changed.
    pub fn forget_account(&mut self, id: &str) -> Result<()> {
        let tx = self.db.transaction()?;
        tx.execute("DELETE FROM folder WHERE account = ?1", [id])?;
        tx.execute("DELETE FROM account WHERE id = ?1", [id])?;
        tx.commit()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Learned, Lesson};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn the_last_word_about_coverage_counts() {
        let mut store = Store::in_memory().unwrap();
        store.set_checked_up_to("a", at(200), 3).unwrap();
        store.set_checked_up_to("a", at(100), 4).unwrap();
        let state = store.account("a").unwrap();
        assert_eq!((state.checked_up_to, state.folders), (Some(at(100)), 4));
    }

    #[test]
    fn a_rescan_drops_the_cursors_and_keeps_the_coverage() {
        let mut store = Store::in_memory().unwrap();
        assert_eq!(store.begin_scan("a", at(10)).unwrap(), (at(10), vec![]));
        store.commit_batch("a", "INBOX", "{}", &[]).unwrap();
        store.set_checked_up_to("a", at(200), 3).unwrap();
        assert_eq!(store.begin_scan("a", at(99)).unwrap().1.len(), 1, "without a rescan the cursors stay");

        let lesson = |id: &str, since| Lesson {
            send_id: "s1".into(),
            learned: Learned::Id(id.into()),
            rescan_since: Some(at(since)),
        };
        let accounts = ["a".to_owned()];
        assert_eq!(store.learn(&[lesson("<x@y>", 160), lesson("<z@y>", 150)], &accounts).unwrap(), 2);
        assert_eq!(store.begin_scan("a", at(99)).unwrap(), (at(150), vec![]));
        assert_eq!(store.account("a").unwrap().checked_up_to, Some(at(200)));
        assert_eq!(store.learn(&[lesson("<x@y>", 20)], &accounts).unwrap(), 0);
        assert_eq!(store.account("a").unwrap().rescan_since, None, "what was known before asks for nothing");
    }

    #[test]
    fn a_rescan_during_an_unfinished_scan_keeps_the_wider_window() {
        let mut store = Store::in_memory().unwrap();
        store.begin_scan("a", at(10)).unwrap();
        store.apply_sends(&[], &[], "c", &[("a".into(), at(150))]).unwrap();
        assert_eq!(store.begin_scan("a", at(99)).unwrap().0, at(10));
    }

    #[test]
    fn a_mailbox_that_was_never_read_needs_no_rescan() {
        let mut store = Store::in_memory().unwrap();
        store.apply_sends(&[], &[], "c", &[("a".into(), at(150))]).unwrap();
        assert_eq!(store.begin_scan("a", at(10)).unwrap().0, at(10));
    }
}
