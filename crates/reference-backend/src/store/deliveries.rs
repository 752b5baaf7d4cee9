//! Events on their way to endpoints. A copy of the server that delivers some has leased them, so that no other does at the same
//! time; one that is killed loses its lease with time.

use std::time::Duration;

use answerback_backend::retry::next_attempt;
use jiff::Timestamp;
use serde::Serialize;
use sqlx::{Any, Row, Transaction};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Store, StoreError, micros, time};
use crate::webhook::schedule::{Outcome, hold};

/// Longer than any request takes.
pub const LEASE: Duration = Duration::from_secs(30);

/// Whose deliveries are due.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DueWebhook {
    /// The organisation.
    pub org: String,
    /// The endpoint.
    pub webhook: String,
}

/// A leased delivery.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The event's number.
    pub seq: i64,
    /// The event's id.
    pub event_id: String,
    /// The event; `None` where it was erased meanwhile.
    pub body: Option<String>,
    /// How often it was tried, this time included.
    pub attempts: i64,
    lease: String,
}

/// How an attempt went, in words as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// How.
    pub outcome: Outcome,
    /// What was wrong, for an administrator.
    pub problem: Option<String>,
}

/// A delivery that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeadLetter {
    /// The event's id.
    pub event_id: String,
    /// The event's type.
    #[serde(rename = "type")]
    #[schema(rename = "type")]
    pub event_type: String,
    /// The send that it is about.
    pub send_id: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was tried last.
    #[schema(value_type = String, format = DateTime)]
    pub tried_at: Timestamp,
    /// What was wrong then.
    pub problem: Option<String>,
}

impl Store {
    /// Which endpoints have deliveries that may be made now.
    pub async fn due_webhooks(&self, now: Timestamp) -> Result<Vec<DueWebhook>, StoreError> {
        let rows = sqlx::query(
            "SELECT w.org, w.id FROM webhooks w WHERE w.hold_until <= $1 AND w.disabled_at IS NULL AND EXISTS (
                 SELECT 1 FROM deliveries d WHERE d.org = w.org AND d.webhook = w.id
                   AND d.state = 'pending' AND d.next_at <= $1 AND d.leased_until <= $1)",
        )
        .bind(micros(now))
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| Ok(DueWebhook { org: row.try_get("org")?, webhook: row.try_get("id")? }))
            .collect()
    }

    /// Leases the oldest deliveries of an endpoint, one of each send: the next of a send comes when that one is done. Each is
    /// counted as attempted, before it is.
    pub async fn lease_deliveries(
        &self,
        of: &DueWebhook,
        failures: i64,
        most: i64,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, StoreError> {
        let lease = Uuid::new_v4().to_string();
        let until = micros(later(now, LEASE));
        let mut write = self.write().await?;
        // An endpoint that was down is tried by one copy with one delivery. The others see this hold.
        let mut most = most;
        if failures > 0 {
            let probe = sqlx::query(
                "UPDATE webhooks SET hold_until = $3 WHERE org = $1 AND id = $2 AND hold_until <= $4 AND failures > 0",
            )
            .bind(&of.org)
            .bind(&of.webhook)
            .bind(until)
            .bind(micros(now))
            .execute(&mut *write.tx)
            .await?;
            if probe.rows_affected() == 0 {
                return Ok(Vec::new());
            }
            most = 1;
        }
        // The lease is asked for once more outside: where another copy was faster, PostgreSQL looks at the row again.
        let rows = sqlx::query(
            "UPDATE deliveries SET lease = $3, leased_until = $4, attempts = attempts + 1, tried_at = $5
             WHERE org = $1 AND webhook = $2 AND state = 'pending' AND leased_until <= $5 AND seq IN (
                 SELECT d.seq FROM deliveries d
                 WHERE d.org = $1 AND d.webhook = $2 AND d.state = 'pending' AND d.next_at <= $5 AND d.leased_until <= $5
                   AND NOT EXISTS (SELECT 1 FROM deliveries b WHERE b.org = $1 AND b.webhook = $2
                       AND b.send_id = d.send_id AND b.seq < d.seq AND b.state = 'pending')
                 ORDER BY d.next_at, d.seq LIMIT $6)
             RETURNING seq, event_id, attempts",
        )
        .bind(&of.org)
        .bind(&of.webhook)
        .bind(&lease)
        .bind(until)
        .bind(micros(now))
        .bind(most)
        .fetch_all(&mut *write.tx)
        .await?;
        // What is due waits for an earlier one of its send: the endpoint has not been tried, so the hold is undone as well.
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut leased = Vec::with_capacity(rows.len());
        for row in rows {
            let event_id: String = row.try_get("event_id")?;
            let event = sqlx::query("SELECT body FROM events WHERE org = $1 AND id = $2")
                .bind(&of.org)
                .bind(&event_id)
                .fetch_optional(&mut *write.tx)
                .await?;
            let body = event.map(|row| row.try_get("body")).transpose()?.flatten();
            let (seq, attempts) = (row.try_get("seq")?, row.try_get("attempts")?);
            leased.push(Delivery { seq, event_id, body, attempts, lease: lease.clone() });
        }
        write.commit().await?;
        leased.sort_by_key(|delivery| delivery.seq);
        Ok(leased)
    }

    /// Writes down how an attempt went. `failures` is what was known of the endpoint before. Does nothing where the lease was lost.
    pub async fn settle_delivery(
        &self,
        of: &DueWebhook,
        delivery: &Delivery,
        attempt: &Attempt,
        failures: i64,
        jitter: f64,
    ) -> Result<(), StoreError> {
        let now = Timestamp::now();
        let mut write = self.write().await?;
        let tx = &mut write.tx;
        match attempt.outcome {
            Outcome::Delivered => {
                if finish(tx, of, delivery).await? && failures > 0 {
                    recover(tx, of, now).await?;
                }
            }
            Outcome::Refused => fail(tx, of, delivery, attempt, now, jitter).await?,
            Outcome::Down { retry_after } => {
                fail(tx, of, delivery, attempt, now, jitter).await?;
                // Requests that were under way together count once.
                sqlx::query(
                    "UPDATE webhooks SET failures = failures + 1, hold_until = $4 WHERE org = $1 AND id = $2 AND failures = $3",
                )
                .bind(&of.org)
                .bind(&of.webhook)
                .bind(failures)
                .bind(micros(later(now, hold(failures + 1, retry_after))))
                .execute(&mut **tx)
                .await?;
            }
            Outcome::Gone => {
                fail(tx, of, delivery, attempt, now, jitter).await?;
                sqlx::query(
                    "UPDATE webhooks SET disabled_at = $3, disabled_because = $4 WHERE org = $1 AND id = $2",
                )
                .bind(&of.org)
                .bind(&of.webhook)
                .bind(micros(now))
                .bind("The endpoint answered that it is gone (410).")
                .execute(&mut **tx)
                .await?;
            }
        }
        write.commit().await
    }

    /// An endpoint's deliveries that were given up, the oldest first, after a number; gives the last number as well.
    pub async fn dead_letters(
        &self,
        org: &str,
        webhook: &str,
        after: i64,
        limit: i64,
    ) -> Result<(Vec<DeadLetter>, Option<i64>), StoreError> {
        let rows = sqlx::query(
            "SELECT d.seq, d.event_id, d.send_id, d.attempts, d.tried_at, d.problem, e.type FROM deliveries d
             JOIN events e ON e.org = d.org AND e.id = d.event_id
             WHERE d.org = $1 AND d.webhook = $2 AND d.state = 'dead' AND d.seq > $3 ORDER BY d.seq LIMIT $4",
        )
        .bind(org)
        .bind(webhook)
        .bind(after)
        .bind(limit)
        .fetch_all(self.pool())
        .await?;
        let last = rows.last().map(|row| row.try_get("seq")).transpose()?;
        let letters = rows.iter().map(|row| {
            Ok(DeadLetter {
                event_id: row.try_get("event_id")?,
                event_type: row.try_get("type")?,
                send_id: row.try_get("send_id")?,
                attempts: row.try_get("attempts")?,
                tried_at: time(row.try_get::<Option<i64>, _>("tried_at")?.unwrap_or_default())?,
                problem: row.try_get("problem")?,
            })
        });
        Ok((letters.collect::<Result<_, StoreError>>()?, last))
    }

    /// Has deliveries that were given up made again: that of one event, or all. Tells how many.
    pub async fn redeliver(
        &self,
        org: &str,
        webhook: &str,
        event_id: Option<&str>,
    ) -> Result<u64, StoreError> {
        let mut write = self.write().await?;
        let done = sqlx::query(
            "UPDATE deliveries SET state = 'pending', attempts = 0, next_at = $3
             WHERE org = $1 AND webhook = $2 AND state = 'dead' AND ($4 IS NULL OR event_id = $4)",
        )
        .bind(org)
        .bind(webhook)
        .bind(micros(Timestamp::now()))
        .bind(event_id)
        .execute(&mut *write.tx)
        .await?;
        write.commit().await?;
        Ok(done.rows_affected())
    }

    /// How many deliveries wait and how many were given up, of all organisations.
    pub async fn delivery_counts(&self) -> Result<(i64, i64), StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(CASE WHEN state = 'pending' THEN 1 END) AS pending, COUNT(CASE WHEN state = 'dead' THEN 1 END) AS dead
             FROM deliveries",
        )
        .fetch_one(self.pool())
        .await?;
        Ok((row.try_get("pending")?, row.try_get("dead")?))
    }
}

/// Puts a new event on its way to every endpoint of its organisation, in the transaction that keeps it.
pub(super) async fn enqueue(
    tx: &mut Transaction<'static, Any>,
    org: &str,
    seq: i64,
    event_id: Uuid,
    send_id: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO deliveries (org, webhook, seq, event_id, send_id, next_at)
         SELECT w.org, w.id, $2, $3, $4, $5 FROM webhooks w WHERE w.org = $1 AND w.disabled_at IS NULL",
    )
    .bind(org)
    .bind(seq)
    .bind(event_id.to_string())
    .bind(send_id)
    .bind(micros(now))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// It is delivered; tells whether the lease still held.
async fn finish(
    tx: &mut Transaction<'static, Any>,
    of: &DueWebhook,
    delivery: &Delivery,
) -> Result<bool, StoreError> {
    let done =
        sqlx::query("DELETE FROM deliveries WHERE org = $1 AND webhook = $2 AND seq = $3 AND lease = $4")
            .bind(&of.org)
            .bind(&of.webhook)
            .bind(delivery.seq)
            .bind(&delivery.lease)
            .execute(&mut **tx)
            .await?;
    Ok(done.rows_affected() > 0)
}

/// The endpoint is up again: what waited because of it goes out at once.
pub(super) async fn recover(
    tx: &mut Transaction<'static, Any>,
    of: &DueWebhook,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE webhooks SET failures = 0, hold_until = 0 WHERE org = $1 AND id = $2")
        .bind(&of.org)
        .bind(&of.webhook)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "UPDATE deliveries SET next_at = $3 WHERE org = $1 AND webhook = $2 AND state = 'pending' AND next_at > $3",
    )
    .bind(&of.org)
    .bind(&of.webhook)
    .bind(micros(now))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn fail(
    tx: &mut Transaction<'static, Any>,
    of: &DueWebhook,
    delivery: &Delivery,
    attempt: &Attempt,
    now: Timestamp,
    jitter: f64,
) -> Result<(), StoreError> {
    let wait = next_attempt(delivery.attempts, jitter);
    sqlx::query(
        "UPDATE deliveries SET state = $5, next_at = $6, problem = $7, lease = NULL, leased_until = 0
         WHERE org = $1 AND webhook = $2 AND seq = $3 AND lease = $4",
    )
    .bind(&of.org)
    .bind(&of.webhook)
    .bind(delivery.seq)
    .bind(&delivery.lease)
    .bind(if wait.is_some() { "pending" } else { "dead" })
    .bind(micros(later(now, wait.unwrap_or_default())))
    .bind(&attempt.problem)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}
