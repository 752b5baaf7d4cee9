//! `crm_record`: what was written into a CRM for an event of the outbox, where this laptop does that itself.

use rusqlite::{OptionalExtension, params};

use crate::{Result, Store};

pub const V1: &str = "
CREATE TABLE crm_record (
    event   TEXT PRIMARY KEY REFERENCES event (id),
    record  TEXT,                       -- JSON; NULL: nothing was begun
    refused INTEGER NOT NULL DEFAULT 0  -- how often the CRM did not take it
) STRICT, WITHOUT ROWID";

impl Store {
    /// What was written for an event, as JSON; `None` where nothing was begun.
    ///
    /// # Errors
    /// The store failed.
    pub fn crm_record(&self, event: &str) -> Result<Option<String>> {
        let record = self
            .db
            .query_row("SELECT record FROM crm_record WHERE event = ?1", [event], |row| row.get(0))
            .optional()?;
        Ok(record.flatten())
    }

    /// Keeps what was written, or is about to be. It is on the disk when this returns: a request follows from it that can't be taken
    /// back by making it again.
    ///
    /// # Errors
    /// The store failed, or there is no such event; nothing was changed.
    pub fn keep_crm_record(&mut self, event: &str, record: &str) -> Result<()> {
        self.db.execute(
            "INSERT INTO crm_record (event, record) VALUES (?1, ?2)
             ON CONFLICT (event) DO UPDATE SET record = ?2",
            params![event, record],
        )?;
        Ok(())
    }

    /// Counts that the CRM did not take an event; gives how often that was so.
    ///
    /// # Errors
    /// The store failed; nothing was counted.
    pub fn count_refusal(&mut self, event: &str) -> Result<u32> {
        Ok(self.db.query_row(
            "INSERT INTO crm_record (event, refused) VALUES (?1, 1)
             ON CONFLICT (event) DO UPDATE SET refused = refused + 1 RETURNING refused",
            [event],
            |row| row.get(0),
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewEvent, Outcome};

    fn store() -> Store {
        let store = Store::in_memory().unwrap();
        let event =
            NewEvent { id: "e1".into(), send_id: "s1".into(), event_type: "t".into(), json: "{}".into() };
        crate::table::event::insert(&store.db, None, &event, jiff::Timestamp::UNIX_EPOCH).unwrap();
        store
    }

    #[test]
    fn a_record_belongs_to_an_event_of_the_outbox() {
        let mut store = store();
        assert_eq!(store.crm_record("e1").unwrap(), None);
        store.keep_crm_record("e1", "{\"began\":1}").unwrap();
        assert_eq!(store.count_refusal("e1").unwrap(), 1);
        assert_eq!(store.crm_record("e1").unwrap().as_deref(), Some("{\"began\":1}"));
        assert!(store.keep_crm_record("no such", "{}").is_err());
    }

    #[test]
    fn an_event_that_is_sent_again_has_all_its_attempts_again() {
        let mut store = store();
        for refused in 1..4 {
            assert_eq!(store.count_refusal("e1").unwrap(), refused);
        }
        let outcome = Outcome::Rejected("nobody".into());
        store.settle(&[("e1".into(), outcome)], jiff::Timestamp::UNIX_EPOCH).unwrap();
        assert!(store.requeue("e1").unwrap());
        assert_eq!(store.count_refusal("e1").unwrap(), 1);
    }
}
