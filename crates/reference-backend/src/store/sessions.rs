//! Administrators who have signed in.

use std::time::Duration;

use answerback_backend::Token;
use jiff::Timestamp;
use sqlx::Row;

use super::tokens::{hash, random};
use super::{Store, StoreError, micros};

/// How long somebody stays signed in: a working day.
pub const SESSION_LIFE: Duration = Duration::from_secs(12 * 60 * 60);

impl Store {
    /// Begins a session of whoever showed this platform's token; gives its cookie.
    pub async fn begin_session(&self, token: &str, now: Timestamp) -> Result<Token, StoreError> {
        let cookie = random("ab_session");
        let mut write = self.write().await?;
        sqlx::query("DELETE FROM sessions WHERE expires_at <= $1")
            .bind(micros(now))
            .execute(&mut *write.tx)
            .await?;
        sqlx::query("INSERT INTO sessions (hash, token, expires_at) VALUES ($1, $2, $3)")
            .bind(hash(&cookie))
            .bind(hash(token))
            .bind(micros(now.checked_add(SESSION_LIFE).unwrap_or(Timestamp::MAX)))
            .execute(&mut *write.tx)
            .await?;
        write.commit().await?;
        Ok(Token::new(cookie))
    }

    /// The organisation of a session; `None` where it is over, or its token was revoked.
    pub async fn session(&self, cookie: &str, now: Timestamp) -> Result<Option<String>, StoreError> {
        let row = sqlx::query(
            "SELECT t.org FROM sessions s JOIN tokens t ON t.hash = s.token
             WHERE s.hash = $1 AND s.expires_at > $2 AND t.rep IS NULL AND t.revoked_at IS NULL
               AND (t.expires_at IS NULL OR t.expires_at > $2)",
        )
        .bind(hash(cookie))
        .bind(micros(now))
        .fetch_optional(self.pool())
        .await?;
        Ok(row.map(|row| row.try_get("org")).transpose()?)
    }

    /// Ends a session.
    pub async fn end_session(&self, cookie: &str) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        sqlx::query("DELETE FROM sessions WHERE hash = $1")
            .bind(hash(cookie))
            .execute(&mut *write.tx)
            .await?;
        write.commit().await
    }
}
