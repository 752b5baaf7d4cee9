//! `verdict`: the messages that were attributed to a send, and what the rep said of them.

use answerback_reply::{Action, Verdict};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params, params_from_iter, types::Value};

use crate::time::from_ms;
use crate::{Error, EventState, Result, Store};

pub const V1: &str = "
CREATE TABLE verdict (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    message_key TEXT NOT NULL UNIQUE,   -- the same in every folder, account and scan: a message is judged once
    account     TEXT NOT NULL,
    folder      TEXT NOT NULL,
    message_ref TEXT NOT NULL,          -- where the message is, in the mailbox's own terms, to show its text on demand
    kind        TEXT NOT NULL,
    send_id     TEXT NOT NULL,
    from_name   TEXT,
    subject     TEXT,
    received_at INTEGER,
    decided_at  INTEGER NOT NULL,
    review      TEXT NOT NULL,          -- none, question, retracted, dismissed, confirmed
    search      TEXT NOT NULL,          -- what the list's search looks in, in lower case
    facts       TEXT NOT NULL,          -- what later events need of the message: ids and addresses
    json        TEXT NOT NULL           -- the verdict, without any mail text
) STRICT;
CREATE INDEX verdict_by_time ON verdict (coalesce(received_at, decided_at) DESC, id DESC);
CREATE INDEX verdict_by_review ON verdict (review)";

/// What the rep said of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Review {
    /// Nothing; it stands.
    None,
    /// Nothing yet, and it waits for an answer: no event was sent.
    Question,
    /// "That is no answer": its events were taken back.
    Retracted,
    /// The question was answered with no.
    Dismissed,
    /// The question was answered with yes.
    Confirmed,
}

impl Review {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Question => "question",
            Self::Retracted => "retracted",
            Self::Dismissed => "dismissed",
            Self::Confirmed => "confirmed",
        }
    }

    fn from_name(name: &str) -> Self {
        match name {
            "question" => Self::Question,
            "retracted" => Self::Retracted,
            "dismissed" => Self::Dismissed,
            "confirmed" => Self::Confirmed,
            _ => Self::None,
        }
    }

    /// What a new verdict starts with.
    pub fn of(verdict: &Verdict) -> Self {
        if verdict.actions.contains(&Action::Ask) { Self::Question } else { Self::None }
    }
}

/// A verdict that was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct VerdictRow {
    /// Its number.
    pub id: i64,
    /// The mailbox that it was found in.
    pub account: String,
    /// The folder that it was found in.
    pub folder: String,
    /// Where the message is, in the mailbox's own terms.
    pub message_ref: String,
    /// What tells the message from every other.
    pub message_key: String,
    /// The author's display name.
    pub from_name: Option<String>,
    /// The subject.
    pub subject: Option<String>,
    /// When the server received it.
    pub received_at: Option<Timestamp>,
    /// When it was judged.
    pub decided_at: Timestamp,
    /// What the rep said of it.
    pub review: Review,
    /// What later events need of the message, as JSON.
    pub facts: String,
    /// The verdict.
    pub verdict: Verdict,
    /// How its events stand: the least advanced of them.
    pub delivery: Option<EventState>,
}

/// Which verdicts to list.
#[derive(Clone, Debug, Default)]
pub struct VerdictFilter {
    /// Every word must occur in author, address, subject, prospect or campaign.
    pub search: String,
    /// Kinds to list; empty means all.
    pub kinds: Vec<String>,
    /// Only those that wait for an answer.
    pub questions_only: bool,
    /// How many to skip.
    pub offset: u32,
    /// How many to give.
    pub limit: u32,
}

const COLUMNS: &str =
    "v.id, v.account, v.folder, v.message_ref, v.message_key, v.from_name, v.subject, v.received_at,
    v.decided_at, v.review, v.facts, v.json, (SELECT min(e.state) FROM event e WHERE e.verdict = v.id)";

fn read(row: &Row<'_>) -> Result<VerdictRow> {
    let json: String = row.get(11)?;
    Ok(VerdictRow {
        id: row.get(0)?,
        account: row.get(1)?,
        folder: row.get(2)?,
        message_ref: row.get(3)?,
        message_key: row.get(4)?,
        from_name: row.get(5)?,
        subject: row.get(6)?,
        received_at: row.get::<_, Option<i64>>(7)?.map(from_ms),
        decided_at: from_ms(row.get(8)?),
        review: Review::from_name(&row.get::<_, String>(9)?),
        facts: row.get(10)?,
        verdict: serde_json::from_str(&json).map_err(|source| Error::Row { table: "verdict", source })?,
        delivery: row.get::<_, Option<i64>>(12)?.map(EventState::from_column),
    })
}

impl Store {
    /// Whether this message was judged and attributed before, in whatever folder.
    ///
    /// # Errors
    /// The store failed.
    pub fn is_judged(&self, message_key: &str) -> Result<bool> {
        Ok(self
            .db
            .prepare_cached("SELECT 1 FROM verdict WHERE message_key = ?1")?
            .query_row([message_key], |_| Ok(()))
            .optional()?
            .is_some())
    }

    /// One verdict.
    ///
    /// # Errors
    /// The store failed, or the row can't be read.
    pub fn verdict(&self, id: i64) -> Result<Option<VerdictRow>> {
        let mut query =
            self.db.prepare_cached(&format!("SELECT {COLUMNS} FROM verdict v WHERE v.id = ?1"))?;
        let mut rows = query.query([id])?;
        rows.next()?.map(read).transpose()
    }

    /// A part of the list, newest first, and how many there are in all.
    ///
    /// # Errors
    /// The store failed, or a row can't be read.
    pub fn verdicts(&self, filter: &VerdictFilter) -> Result<(u64, Vec<VerdictRow>)> {
        let (condition, mut values) = filter.condition();
        let total: i64 = self.db.query_row(
            &format!("SELECT count(*) FROM verdict v WHERE {condition}"),
            params_from_iter(&values),
            |row| row.get(0),
        )?;
        values.push(Value::from(i64::from(filter.limit)));
        values.push(Value::from(i64::from(filter.offset)));
        let mut query = self.db.prepare(&format!(
            "SELECT {COLUMNS} FROM verdict v WHERE {condition}
             ORDER BY coalesce(v.received_at, v.decided_at) DESC, v.id DESC LIMIT ? OFFSET ?"
        ))?;
        let mut rows = query.query(params_from_iter(&values))?;
        let mut page = Vec::new();
        while let Some(row) = rows.next()? {
            page.push(read(row)?);
        }
        Ok((total.unsigned_abs(), page))
    }

    /// Kind, review and number of the verdicts on messages received since `since`.
    ///
    /// # Errors
    /// The store failed.
    pub fn counts_since(&self, since: Timestamp) -> Result<Vec<(String, Review, u64)>> {
        let mut query = self.db.prepare_cached(
            "SELECT kind, review, count(*) FROM verdict WHERE coalesce(received_at, decided_at) >= ?1 GROUP BY kind, review",
        )?;
        let rows = query.query_map([crate::time::to_ms(since)], |row| {
            Ok((
                row.get(0)?,
                Review::from_name(&row.get::<_, String>(1)?),
                row.get::<_, i64>(2)?.unsigned_abs(),
            ))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How many sends' campaigns were stopped by messages received since `since`, retracted verdicts left out. Two answers
    /// to one send stop one campaign.
    ///
    /// # Errors
    /// The store failed.
    pub fn stops_since(&self, since: Timestamp) -> Result<u64> {
        let count: i64 = self.db.query_row(
            "SELECT count(DISTINCT e.send_id) FROM verdict v JOIN event e ON e.verdict = v.id
             WHERE coalesce(v.received_at, v.decided_at) >= ?1 AND v.review <> 'retracted' AND e.type = 'answerback.stop.v1'",
            params![crate::time::to_ms(since)],
            |row| row.get(0),
        )?;
        Ok(count.unsigned_abs())
    }
}

impl Store {
    /// The verdicts that stand or wait for an answer, on messages received since `since`, in no order.
    ///
    /// # Errors
    /// The store failed, or a row can't be read.
    pub fn verdicts_since(&self, since: Timestamp) -> Result<Vec<Verdict>> {
        let mut query = self.db.prepare_cached(
            "SELECT json FROM verdict
             WHERE coalesce(received_at, decided_at) >= ?1 AND review IN ('none', 'confirmed', 'question')",
        )?;
        let mut rows = query.query([crate::time::to_ms(since)])?;
        let mut verdicts = Vec::new();
        while let Some(row) = rows.next()? {
            let json: String = row.get(0)?;
            verdicts
                .push(serde_json::from_str(&json).map_err(|source| Error::Row { table: "verdict", source })?);
        }
        Ok(verdicts)
    }
}

/// A verdict that stands, as far as it counts as an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When the message was received.
    pub at: Timestamp,
    /// Its kind's name.
    pub kind: String,
    /// The send that it answers.
    pub send_id: String,
    /// When that went out, while it is known.
    pub sent_at: Option<Timestamp>,
}

impl Store {
    /// The verdicts that stand on messages received since `since`, in no order.
    ///
    /// # Errors
    /// The store failed, or a send can't be read.
    pub fn answers_since(&self, since: Timestamp) -> Result<Vec<Answer>> {
        let mut query = self.db.prepare_cached(
            "SELECT coalesce(received_at, decided_at), kind, send_id FROM verdict
             WHERE coalesce(received_at, decided_at) >= ?1 AND review IN ('none', 'confirmed')",
        )?;
        let rows = query.query_map([crate::time::to_ms(since)], |row| {
            Ok(Answer { at: from_ms(row.get(0)?), kind: row.get(1)?, send_id: row.get(2)?, sent_at: None })
        })?;
        let mut answers = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        for answer in &mut answers {
            answer.sent_at = self.send(&answer.send_id)?.map(|send| send.sent_at);
        }
        Ok(answers)
    }
}

impl VerdictFilter {
    fn condition(&self) -> (String, Vec<Value>) {
        let mut parts = vec!["TRUE".to_owned()];
        let mut values = Vec::new();
        for word in self.search.split_whitespace() {
            parts.push("instr(v.search, ?) > 0".into());
            values.push(Value::from(word.to_lowercase()));
        }
        if !self.kinds.is_empty() {
            parts.push(format!("v.kind IN ({})", vec!["?"; self.kinds.len()].join(", ")));
            values.extend(self.kinds.iter().cloned().map(Value::from));
        }
        if self.questions_only {
            parts.push("v.review = 'question'".into());
        }
        (parts.join(" AND "), values)
    }
}
