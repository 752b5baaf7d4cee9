//! `send`: the tracked sends, as the backend described them.

use answerback_reply::TrackedSend;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use crate::table::account;
use crate::time::{from_ms, to_ms};
use crate::{Error, Result, Store};

pub const V1: &str = "
CREATE TABLE send (
    id          TEXT PRIMARY KEY,
    sent_at     INTEGER NOT NULL,
    track_until INTEGER,
    json        TEXT NOT NULL           -- the send as it came from the backend
) STRICT";

impl Store {
    /// Applies a page of the feed, moves the feed's cursor and asks for `rescans` (account, since), in one transaction.
    ///
    /// # Errors
    /// The store failed; nothing was changed.
    pub fn apply_sends(
        &mut self,
        changed: &[TrackedSend],
        removed: &[String],
        next_cursor: &str,
        rescans: &[(String, Timestamp)],
    ) -> Result<()> {
        let tx = self.db.transaction()?;
        for send in changed {
            let json = serde_json::to_string(send).map_err(|source| Error::Row { table: "send", source })?;
            tx.prepare_cached(
                "INSERT INTO send (id, sent_at, track_until, json) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (id) DO UPDATE SET sent_at = ?2, track_until = ?3, json = ?4",
            )?
            .execute(params![
                send.id,
                to_ms(send.sent_at),
                send.track_until.map(to_ms),
                json
            ])?;
        }
        for id in removed {
            tx.execute("DELETE FROM learned WHERE send_id = ?1", [id])?;
            tx.execute("DELETE FROM send WHERE id = ?1", [id])?;
        }
        account::ask_rescans(&tx, rescans)?;
        tx.execute(crate::table::setting::SET, params![crate::table::setting::SENDS_CURSOR, next_cursor])?;
        tx.commit()?;
        Ok(())
    }

    /// Removes the sends whose id is not among `kept`: the end of a full resync after the feed's cursor expired.
    /// Returns the ids that went.
    ///
    /// # Errors
    /// The store failed; nothing was changed.
    pub fn retain_sends(&mut self, kept: &std::collections::HashSet<String>) -> Result<Vec<String>> {
        let tx = self.db.transaction()?;
        let gone: Vec<String> = {
            let mut query = tx.prepare("SELECT id FROM send")?;
            let ids =
                query.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
            ids.into_iter().filter(|id| !kept.contains(id)).collect()
        };
        for id in &gone {
            tx.execute("DELETE FROM learned WHERE send_id = ?1", [id])?;
            tx.execute("DELETE FROM send WHERE id = ?1", [id])?;
        }
        tx.commit()?;
        Ok(gone)
    }

    /// One send.
    ///
    /// # Errors
    /// The store failed.
    pub fn send(&self, id: &str) -> Result<Option<TrackedSend>> {
        let mut query = self.db.prepare_cached("SELECT json FROM send WHERE id = ?1")?;
        let json: Option<String> = query.query_row([id], |row| row.get(0)).optional()?;
        json.map(|json| serde_json::from_str(&json).map_err(|source| Error::Row { table: "send", source }))
            .transpose()
    }

    /// Hands every send to `each`, oldest first; a row that can't be read is skipped, its id is returned.
    ///
    /// # Errors
    /// The store failed.
    pub fn each_send(&self, mut each: impl FnMut(TrackedSend)) -> Result<Vec<String>> {
        let mut unreadable = Vec::new();
        let mut query = self.db.prepare("SELECT id, json FROM send ORDER BY sent_at")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            match serde_json::from_str(&row.get::<_, String>(1)?) {
                Ok(send) => each(send),
                Err(_) => unreadable.push(row.get(0)?),
            }
        }
        Ok(unreadable)
    }

    /// When the oldest send went out whose answers still matter at `now`.
    ///
    /// # Errors
    /// The store failed.
    pub fn oldest_open_send(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let ms: Option<i64> = self.db.query_row(
            "SELECT min(sent_at) FROM send WHERE track_until IS NULL OR track_until > ?1",
            [to_ms(now)],
            |row| row.get(0),
        )?;
        Ok(ms.map(from_ms))
    }

    /// How many sends are known.
    ///
    /// # Errors
    /// The store failed.
    pub fn send_count(&self) -> Result<u64> {
        let count: i64 = self.db.query_row("SELECT count(*) FROM send", [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(id: &str, sent_at: &str) -> TrackedSend {
        serde_json::from_value(serde_json::json!({"id": id, "message_ids": [format!("<{id}@sales.example>")], "sent_at": sent_at}))
            .unwrap()
    }

    #[test]
    fn a_page_is_applied_with_its_cursor() {
        let mut store = Store::in_memory().unwrap();
        store
            .apply_sends(
                &[send("s1", "2026-11-18T08:00:00Z"), send("s2", "2026-11-19T08:00:00Z")],
                &[],
                "c1",
                &[],
            )
            .unwrap();
        store.apply_sends(&[send("s1", "2026-11-17T08:00:00Z")], &["s2".into()], "c2", &[]).unwrap();
        assert_eq!(store.send_count().unwrap(), 1);
        assert_eq!(store.send("s1").unwrap().unwrap().sent_at.to_string(), "2026-11-17T08:00:00Z");
        assert_eq!(store.sends_cursor().unwrap().as_deref(), Some("c2"));
    }

    #[test]
    fn only_sends_whose_answers_still_matter_are_open() {
        let mut store = Store::in_memory().unwrap();
        let mut old = send("old", "2026-01-01T00:00:00Z");
        old.track_until = Some("2026-02-01T00:00:00Z".parse().unwrap());
        store.apply_sends(&[old, send("new", "2026-11-01T00:00:00Z")], &[], "c", &[]).unwrap();
        let oldest = store.oldest_open_send("2026-11-20T00:00:00Z".parse().unwrap()).unwrap().unwrap();
        assert_eq!(oldest.to_string(), "2026-11-01T00:00:00Z");
    }

    #[test]
    fn a_full_resync_removes_what_the_backend_no_longer_knows() {
        let mut store = Store::in_memory().unwrap();
        store
            .apply_sends(
                &[send("s1", "2026-11-18T08:00:00Z"), send("s2", "2026-11-19T08:00:00Z")],
                &[],
                "c",
                &[],
            )
            .unwrap();
        assert_eq!(store.retain_sends(&["s2".to_owned()].into()).unwrap(), vec!["s1".to_owned()]);
        assert!(store.send("s1").unwrap().is_none());
    }
}
