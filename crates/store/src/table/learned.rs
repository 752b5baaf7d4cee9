//! `learned`: what the mailbox taught about a send: further ids, provider threads, attributed answers.

use rusqlite::params;

use crate::{Result, Store};

pub const V1: &str = "
CREATE TABLE learned (
    send_id TEXT NOT NULL,
    kind    TEXT NOT NULL,              -- id, thread, chain, text
    value   TEXT NOT NULL,
    PRIMARY KEY (send_id, kind, value)
) STRICT, WITHOUT ROWID";

/// Something that the mailbox taught about a send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Learned {
    /// Another Message-ID of the send's own copy.
    Id(String),
    /// A provider thread id of the send's own copy, as `scheme:value`.
    Thread(String),
    /// The Message-ID of a message that was attributed to it.
    Chain(String),
    /// Hashes by which its text is recognised when an answer quotes it, as JSON. No text can be got back from them.
    Text(String),
}

impl Learned {
    fn columns(&self) -> (&'static str, &str) {
        match self {
            Self::Id(value) => ("id", value),
            Self::Thread(value) => ("thread", value),
            Self::Chain(value) => ("chain", value),
            Self::Text(value) => ("text", value),
        }
    }

    fn from_columns(kind: &str, value: String) -> Option<Self> {
        match kind {
            "id" => Some(Self::Id(value)),
            "thread" => Some(Self::Thread(value)),
            "chain" => Some(Self::Chain(value)),
            "text" => Some(Self::Text(value)),
            _ => None,
        }
    }
}

impl Store {
    /// Hands everything learned to `each` as (send id, what).
    ///
    /// # Errors
    /// The store failed.
    pub fn each_learned(&self, mut each: impl FnMut(&str, Learned)) -> Result<()> {
        let mut query = self.db.prepare("SELECT send_id, kind, value FROM learned")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let (send_id, kind): (String, String) = (row.get(0)?, row.get(1)?);
            if let Some(learned) = Learned::from_columns(&kind, row.get(2)?) {
                each(&send_id, learned);
            }
        }
        Ok(())
    }
}

impl Store {
    /// Whether the send's own text is known already.
    ///
    /// # Errors
    /// The store failed.
    pub fn knows_text(&self, send_id: &str) -> Result<bool> {
        let mut query =
            self.db.prepare_cached("SELECT 1 FROM learned WHERE send_id = ?1 AND kind = 'text'")?;
        Ok(query.exists([send_id])?)
    }
}

/// Inside a transaction. Whether it was new.
pub fn insert(db: &rusqlite::Connection, send_id: &str, learned: &Learned) -> Result<bool> {
    let (kind, value) = learned.columns();
    let inserted = db
        .prepare_cached("INSERT OR IGNORE INTO learned (send_id, kind, value) VALUES (?1, ?2, ?3)")?
        .execute(params![send_id, kind, value])?;
    Ok(inserted > 0)
}

/// Inside a transaction.
pub fn delete(db: &rusqlite::Connection, send_id: &str, learned: &Learned) -> Result<()> {
    let (kind, value) = learned.columns();
    db.prepare_cached("DELETE FROM learned WHERE send_id = ?1 AND kind = ?2 AND value = ?3")?
        .execute(params![send_id, kind, value])?;
    Ok(())
}
