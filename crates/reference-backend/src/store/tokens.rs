//! Bearer tokens and whom they speak for.

use answerback_backend::Token;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use sqlx::Row;
use uuid::Uuid;

use super::{Store, StoreError, micros, normalise};

/// How a platform's token begins.
pub(crate) const PLATFORM_PREFIX: &str = "ab_platform";

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
        let mut write = self.write().await?;
        ensure_organisation(&mut write.tx, org).await?;
        let token = issue(&mut write.tx, org, rep).await?;
        write.commit().await?;
        Ok(token)
    }

    /// Makes a token for each of these reps' laptops, all or none.
    pub async fn issue_laptop_tokens(&self, org: &str, reps: &[String]) -> Result<Vec<Token>, StoreError> {
        let mut write = self.write().await?;
        ensure_organisation(&mut write.tx, org).await?;
        let mut tokens = Vec::with_capacity(reps.len());
        for rep in reps {
            tokens.push(issue(&mut write.tx, org, Some(rep)).await?);
        }
        write.commit().await?;
        Ok(tokens)
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

    /// Forgets access tokens that ran out a day ago, and refresh tokens that were exchanged a month ago: that one of these is shown
    /// again, and the laptop revoked, is possible for a month.
    pub async fn forget_spent_tokens(&self, now: Timestamp) -> Result<(), StoreError> {
        let ago =
            |hours| micros(now.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN));
        let mut write = self.write().await?;
        sqlx::query("DELETE FROM tokens WHERE expires_at IS NOT NULL AND expires_at < $1")
            .bind(ago(24))
            .execute(&mut *write.tx)
            .await?;
        sqlx::query("DELETE FROM refresh_tokens WHERE next_refresh IS NOT NULL AND made_at < $1")
            .bind(ago(30 * 24))
            .execute(&mut *write.tx)
            .await?;
        write.commit().await
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

async fn issue(
    tx: &mut sqlx::Transaction<'static, sqlx::Any>,
    org: &str,
    rep: Option<&str>,
) -> Result<Token, StoreError> {
    let token = random(if rep.is_some() { "ab_laptop" } else { PLATFORM_PREFIX });
    sqlx::query("INSERT INTO tokens (hash, org, rep, created_at) VALUES ($1, $2, $3, $4)")
        .bind(hash(&token))
        .bind(org)
        .bind(rep.map(normalise))
        .bind(micros(Timestamp::now()))
        .execute(&mut **tx)
        .await?;
    Ok(Token::new(token))
}

pub(crate) async fn ensure_organisation(
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
pub(crate) fn random(prefix: &str) -> String {
    format!("{prefix}_{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// A token has so many random bits that a plain hash can't be searched.
pub(crate) fn hash(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
