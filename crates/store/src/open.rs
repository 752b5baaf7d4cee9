//! Opening the file: one writer, WAL, migrations, and a guard against files of newer versions.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use crate::{Error, Result, table};

/// Every migration in the order in which it was released. Never edit one that was released: add another.
static MIGRATIONS: LazyLock<Migrations<'static>> = LazyLock::new(|| {
    Migrations::new(vec![
        M::up(table::account::V1),
        M::up(table::folder::V1),
        M::up(table::send::V1),
        M::up(table::learned::V1),
        M::up(table::verdict::V1),
        M::up(table::event::V1),
        M::up(table::setting::V1),
        M::up(table::crm_record::V1),
    ])
});

/// How many migrations this version knows; `PRAGMA user_version` of a file that it wrote.
const SCHEMA: i64 = 8;

/// The agent's memory. One process, one writer.
#[derive(Debug)]
pub struct Store {
    pub(crate) db: Connection,
}

impl Store {
    /// Opens the file at `path`, or makes it, and brings it up to date.
    ///
    /// # Errors
    /// [`Error::Newer`] when a newer version wrote it (nothing is changed then), [`Error::Damaged`],
    /// [`Error::DiskFull`], [`Error::Unavailable`].
    pub fn open(path: &Path) -> Result<Self> {
        let db = Connection::open(path).map_err(Error::Unavailable)?;
        // WAL survives a crash of the process; FULL survives a power cut. What need not is in `durability`.
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        Self::prepare(db)
    }

    /// A store that is forgotten when it is dropped.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn in_memory() -> Result<Self> {
        Self::prepare(Connection::open_in_memory()?)
    }

    fn prepare(mut db: Connection) -> Result<Self> {
        db.busy_timeout(Duration::from_secs(5))?;
        // All that a batch of new mail and its delivery need, at once.
        db.set_prepared_statement_cache_capacity(32);
        db.pragma_update(None, "foreign_keys", true)?;
        db.pragma_update(None, "trusted_schema", false)?;
        let found: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found > SCHEMA {
            return Err(Error::Newer { found, known: SCHEMA });
        }
        MIGRATIONS.to_latest(&mut db).map_err(|error| match error {
            rusqlite_migration::Error::RusqliteError { err, .. } => Error::from(err),
            _ => Error::Damaged,
        })?;
        Ok(Self { db })
    }

    /// Reads every page and checks that the file is whole; takes seconds on a large one.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn check(&self) -> Result<()> {
        let answer: String = self.db.pragma_query_value(None, "quick_check", |row| row.get(0))?;
        if answer == "ok" { Ok(()) } else { Err(Error::Damaged) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_are_valid_and_counted() {
        MIGRATIONS.validate().unwrap();
        let store = Store::in_memory().unwrap();
        let version: i64 = store.db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(version, SCHEMA);
        store.check().unwrap();
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answerback.db");
        drop(Store::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", SCHEMA + 1).unwrap();
        assert!(
            matches!(Store::open(&path), Err(Error::Newer { found, known: SCHEMA }) if found == SCHEMA + 1)
        );
        let version: i64 = Connection::open(&path)
            .unwrap()
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!(version, SCHEMA + 1);
    }

    #[test]
    fn a_file_that_is_no_database_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answerback.db");
        std::fs::write(&path, [b'x'; 8192]).unwrap();
        assert!(matches!(Store::open(&path), Err(Error::Damaged)));
    }

    #[test]
    fn a_folder_that_is_not_there_is_unavailable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("answerback.db");
        assert!(matches!(Store::open(&path), Err(Error::Unavailable(_))));
    }
}
