//! `event`: the outbox, and what became of each event.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::time::{from_ms, to_ms};
use crate::{Result, Store};

pub const V1: &str = "
CREATE TABLE event (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of delivery
    id         TEXT NOT NULL UNIQUE,              -- deterministic: the same reply gives the same event
    verdict    INTEGER REFERENCES verdict (id),
    send_id    TEXT NOT NULL,
    type       TEXT NOT NULL,
    json       TEXT NOT NULL,                     -- exactly what is sent
    created_at INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,        -- counted before each attempt, so that a poison event is noticed
    state      INTEGER NOT NULL DEFAULT 0,        -- 0 waiting, 1 rejected, 2 delivered
    reason     TEXT,
    settled_at INTEGER
) STRICT;
CREATE INDEX event_waiting ON event (seq) WHERE state = 0;
CREATE INDEX event_by_verdict ON event (verdict)";

/// How an event stands, least advanced first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventState {
    /// To be sent.
    Waiting,
    /// The backend refused it for good.
    Rejected,
    /// The backend has it.
    Delivered,
}

impl EventState {
    pub(crate) fn from_column(column: i64) -> Self {
        match column {
            1 => Self::Rejected,
            2 => Self::Delivered,
            _ => Self::Waiting,
        }
    }

    fn column(self) -> i64 {
        match self {
            Self::Waiting => 0,
            Self::Rejected => 1,
            Self::Delivered => 2,
        }
    }
}

/// An event to be put into the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Its deterministic id.
    pub id: String,
    /// The send that it is about.
    pub send_id: String,
    /// Its CloudEvents type.
    pub event_type: String,
    /// Exactly what is sent.
    pub json: String,
}

/// An event of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Its place in the order of delivery.
    pub seq: i64,
    /// Its deterministic id.
    pub id: String,
    /// The send that it is about.
    pub send_id: String,
    /// Its CloudEvents type.
    pub event_type: String,
    /// Exactly what is sent.
    pub json: String,
    /// When it was decided.
    pub created_at: Timestamp,
    /// How often it was sent.
    pub attempts: u32,
    /// How it stands.
    pub state: EventState,
    /// Why it was refused.
    pub reason: Option<String>,
}

/// What the backend said of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has it, now or from before.
    Delivered,
    /// It refuses it for good.
    Rejected(String),
}

const COLUMNS: &str = "seq, id, send_id, type, json, created_at, attempts, state, reason";

fn read(row: &Row<'_>) -> rusqlite::Result<EventRow> {
    Ok(EventRow {
        seq: row.get(0)?,
        id: row.get(1)?,
        send_id: row.get(2)?,
        event_type: row.get(3)?,
        json: row.get(4)?,
        created_at: from_ms(row.get(5)?),
        attempts: row.get(6)?,
        state: EventState::from_column(row.get(7)?),
        reason: row.get(8)?,
    })
}

/// Inside a transaction. An event that is there already stays as it is.
pub fn insert(db: &Connection, verdict: Option<i64>, event: &NewEvent, now: Timestamp) -> Result<()> {
    db.prepare_cached(
        "INSERT OR IGNORE INTO event (id, verdict, send_id, type, json, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![event.id, verdict, event.send_id, event.event_type, event.json, to_ms(now)])?;
    Ok(())
}

impl Store {
    /// The oldest events to be sent, in order.
    ///
    /// # Errors
    /// The store failed.
    pub fn waiting_events(&self, limit: u32) -> Result<Vec<EventRow>> {
        self.events(
            &format!("SELECT {COLUMNS} FROM event WHERE state = 0 ORDER BY seq LIMIT ?1"),
            limit.into(),
        )
    }

    /// The newest events, newest first.
    ///
    /// # Errors
    /// The store failed.
    pub fn newest_events(&self, limit: u32) -> Result<Vec<EventRow>> {
        self.events(&format!("SELECT {COLUMNS} FROM event ORDER BY seq DESC LIMIT ?1"), limit.into())
    }

    /// The events of a verdict, in order.
    ///
    /// # Errors
    /// The store failed.
    pub fn events_of(&self, verdict: i64) -> Result<Vec<EventRow>> {
        self.events(&format!("SELECT {COLUMNS} FROM event WHERE verdict = ?1 ORDER BY seq"), verdict)
    }

    fn events(&self, sql: &str, value: i64) -> Result<Vec<EventRow>> {
        let mut query = self.db.prepare_cached(sql)?;
        let rows = query.query_map([value], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How many events wait, were refused, and were delivered.
    ///
    /// # Errors
    /// The store failed.
    pub fn event_counts(&self) -> Result<(u64, u64, u64)> {
        let count = |state: EventState| -> Result<u64> {
            let n: i64 = self
                .db
                .prepare_cached("SELECT count(*) FROM event WHERE state = ?1")?
                .query_row([state.column()], |row| row.get(0))?;
            Ok(n.unsigned_abs())
        };
        Ok((count(EventState::Waiting)?, count(EventState::Rejected)?, count(EventState::Delivered)?))
    }

    /// Counts an attempt for these events, before it is made.
    ///
    /// # Errors
    /// The store failed; nothing was counted.
    pub fn count_attempt(&mut self, ids: &[String]) -> Result<()> {
        self.without_waiting(|db| {
            let tx = db.transaction()?;
            for id in ids {
                tx.prepare_cached("UPDATE event SET attempts = attempts + 1 WHERE id = ?1")?.execute([id])?;
            }
            Ok(tx.commit()?)
        })
    }

    /// Sends an event that was refused once more, in its old place. False where there is no such event.
    ///
    /// # Errors
    /// The store failed; nothing was changed.
    pub fn requeue(&mut self, id: &str) -> Result<bool> {
        let tx = self.db.transaction()?;
        let changed = tx.execute(
            "UPDATE event SET state = 0, reason = NULL, settled_at = NULL WHERE id = ?1 AND state = 1",
            [id],
        )?;
        tx.execute("UPDATE crm_record SET refused = 0 WHERE event = ?1", [id])?;
        tx.commit()?;
        Ok(changed > 0)
    }

    /// Keeps what the backend said. An event that is settled already stays as it is.
    ///
    /// # Errors
    /// The store failed; nothing was changed, and the events will be sent again, which is harmless.
    pub fn settle(&mut self, outcomes: &[(String, Outcome)], now: Timestamp) -> Result<()> {
        self.without_waiting(|db| {
            let tx = db.transaction()?;
            for (id, outcome) in outcomes {
                let (state, reason) = match outcome {
                    Outcome::Delivered => (EventState::Delivered, None),
                    Outcome::Rejected(reason) => (EventState::Rejected, Some(reason)),
                };
                tx.prepare_cached(
                    "UPDATE event SET state = ?2, reason = ?3, settled_at = ?4 WHERE id = ?1 AND state = 0",
                )?
                .execute(params![id, state.column(), reason, to_ms(now)])?;
            }
            Ok(tx.commit()?)
        })
    }
}
