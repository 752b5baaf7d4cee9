//! Laptops that were paired by the device flow (RFC 8628), and the rotation of their tokens.

use std::time::Duration;

use answerback_backend::Token;
use jiff::Timestamp;
use serde::Serialize;
use sqlx::{Any, Row, Transaction};
use utoipa::ToSchema;
use uuid::Uuid;

use super::tokens::{Principal, hash, random};
use super::{Store, StoreError, micros, normalise, time};

/// How long a laptop may be in the middle of pairing.
pub const PAIRING_LIFE: Duration = Duration::from_secs(15 * 60);
/// How often it may ask meanwhile.
pub const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// How long an access token is good.
pub const ACCESS_LIFE: Duration = Duration::from_secs(60 * 60);
/// Pairings that may be under way at once; anybody can begin one.
const MOST_PAIRINGS: i64 = 10_000;
/// Letters that are not taken for others and make no words (RFC 8628 §6.1).
const CODE_LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";

/// A pairing that has begun.
#[derive(Clone, Debug)]
pub struct BegunPairing {
    /// The laptop's secret.
    pub device_code: Token,
    /// What the rep types in, such as `BCDF-GHJK`.
    pub user_code: String,
}

/// The tokens of a laptop.
#[derive(Clone, Debug)]
pub struct Issued {
    /// To be shown with each request.
    pub access: Token,
    /// To get the next pair with; good once.
    pub refresh: Token,
}

/// What a laptop that asks for its tokens is told.
#[derive(Clone, Debug)]
pub enum Claim {
    /// Nobody has decided yet.
    Pending,
    /// It asks too often.
    SlowDown,
    /// Somebody said no.
    Denied,
    /// Too late, or never begun.
    Expired,
    /// Here they are.
    Issued(Issued),
}

/// A laptop, as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Laptop {
    /// Its id.
    pub id: String,
    /// The rep whose it is.
    pub rep: String,
    /// What it calls itself.
    pub name: String,
    /// When it was paired.
    #[schema(value_type = String, format = DateTime)]
    pub paired_at: Timestamp,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
}

impl Store {
    /// Begins a pairing of a laptop that calls itself so; `None` where too many are under way.
    pub async fn begin_pairing(
        &self,
        name: &str,
        now: Timestamp,
    ) -> Result<Option<BegunPairing>, StoreError> {
        let begun = BegunPairing { device_code: Token::new(random("ab_device")), user_code: user_code() };
        let mut write = self.write().await?;
        sqlx::query("DELETE FROM pairings WHERE expires_at <= $1")
            .bind(micros(now))
            .execute(&mut *write.tx)
            .await?;
        let under_way: i64 = sqlx::query("SELECT COUNT(*) AS n FROM pairings")
            .fetch_one(&mut *write.tx)
            .await?
            .try_get("n")?;
        if under_way >= MOST_PAIRINGS {
            return Ok(None);
        }
        sqlx::query(
            "INSERT INTO pairings (device_hash, user_code, name, expires_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(hash(begun.device_code.expose()))
        .bind(&begun.user_code)
        .bind(name)
        .bind(micros(after(now, PAIRING_LIFE)))
        .execute(&mut *write.tx)
        .await?;
        write.commit().await?;
        Ok(Some(begun))
    }

    /// What the laptop with this code calls itself, if it still waits.
    pub async fn pending_pairing(
        &self,
        user_code: &str,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let row = sqlx::query(
            "SELECT name FROM pairings WHERE user_code = $1 AND state = 'pending' AND expires_at > $2",
        )
        .bind(canonical(user_code))
        .bind(micros(now))
        .fetch_optional(self.pool())
        .await?;
        Ok(row.map(|row| row.try_get("name")).transpose()?)
    }

    /// Decides about the laptop with this code: it is this rep's, or (`None`) nobody's. Tells whether it was still waiting.
    pub async fn decide_pairing(
        &self,
        user_code: &str,
        org: &str,
        rep: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut write = self.write().await?;
        let done = sqlx::query(
            "UPDATE pairings SET state = $1, org = $2, rep = $3
             WHERE user_code = $4 AND state = 'pending' AND expires_at > $5",
        )
        .bind(if rep.is_some() { "approved" } else { "denied" })
        .bind(org)
        .bind(rep.map(normalise))
        .bind(canonical(user_code))
        .bind(micros(now))
        .execute(&mut *write.tx)
        .await?;
        write.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// The laptop asks whether somebody has decided, and takes its tokens if so.
    pub async fn claim_pairing(&self, device_code: &str, now: Timestamp) -> Result<Claim, StoreError> {
        let device = hash(device_code);
        let mut write = self.write().await?;
        let row = sqlx::query(
            "SELECT name, polled_at, state, org, rep FROM pairings WHERE device_hash = $1 AND expires_at > $2",
        )
        .bind(&device)
        .bind(micros(now))
        .fetch_optional(&mut *write.tx)
        .await?;
        let Some(row) = row else { return Ok(Claim::Expired) };
        let (state, org, rep): (String, Option<String>, Option<String>) =
            (row.try_get("state")?, row.try_get("org")?, row.try_get("rep")?);
        let claim = match (state.as_str(), org, rep) {
            ("approved", Some(org), Some(rep)) => {
                // Whoever deletes the row gets the tokens: two requests at once can't both.
                if delete_pairing(&mut write.tx, &device).await? {
                    Claim::Issued(pair(&mut write.tx, &org, &rep, row.try_get("name")?, now).await?)
                } else {
                    Claim::Expired
                }
            }
            ("denied", ..) => {
                delete_pairing(&mut write.tx, &device).await?;
                Claim::Denied
            }
            _ => {
                let polled: Option<i64> = row.try_get("polled_at")?;
                sqlx::query("UPDATE pairings SET polled_at = $2 WHERE device_hash = $1")
                    .bind(&device)
                    .bind(micros(now))
                    .execute(&mut *write.tx)
                    .await?;
                // A second is allowed for: timers and networks are not exact.
                let soonest =
                    now.checked_sub(POLL_INTERVAL.saturating_sub(Duration::from_secs(1))).unwrap_or(now);
                if polled.is_some_and(|polled| polled > micros(soonest)) {
                    Claim::SlowDown
                } else {
                    Claim::Pending
                }
            }
        };
        write.commit().await?;
        Ok(claim)
    }

    /// Exchanges a refresh token for the next pair; `None` where it is not good.
    ///
    /// A refresh token is good once. One that is shown again was stolen, or its answer was lost on the way: as long as nobody has used
    /// what it was exchanged for, it is exchanged anew; else the laptop is revoked, because it can't be told who is the thief (RFC 9700 §4.14.2).
    pub async fn refresh(&self, refresh: &str, now: Timestamp) -> Result<Option<Issued>, StoreError> {
        let old = hash(refresh);
        let mut write = self.write().await?;
        // Locks the row, so that two exchanges at once are one after the other.
        let row = sqlx::query("UPDATE refresh_tokens SET org = org WHERE hash = $1 RETURNING org, laptop, next_refresh, next_access")
            .bind(&old)
            .fetch_optional(&mut *write.tx)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let (org, laptop): (String, String) = (row.try_get("org")?, row.try_get("laptop")?);
        let live = sqlx::query("SELECT rep FROM laptops WHERE org = $1 AND id = $2 AND revoked_at IS NULL")
            .bind(&org)
            .bind(&laptop)
            .fetch_optional(&mut *write.tx)
            .await?;
        let Some(live) = live else { return Ok(None) };
        let next: (Option<String>, Option<String>) =
            (row.try_get("next_refresh")?, row.try_get("next_access")?);
        if let (Some(next_refresh), Some(next_access)) = next {
            if was_used(&mut write.tx, &next_refresh, &next_access).await? {
                tracing::warn!(
                    laptop,
                    "a refresh token was shown again after its successor was used: laptop revoked"
                );
                revoke(&mut write.tx, &org, &laptop, now).await?;
                write.commit().await?;
                return Ok(None);
            }
            for statement in
                ["DELETE FROM refresh_tokens WHERE hash = $1", "DELETE FROM tokens WHERE hash = $1"]
            {
                let hash = if statement.contains("refresh") { &next_refresh } else { &next_access };
                sqlx::query(statement).bind(hash).execute(&mut *write.tx).await?;
            }
        }
        let who = Principal { org, rep: Some(live.try_get("rep")?) };
        let issued = issue(&mut write.tx, &who, &laptop, now).await?;
        sqlx::query("UPDATE refresh_tokens SET next_refresh = $2, next_access = $3 WHERE hash = $1")
            .bind(&old)
            .bind(hash(issued.refresh.expose()))
            .bind(hash(issued.access.expose()))
            .execute(&mut *write.tx)
            .await?;
        write.commit().await?;
        Ok(Some(issued))
    }

    /// The organisation's laptops, the newest first.
    pub async fn laptops(&self, org: &str) -> Result<Vec<Laptop>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, rep, name, paired_at, revoked_at FROM laptops WHERE org = $1 ORDER BY paired_at DESC, id",
        )
        .bind(org)
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Laptop {
                    id: row.try_get("id")?,
                    rep: row.try_get("rep")?,
                    name: row.try_get("name")?,
                    paired_at: time(row.try_get("paired_at")?)?,
                    revoked_at: row.try_get::<Option<i64>, _>("revoked_at")?.map(time).transpose()?,
                })
            })
            .collect()
    }

    /// Revokes a laptop at once; tells whether there was such a laptop.
    pub async fn revoke_laptop(&self, org: &str, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut write = self.write().await?;
        let found = revoke(&mut write.tx, org, id, now).await?;
        write.commit().await?;
        Ok(found)
    }
}

async fn delete_pairing(tx: &mut Transaction<'static, Any>, device_hash: &str) -> Result<bool, StoreError> {
    let done = sqlx::query("DELETE FROM pairings WHERE device_hash = $1")
        .bind(device_hash)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() > 0)
}

async fn pair(
    tx: &mut Transaction<'static, Any>,
    org: &str,
    rep: &str,
    name: String,
    now: Timestamp,
) -> Result<Issued, StoreError> {
    let laptop = Uuid::new_v4().to_string();
    sqlx::query("INSERT INTO laptops (org, id, rep, name, paired_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(org)
        .bind(&laptop)
        .bind(rep)
        .bind(name)
        .bind(micros(now))
        .execute(&mut **tx)
        .await?;
    issue(tx, &Principal { org: org.into(), rep: Some(rep.into()) }, &laptop, now).await
}

async fn issue(
    tx: &mut Transaction<'static, Any>,
    who: &Principal,
    laptop: &str,
    now: Timestamp,
) -> Result<Issued, StoreError> {
    let issued =
        Issued { access: Token::new(random("ab_access")), refresh: Token::new(random("ab_refresh")) };
    sqlx::query("DELETE FROM tokens WHERE org = $1 AND laptop = $2 AND expires_at <= $3")
        .bind(&who.org)
        .bind(laptop)
        .bind(micros(now))
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "INSERT INTO tokens (hash, org, rep, laptop, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(hash(issued.access.expose()))
    .bind(&who.org)
    .bind(&who.rep)
    .bind(laptop)
    .bind(micros(now))
    .bind(micros(after(now, ACCESS_LIFE)))
    .execute(&mut **tx)
    .await?;
    sqlx::query("INSERT INTO refresh_tokens (hash, org, laptop, made_at) VALUES ($1, $2, $3, $4)")
        .bind(hash(issued.refresh.expose()))
        .bind(&who.org)
        .bind(laptop)
        .bind(micros(now))
        .execute(&mut **tx)
        .await?;
    Ok(issued)
}

/// Whether a pair of tokens has been seen: the access token with a request, or the refresh token for the pair after it.
async fn was_used(
    tx: &mut Transaction<'static, Any>,
    refresh: &str,
    access: &str,
) -> Result<bool, StoreError> {
    let exchanged = sqlx::query("SELECT 1 FROM refresh_tokens WHERE hash = $1 AND next_refresh IS NOT NULL")
        .bind(refresh)
        .fetch_optional(&mut **tx)
        .await?;
    // An access token that has run out was deleted: it can't be told any more, so it counts as used.
    let unused = sqlx::query("SELECT 1 FROM tokens WHERE hash = $1 AND used_at IS NULL")
        .bind(access)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(exchanged.is_some() || unused.is_none())
}

async fn revoke(
    tx: &mut Transaction<'static, Any>,
    org: &str,
    laptop: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let found =
        sqlx::query("UPDATE laptops SET revoked_at = COALESCE(revoked_at, $3) WHERE org = $1 AND id = $2")
            .bind(org)
            .bind(laptop)
            .bind(micros(now))
            .execute(&mut **tx)
            .await?;
    for statement in [
        "DELETE FROM tokens WHERE org = $1 AND laptop = $2",
        "DELETE FROM refresh_tokens WHERE org = $1 AND laptop = $2",
    ] {
        sqlx::query(statement).bind(org).bind(laptop).execute(&mut **tx).await?;
    }
    Ok(found.rows_affected() > 0)
}

fn after(now: Timestamp, life: Duration) -> Timestamp {
    now.checked_add(life).unwrap_or(Timestamp::MAX)
}

/// Eight letters, 34 bits: guessing one of the few that wait, within their quarter of an hour, is hopeless even before an
/// administrator's token is asked for.
fn user_code() -> String {
    let random = Uuid::new_v4().into_bytes();
    let letters = random.iter().take(4).chain(random.iter().skip(10).take(4));
    let letters = letters.filter_map(|byte| CODE_LETTERS.get(usize::from(*byte) % CODE_LETTERS.len()));
    let code: String = letters.map(|letter| char::from(*letter)).collect();
    dashed(&code)
}

/// The form in which codes are kept, whatever was typed.
fn canonical(user_code: &str) -> String {
    let letters: String = user_code.chars().filter(char::is_ascii_alphabetic).collect();
    dashed(&letters.to_ascii_uppercase())
}

fn dashed(letters: &str) -> String {
    match letters.split_at_checked(4) {
        Some((first, rest)) if !rest.is_empty() => format!("{first}-{rest}"),
        _ => letters.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_may_be_typed_in_any_way() {
        let code = user_code();
        assert_eq!(code.len(), 9, "{code}");
        for typed in [
            code.clone(),
            code.to_lowercase(),
            code.replace('-', ""),
            format!(" {} ", code.replace('-', " ")),
        ] {
            assert_eq!(canonical(&typed), code);
        }
        assert_eq!(canonical("zzz"), "ZZZ");
    }
}
