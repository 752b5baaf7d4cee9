//! `setting`: single values.

use rusqlite::{OptionalExtension, params};

use crate::{Result, Store};

pub const V1: &str = "
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID";

/// Where the sends feed has been read up to.
pub const SENDS_CURSOR: &str = "sends_cursor";

pub const SET: &str =
    "INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2";

impl Store {
    /// A value, or `None` when it was never set.
    ///
    /// # Errors
    /// The store failed.
    pub fn setting(&self, name: &str) -> Result<Option<String>> {
        Ok(self
            .db
            .query_row("SELECT value FROM setting WHERE name = ?1", [name], |row| row.get(0))
            .optional()?)
    }

    /// Sets a value; `None` removes it.
    ///
    /// # Errors
    /// The store failed.
    pub fn set_setting(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        match value {
            Some(value) => self.db.execute(SET, params![name, value])?,
            None => self.db.execute("DELETE FROM setting WHERE name = ?1", [name])?,
        };
        Ok(())
    }

    /// Where the sends feed has been read up to; `None` before the first page.
    ///
    /// # Errors
    /// The store failed.
    pub fn sends_cursor(&self) -> Result<Option<String>> {
        self.setting(SENDS_CURSOR)
    }

    /// Has the whole feed read again: its cursor expired, or another backend was connected.
    ///
    /// # Errors
    /// The store failed.
    pub fn forget_sends_cursor(&mut self) -> Result<()> {
        self.set_setting(SENDS_CURSOR, None)
    }
}
