//! The endpoints that events are pushed to.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use sqlx::Row;
use sqlx::any::AnyRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::deliveries::{self, DueWebhook};
use super::{Store, StoreError, micros, time, tokens::ensure_organisation};
use crate::webhook::signature::new_secret;

/// Endpoints of an organisation at most.
pub const MOST_WEBHOOKS: i64 = 20;
/// How long the secret before the present one signs as well.
pub const ROTATION: Duration = Duration::from_secs(24 * 60 * 60);

/// An endpoint, as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// Where events go.
    pub url: String,
    /// When it was made: events that came later go there.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// How it is.
    pub state: WebhookState,
    /// Why it is disabled, in words.
    pub disabled_because: Option<String>,
    /// Deliveries that are still to be made.
    pub pending: i64,
    /// Deliveries that were given up.
    pub dead_letters: i64,
}

/// How an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookState {
    /// Events are pushed to it.
    Active,
    /// It was down at the last attempt and is tried again.
    Failing,
    /// Nothing is pushed to it: it was switched off, or said that it is gone. What comes meanwhile is not kept for it.
    Disabled,
}

/// A new endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NewWebhook {
    /// Its id.
    pub id: String,
    /// Where events go.
    pub url: String,
    /// What its signatures are made with. It is shown once.
    pub secret: String,
}

/// What a request to an endpoint needs.
#[derive(Clone)]
pub struct Endpoint {
    /// Where to.
    pub url: String,
    /// What signs now, the newest first.
    pub secrets: Vec<String>,
    /// How often in a row it was down.
    pub failures: i64,
    /// Not before.
    pub hold_until: Timestamp,
}

impl Endpoint {
    fn from_row(row: &AnyRow, now: Timestamp) -> Result<Self, StoreError> {
        let old: Option<String> = row.try_get("old_secret")?;
        let until: Option<i64> = row.try_get("old_secret_until")?;
        let mut secrets = vec![row.try_get("secret")?];
        secrets.extend(old.filter(|_| until.is_some_and(|until| until > micros(now))));
        Ok(Self {
            url: row.try_get("url")?,
            secrets,
            failures: row.try_get("failures")?,
            hold_until: time(row.try_get("hold_until")?)?,
        })
    }
}

impl Store {
    /// Adds an endpoint; `None` where there are too many.
    pub async fn add_webhook(&self, org: &str, url: &str) -> Result<Option<NewWebhook>, StoreError> {
        let new = NewWebhook { id: Uuid::new_v4().to_string(), url: url.into(), secret: new_secret() };
        let mut write = self.write().await?;
        ensure_organisation(&mut write.tx, org).await?;
        let there: i64 = sqlx::query("SELECT COUNT(*) AS n FROM webhooks WHERE org = $1")
            .bind(org)
            .fetch_one(&mut *write.tx)
            .await?
            .try_get("n")?;
        if there >= MOST_WEBHOOKS {
            return Ok(None);
        }
        sqlx::query("INSERT INTO webhooks (org, id, url, secret, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(org)
            .bind(&new.id)
            .bind(url)
            .bind(&new.secret)
            .bind(micros(Timestamp::now()))
            .execute(&mut *write.tx)
            .await?;
        write.commit().await?;
        Ok(Some(new))
    }

    /// The organisation's endpoints, the oldest first.
    pub async fn webhooks(&self, org: &str) -> Result<Vec<Webhook>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, url, created_at, disabled_at, disabled_because, failures,
                (SELECT COUNT(*) FROM deliveries d WHERE d.org = w.org AND d.webhook = w.id AND d.state = 'pending') AS pending,
                (SELECT COUNT(*) FROM deliveries d WHERE d.org = w.org AND d.webhook = w.id AND d.state = 'dead') AS dead
             FROM webhooks w WHERE org = $1 ORDER BY created_at, id",
        )
        .bind(org)
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| {
                let disabled: Option<i64> = row.try_get("disabled_at")?;
                let failures: i64 = row.try_get("failures")?;
                Ok(Webhook {
                    id: row.try_get("id")?,
                    url: row.try_get("url")?,
                    created_at: time(row.try_get("created_at")?)?,
                    state: match (disabled, failures) {
                        (Some(_), _) => WebhookState::Disabled,
                        (None, 0) => WebhookState::Active,
                        (None, _) => WebhookState::Failing,
                    },
                    disabled_because: row.try_get("disabled_because")?,
                    pending: row.try_get("pending")?,
                    dead_letters: row.try_get("dead")?,
                })
            })
            .collect()
    }

    /// What a request to an endpoint needs; `None` where there is no such endpoint.
    pub async fn endpoint(
        &self,
        org: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<Endpoint>, StoreError> {
        let row = sqlx::query(
            "SELECT url, secret, old_secret, old_secret_until, failures, hold_until FROM webhooks WHERE org = $1 AND id = $2",
        )
        .bind(org)
        .bind(id)
        .fetch_optional(self.pool())
        .await?;
        row.map(|row| Endpoint::from_row(&row, now)).transpose()
    }

    /// Gives an endpoint another address, and switches it on or off; tells whether there is such an endpoint. What waits for
    /// one that is switched on is delivered at once.
    pub async fn change_webhook(
        &self,
        org: &str,
        id: &str,
        url: &str,
        enabled: bool,
    ) -> Result<bool, StoreError> {
        let now = Timestamp::now();
        let mut write = self.write().await?;
        let done = sqlx::query(
            "UPDATE webhooks SET url = $3, disabled_at = $4, disabled_because = $5 WHERE org = $1 AND id = $2",
        )
        .bind(org)
        .bind(id)
        .bind(url)
        .bind((!enabled).then_some(micros(now)))
        .bind((!enabled).then_some("It was switched off."))
        .execute(&mut *write.tx)
        .await?;
        if enabled {
            let of = DueWebhook { org: org.into(), webhook: id.into() };
            deliveries::recover(&mut write.tx, &of, now).await?;
        }
        write.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// Removes an endpoint and what waits for it; tells whether there was one.
    pub async fn remove_webhook(&self, org: &str, id: &str) -> Result<bool, StoreError> {
        let mut write = self.write().await?;
        let done = sqlx::query("DELETE FROM webhooks WHERE org = $1 AND id = $2")
            .bind(org)
            .bind(id)
            .execute(&mut *write.tx)
            .await?;
        sqlx::query("DELETE FROM deliveries WHERE org = $1 AND webhook = $2")
            .bind(org)
            .bind(id)
            .execute(&mut *write.tx)
            .await?;
        write.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// Gives an endpoint a new secret. The one that it has now signs as well for [`ROTATION`]. `None` where there is no such endpoint.
    pub async fn rotate_secret(
        &self,
        org: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let secret = new_secret();
        let mut write = self.write().await?;
        let done = sqlx::query(
            "UPDATE webhooks SET old_secret = secret, old_secret_until = $3, secret = $4 WHERE org = $1 AND id = $2",
        )
        .bind(org)
        .bind(id)
        .bind(micros(now.checked_add(ROTATION).unwrap_or(Timestamp::MAX)))
        .bind(&secret)
        .execute(&mut *write.tx)
        .await?;
        write.commit().await?;
        Ok((done.rows_affected() > 0).then_some(secret))
    }
}
