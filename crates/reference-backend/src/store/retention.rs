//! What is known of one person: exported, erased; and what is forgotten with time.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::Row;

use super::sends::{Feeds, note_removal};
use super::{Store, StoreError, micros, normalise};

/// Everything that is known of one person.
#[derive(Debug, Serialize)]
pub struct Dossier {
    /// The address.
    pub address: String,
    /// What was sent to it.
    pub sends: Vec<Box<RawValue>>,
    /// What came back.
    pub events: Vec<Box<RawValue>>,
    /// Why it must not be mailed, if so.
    pub suppressed: Vec<String>,
}

/// What was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Sends.
    pub sends: u64,
    /// Events.
    pub events: u64,
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Events.
    pub events: u64,
    /// Sends.
    pub sends: u64,
    /// Removals from feeds.
    pub removals: u64,
}

impl Store {
    /// Everything that is known of the person with this address.
    pub async fn export_person(&self, org: &str, address: &str) -> Result<Dossier, StoreError> {
        let address = normalise(address);
        let sends = sqlx::query("SELECT body FROM sends WHERE org = $1 AND address = $2 ORDER BY sent_at")
            .bind(org)
            .bind(&address)
            .fetch_all(self.pool())
            .await?;
        let events = sqlx::query(
            "SELECT body FROM events WHERE org = $1 AND body IS NOT NULL
                AND (address = $2 OR send_id IN (SELECT id FROM sends WHERE org = $1 AND address = $2)) ORDER BY seq",
        )
        .bind(org)
        .bind(&address)
        .fetch_all(self.pool())
        .await?;
        let reasons = sqlx::query(
            "SELECT DISTINCT reason FROM events WHERE org = $1 AND address = $2 AND retracted = 0 ORDER BY reason",
        )
        .bind(org)
        .bind(&address)
        .fetch_all(self.pool())
        .await?;
        let raw = |row: &sqlx::any::AnyRow| {
            let body: String = row.try_get("body")?;
            RawValue::from_string(body).map_err(|_| StoreError::Corrupt("a body"))
        };
        Ok(Dossier {
            sends: sends.iter().map(raw).collect::<Result<_, _>>()?,
            events: events.iter().map(raw).collect::<Result<_, _>>()?,
            suppressed: reasons
                .iter()
                .map(|row| Ok(row.try_get("reason")?))
                .collect::<Result<_, StoreError>>()?,
            address,
        })
    }

    /// Erases what is known of the person with this address. Laptops are told to forget their sends. What stays: the ids
    /// of events, so that none counts twice, the states of campaigns, and that the address must not be mailed, if so.
    pub async fn erase_person(&self, org: &str, address: &str) -> Result<Erased, StoreError> {
        let address = normalise(address);
        let mut write = self.write().await?;
        let events = sqlx::query(
            "UPDATE events SET body = NULL WHERE org = $1 AND body IS NOT NULL
                AND (address = $2 OR send_id IN (SELECT id FROM sends WHERE org = $1 AND address = $2))",
        )
        .bind(org)
        .bind(&address)
        .execute(&mut *write.tx)
        .await?;
        sqlx::query(
            "DELETE FROM crm_records WHERE org = $1 AND event_id IN (SELECT id FROM events WHERE org = $1 AND body IS NULL)",
        )
        .bind(org)
        .execute(&mut *write.tx)
        .await?;
        let sends = sqlx::query("SELECT id, rep, removed FROM sends WHERE org = $1 AND address = $2")
            .bind(org)
            .bind(&address)
            .fetch_all(&mut *write.tx)
            .await?;
        let mut feeds = Feeds::default();
        for row in &sends {
            let (id, rep, removed): (String, String, i64) =
                (row.try_get("id")?, row.try_get("rep")?, row.try_get("removed")?);
            if removed == 0 {
                note_removal(&mut write.tx, org, &rep, &id, &mut feeds).await?;
            }
            sqlx::query(
                "UPDATE sends SET removed = 1, address = NULL, body = '{}' WHERE org = $1 AND id = $2",
            )
            .bind(org)
            .bind(&id)
            .execute(&mut *write.tx)
            .await?;
        }
        feeds.advance(&mut write.tx, org).await?;
        write.commit().await?;
        Ok(Erased { sends: sends.len() as u64, events: events.rows_affected() })
    }

    /// Forgets what is from before a time: what events said, what sends said whose tracking had ended, and removals. Ids stay, and
    /// what events did.
    pub async fn forget_before(&self, before: Timestamp) -> Result<Forgotten, StoreError> {
        Ok(Forgotten {
            events: self.forget_events(before).await?,
            sends: self.forget_sends(before).await?,
            removals: self.forget_removals(before).await?,
        })
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut write = self.write().await?;
        let done = sqlx::query("UPDATE events SET body = NULL WHERE received_at < $1 AND body IS NOT NULL")
            .bind(micros(before))
            .execute(&mut *write.tx)
            .await?;
        sqlx::query(
            "DELETE FROM crm_records WHERE EXISTS (SELECT 1 FROM events e WHERE e.org = crm_records.org
                AND e.id = crm_records.event_id AND e.received_at < $1)",
        )
        .bind(micros(before))
        .execute(&mut *write.tx)
        .await?;
        write.commit().await?;
        Ok(done.rows_affected())
    }

    /// Laptops drop a send by themselves when its tracking ends, so that they need not be told.
    async fn forget_sends(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut write = self.write().await?;
        let done = sqlx::query(
            "UPDATE sends SET removed = 1, address = NULL, body = '{}'
             WHERE track_until IS NOT NULL AND track_until < $1 AND body <> '{}'",
        )
        .bind(micros(before))
        .execute(&mut *write.tx)
        .await?;
        write.commit().await?;
        Ok(done.rows_affected())
    }
}
