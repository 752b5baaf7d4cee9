//! What the organisation pins.

use answerback_backend::OrganisationPolicy;
use sqlx::Row;

use super::{Store, StoreError, tokens::ensure_organisation};

impl Store {
    /// The organisation's pins.
    pub async fn policy(&self, org: &str) -> Result<OrganisationPolicy, StoreError> {
        let row = sqlx::query("SELECT policy FROM organisations WHERE id = $1")
            .bind(org)
            .fetch_optional(self.pool())
            .await?;
        let Some(row) = row else { return Ok(OrganisationPolicy::default()) };
        let policy: String = row.try_get("policy")?;
        serde_json::from_str(&policy).map_err(|_| StoreError::Corrupt("organisations.policy"))
    }

    /// Sets the organisation's pins.
    pub async fn set_policy(&self, org: &str, policy: &OrganisationPolicy) -> Result<(), StoreError> {
        let policy = serde_json::to_string(policy).map_err(|_| StoreError::Corrupt("a policy"))?;
        let mut write = self.write().await?;
        ensure_organisation(&mut write.tx, org).await?;
        sqlx::query("UPDATE organisations SET policy = $2 WHERE id = $1")
            .bind(org)
            .bind(policy)
            .execute(&mut *write.tx)
            .await?;
        write.commit().await
    }
}
