//! What can go wrong with the store, told apart as far as somebody must act differently.

/// A store error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk is full, or a quota is reached. Nothing was lost: the transaction did not happen.
    #[error("the disk is full")]
    DiskFull,
    /// The file was written by a newer version of Answerback.
    #[error("the store was written by a newer version (schema {found}, this version knows {known})")]
    Newer {
        /// The schema number in the file.
        found: i64,
        /// The newest that this version knows.
        known: i64,
    },
    /// The file is no SQLite database, or is damaged.
    #[error("the store is damaged")]
    Damaged,
    /// The folder or file can't be written or opened.
    #[error("the store can't be opened")]
    Unavailable(#[source] rusqlite::Error),
    /// Anything else that SQLite reports.
    #[error("the store failed")]
    Sqlite(#[source] rusqlite::Error),
    /// A row that this version can't read.
    #[error("a row of {table} can't be read")]
    Row {
        /// The table.
        table: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged,
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
                Self::Unavailable(error)
            }
            _ => Self::Sqlite(error),
        }
    }
}
