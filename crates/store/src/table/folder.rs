//! `folder`: how far each folder of a mailbox has been read.

use rusqlite::params;

use crate::{Result, Store};

pub const V1: &str = "
CREATE TABLE folder (
    account TEXT NOT NULL,
    name    TEXT NOT NULL,
    cursor  TEXT NOT NULL,              -- the mailbox's own notes; opaque here
    scanned INTEGER NOT NULL DEFAULT 0, -- whether its first scan is done
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID";

/// How far a folder has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderRow {
    /// Its name.
    pub name: String,
    /// The mailbox's own notes.
    pub cursor: String,
    /// Whether its first scan is done.
    pub scanned: bool,
}

impl Store {
    /// The folders of a mailbox that have been read.
    ///
    /// # Errors
    /// The store failed.
    pub fn folders(&self, account: &str) -> Result<Vec<FolderRow>> {
        let mut query = self
            .db
            .prepare_cached("SELECT name, cursor, scanned FROM folder WHERE account = ?1 ORDER BY name")?;
        let rows = query.query_map([account], |row| {
            Ok(FolderRow { name: row.get(0)?, cursor: row.get(1)?, scanned: row.get(2)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The first scan of a folder is done.
    ///
    /// # Errors
    /// The store failed.
    pub fn set_scanned(&mut self, account: &str, name: &str) -> Result<()> {
        self.without_waiting(|db| {
            db.execute(
                "UPDATE folder SET scanned = 1 WHERE account = ?1 AND name = ?2",
                params![account, name],
            )?;
            Ok(())
        })
    }
}
