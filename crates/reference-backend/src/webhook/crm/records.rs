//! What was written into a CRM for which event, and how many requests that took.

use answerback_backend::crm::budget::day;
use answerback_backend::crm::{Journal, JournalError, Record};
use answerback_reply::TrackedSend;
use jiff::Timestamp;
use sqlx::Row;
use uuid::Uuid;

use crate::store::deliveries::DueWebhook;
use crate::store::tokens::ensure_organisation;
use crate::store::{Store, StoreError, micros};

/// The ids of the endpoints among an organisation's webhooks.
pub const SALESFORCE: &str = "salesforce";
/// See [`SALESFORCE`].
pub const HUBSPOT: &str = "hubspot";
/// All of them.
pub const CRMS: [&str; 2] = [SALESFORCE, HUBSPOT];

/// What an event's writing needs beside the event.
#[derive(Debug)]
pub struct Context {
    /// The rep took it back before it was written.
    pub retracted: bool,
    /// The email that it is about.
    pub send: Option<TrackedSend>,
}

impl Store {
    /// Has events of these organisations written into these CRMs, by address, from now on; those of others no longer.
    pub async fn keep_crm_endpoints(&self, endpoints: &[(DueWebhook, String)]) -> Result<(), StoreError> {
        let now = micros(Timestamp::now());
        let mut write = self.write().await?;
        for crm in CRMS {
            sqlx::query("UPDATE webhooks SET disabled_at = $2, disabled_because = $3 WHERE id = $1 AND disabled_at IS NULL")
                .bind(crm)
                .bind(now)
                .bind("The server's settings no longer name it.")
                .execute(&mut *write.tx)
                .await?;
        }
        for (DueWebhook { org, webhook }, url) in endpoints {
            ensure_organisation(&mut write.tx, org).await?;
            sqlx::query(
                "INSERT INTO webhooks (org, id, url, secret, created_at) VALUES ($1, $2, $3, '', $4)
                 ON CONFLICT (org, id) DO UPDATE SET url = excluded.url, disabled_at = NULL, disabled_because = NULL",
            )
            .bind(org)
            .bind(webhook)
            .bind(format!("{webhook}:{url}"))
            .bind(now)
            .execute(&mut *write.tx)
            .await?;
        }
        write.commit().await
    }

    /// Leaves an endpoint alone until a time, without counting anything as tried.
    pub async fn hold_webhook(&self, of: &DueWebhook, until: Timestamp) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        sqlx::query("UPDATE webhooks SET hold_until = $3 WHERE org = $1 AND id = $2")
            .bind(&of.org)
            .bind(&of.webhook)
            .bind(micros(until))
            .execute(&mut *write.tx)
            .await?;
        write.commit().await
    }

    /// What writing an event needs.
    pub async fn crm_context(&self, org: &str, event_id: &str) -> Result<Context, StoreError> {
        let row = sqlx::query(
            "SELECT e.retracted, s.body FROM events e LEFT JOIN sends s ON s.org = e.org AND s.id = e.send_id
             WHERE e.org = $1 AND e.id = $2",
        )
        .bind(org)
        .bind(event_id)
        .fetch_optional(self.pool())
        .await?;
        let Some(row) = row else { return Ok(Context { retracted: false, send: None }) };
        let body: Option<String> = row.try_get("body")?;
        // An erased send is an empty object.
        let send = body.and_then(|body| serde_json::from_str(&body).ok());
        Ok(Context { retracted: row.try_get::<i64, _>("retracted")? != 0, send })
    }
}

/// One organisation's records of one CRM.
#[derive(Clone, Debug)]
pub struct StoreJournal {
    /// The database.
    pub store: Store,
    /// The organisation.
    pub org: String,
    /// The CRM's endpoint.
    pub crm: &'static str,
}

impl StoreJournal {
    /// How many requests the organisation's events took on the day of `now`.
    pub async fn requests(&self, now: Timestamp) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT requests FROM crm_usage WHERE org = $1 AND crm = $2 AND day = $3")
            .bind(&self.org)
            .bind(self.crm)
            .bind(day(now))
            .fetch_optional(self.store.pool())
            .await?;
        Ok(row.map(|row| row.try_get("requests")).transpose()?.unwrap_or_default())
    }

    /// Counts requests, and forgets those of other days.
    pub async fn count_requests(&self, now: Timestamp, requests: u32) -> Result<(), StoreError> {
        let mut write = self.store.write().await?;
        sqlx::query("DELETE FROM crm_usage WHERE org = $1 AND crm = $2 AND day < $3")
            .bind(&self.org)
            .bind(self.crm)
            .bind(day(now))
            .execute(&mut *write.tx)
            .await?;
        sqlx::query(
            "INSERT INTO crm_usage (org, crm, day, requests) VALUES ($1, $2, $3, $4)
             ON CONFLICT (org, crm, day) DO UPDATE SET requests = crm_usage.requests + excluded.requests",
        )
        .bind(&self.org)
        .bind(self.crm)
        .bind(day(now))
        .bind(i64::from(requests))
        .execute(&mut *write.tx)
        .await?;
        write.commit().await
    }
}

impl Journal for StoreJournal {
    async fn load(&self, event: Uuid) -> Result<Record, JournalError> {
        let row = sqlx::query("SELECT record FROM crm_records WHERE org = $1 AND crm = $2 AND event_id = $3")
            .bind(&self.org)
            .bind(self.crm)
            .bind(event.to_string())
            .fetch_optional(self.store.pool())
            .await
            .map_err(failed)?;
        let Some(row) = row else { return Ok(Record::default()) };
        let record: String = row.try_get("record").map_err(failed)?;
        serde_json::from_str(&record).map_err(failed)
    }

    async fn save(&self, event: Uuid, record: &Record) -> Result<(), JournalError> {
        let record = serde_json::to_string(record).map_err(failed)?;
        let mut write = self.store.write().await.map_err(failed)?;
        sqlx::query(
            "INSERT INTO crm_records (org, crm, event_id, record) VALUES ($1, $2, $3, $4)
             ON CONFLICT (org, crm, event_id) DO UPDATE SET record = excluded.record",
        )
        .bind(&self.org)
        .bind(self.crm)
        .bind(event.to_string())
        .bind(record)
        .execute(&mut *write.tx)
        .await
        .map_err(failed)?;
        write.commit().await.map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> JournalError {
    JournalError(error.to_string())
}
