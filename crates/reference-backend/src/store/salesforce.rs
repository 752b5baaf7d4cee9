//! What an administrator maps onto what in Salesforce, where it is not as the server's settings say.

use answerback_backend::salesforce::Mapping;
use jiff::Timestamp;
use sqlx::Row;

use super::{Store, StoreError, micros, time};

impl Store {
    /// The mapping that an administrator made, and when; `None` where that of the server's settings holds.
    pub async fn salesforce_mapping(&self, org: &str) -> Result<Option<(Mapping, Timestamp)>, StoreError> {
        let row = sqlx::query("SELECT mapping, changed_at FROM salesforce_mappings WHERE org = $1")
            .bind(org)
            .fetch_optional(self.pool())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mapping: String = row.try_get("mapping")?;
        let mapping = serde_json::from_str(&mapping).map_err(|_| StoreError::Corrupt("a mapping"))?;
        Ok(Some((mapping, time(row.try_get("changed_at")?)?)))
    }

    /// Keeps an administrator's mapping; with `None` that of the server's settings holds again.
    pub async fn keep_salesforce_mapping(
        &self,
        org: &str,
        mapping: Option<&Mapping>,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        sqlx::query("DELETE FROM salesforce_mappings WHERE org = $1")
            .bind(org)
            .execute(&mut *write.tx)
            .await?;
        if let Some(mapping) = mapping {
            let mapping = serde_json::to_string(mapping).map_err(|_| StoreError::Corrupt("a mapping"))?;
            sqlx::query("INSERT INTO salesforce_mappings (org, mapping, changed_at) VALUES ($1, $2, $3)")
                .bind(org)
                .bind(mapping)
                .bind(micros(Timestamp::now()))
                .execute(&mut *write.tx)
                .await?;
        }
        write.commit().await
    }
}
