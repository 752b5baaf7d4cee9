//! Bearer tokens and whom they speak for.

use answerback_backend::Token;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::Row;
use uuid::Uuid;

use super::{Store, StoreError, micros, normalise};

/// Who holds a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The organisation.
    pub org: String,
    /// The rep whose laptop it is; `None` for the platform behind.
    pub rep: Option<String>,
}

impl Store {
    /// Makes a token for a rep's laptop, or for the platform behind. The organisation is made where it is missing.
    pub async fn issue_token(&self, org: &str, rep: Option<&str>) -> Result<Token, StoreError> {
        let role = if rep.is_some() { "laptop" } else { "platform" };
        let token = random(&format!("ab_{role}"));
        let mut write = self.write().await?;
        ensure_organisation(&mut write.tx, org).await?;
        sqlx::query("INSERT INTO tokens (hash, org, rep, created_at) VALUES ($1, $2, $3, $4)")
            .bind(hash(&token))
            .bind(org)
            .bind(rep.map(normalise))
            .bind(micros(Timestamp::now()))
            .execute(&mut *write.tx)
            .await?;
        write.commit().await?;
        Ok(Token::new(token))
    }

    /// Whom a token speaks for; `None` where it is unknown, has run out or was revoked.
    pub async fn principal(&self, token: &str) -> Result<Option<Principal>, StoreError> {
        let hash = hash(token);
        let now = micros(Timestamp::now());
        let row = sqlx::query(
            "SELECT org, rep, laptop, used_at FROM tokens
             WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
        )
        .bind(&hash)
        .bind(now)
        .fetch_optional(self.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (laptop, used): (Option<String>, Option<i64>) = (row.try_get("laptop")?, row.try_get("used_at")?);
        if laptop.is_some() && used.is_none() {
            let mut write = self.write().await?;
            sqlx::query("UPDATE tokens SET used_at = $2 WHERE hash = $1")
                .bind(&hash)
                .bind(now)
                .execute(&mut *write.tx)
                .await?;
            write.commit().await?;
        }
        Ok(Some(Principal { org: row.try_get("org")?, rep: row.try_get("rep")? }))
    }

    /// Revokes a token at once; tells whether there was one to revoke.
    pub async fn revoke_token(&self, token: &Token) -> Result<bool, StoreError> {
        let mut write = self.write().await?;
        let done = sqlx::query("UPDATE tokens SET revoked_at = $2 WHERE hash = $1 AND revoked_at IS NULL")
            .bind(hash(token.expose()))
            .bind(micros(Timestamp::now()))
            .execute(&mut *write.tx)
            .await?;
        write.commit().await?;
        Ok(done.rows_affected() > 0)
    }
}

pub(super) async fn ensure_organisation(
    tx: &mut sqlx::Transaction<'static, sqlx::Any>,
    org: &str,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO organisations (id, created_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING")
        .bind(org)
        .bind(micros(Timestamp::now()))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A new token: two version 4 UUIDs, 244 random bits from the operating system. The prefix tells secret scanners what it is.
pub(super) fn random(prefix: &str) -> String {
    format!("{prefix}_{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// A token has so many random bits that a plain hash can't be searched.
pub(super) fn hash(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
