//! What must be on the disk before anything follows from it, and what need not.
//!
//! A crash of the process loses nothing that was committed. A power cut may undo the last commits that were not waited for, always
//! the latest of them first: the file stays consistent, and a verdict never goes without its cursor or the other way round. Waiting for
//! the disk costs milliseconds, in which an answer could be with the backend.

use rusqlite::Connection;

use crate::{Result, Store};

impl Store {
    /// Makes a change that is simply made again if it was undone: what the mailbox or the backend says will be said again.
    /// It is on the disk at the latest with the next change that is waited for.
    pub(crate) fn without_waiting<T>(
        &mut self,
        change: impl FnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        self.db.pragma_update(None, "synchronous", "NORMAL")?;
        let changed = change(&mut self.db);
        self.db.pragma_update(None, "synchronous", "FULL")?;
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn synchronous(store: &Store) -> i64 {
        store.db.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_follows_is_waited_for_again_also_after_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("answerback.db")).unwrap();
        let within = store.without_waiting(|db| {
            Ok(db.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0))?)
        });
        assert_eq!(within.unwrap(), 1);
        assert_eq!(synchronous(&store), 2);
        let failed = store.without_waiting(|db| Ok(db.execute("nonsense", [])?));
        assert!(failed.is_err());
        assert_eq!(synchronous(&store), 2);
    }
}
