//! Up to when each mailbox has been checked.

use std::time::Duration;

use answerback_backend::event::Coverage;
use jiff::{SignedDuration, Timestamp};
use sqlx::{Any, Row, Transaction};
use uuid::Uuid;

use super::{Store, StoreError, micros, normalise, time};

/// A mailbox that was not checked for so long needs somebody to look at it.
pub const SILENT_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The newest report of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountCoverage {
    /// The rep.
    pub rep: String,
    /// The mailbox address.
    pub address: String,
    /// Everything that was received before has been judged.
    pub checked_up_to: Timestamp,
    /// How many folders are watched.
    pub folders: i64,
    /// When the report came.
    pub received_at: Timestamp,
}

/// Clocks that are kept right differ by less than this.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(2);

/// Whether a report speaks of mail that nobody can have received yet. Kept, it would clear steps for as long as the
/// laptop's clock is ahead, whatever lies unread.
pub(super) fn is_of_the_future(coverage: &Coverage, now: Timestamp) -> bool {
    now.checked_add(CLOCK_SKEW).is_ok_and(|latest| coverage.checked_up_to > latest)
}

impl Store {
    /// The newest report of each account of the organisation.
    pub async fn coverage(&self, org: &str) -> Result<Vec<AccountCoverage>, StoreError> {
        let rows = sqlx::query(
            "SELECT rep, address, checked_up_to, folders, received_at FROM coverage WHERE org = $1 ORDER BY rep, address",
        )
        .bind(org)
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(AccountCoverage {
                    rep: row.try_get("rep")?,
                    address: row.try_get("address")?,
                    checked_up_to: time(row.try_get("checked_up_to")?)?,
                    folders: row.try_get("folders")?,
                    received_at: time(row.try_get("received_at")?)?,
                })
            })
            .collect()
    }

    /// How many mailboxes were checked since a time and how many were not, of all organisations.
    pub async fn coverage_counts(&self, since: Timestamp) -> Result<(i64, i64), StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(CASE WHEN checked_up_to >= $1 THEN 1 END) AS checked,
                COUNT(CASE WHEN checked_up_to < $1 THEN 1 END) AS silent FROM coverage",
        )
        .bind(micros(since))
        .fetch_one(self.pool())
        .await?;
        Ok((row.try_get("checked")?, row.try_get("silent")?))
    }
}

/// Keeps a report if it is newer than the one that is there; tells whether it was.
pub(super) async fn report(
    tx: &mut Transaction<'static, Any>,
    org: &str,
    rep: &str,
    account: Uuid,
    coverage: &Coverage,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "INSERT INTO coverage (org, rep, account, address, checked_up_to, folders, received_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (org, rep, account) DO UPDATE
         SET address = $4, checked_up_to = $5, folders = $6, received_at = $7
         WHERE coverage.checked_up_to < $5",
    )
    .bind(org)
    .bind(rep)
    .bind(account.to_string())
    .bind(normalise(&coverage.account))
    // Clocks that differ a little are no reason to believe that mail was read before it came.
    .bind(micros(coverage.checked_up_to.min(now)))
    .bind(i64::from(coverage.folders))
    .bind(micros(now))
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Up to when the mailbox that an account's sends are answered to was checked: the account's own report, else, where it
/// is an alias, the oldest of the rep's mailboxes.
pub(super) async fn checked_up_to(
    tx: &mut Transaction<'static, Any>,
    org: &str,
    rep: &str,
    account: &str,
) -> Result<Option<Timestamp>, StoreError> {
    let row = sqlx::query(
        "SELECT COALESCE(MIN(CASE WHEN account = $3 THEN checked_up_to END), MIN(checked_up_to)) AS checked
         FROM coverage WHERE org = $1 AND rep = $2",
    )
    .bind(org)
    .bind(rep)
    .bind(account)
    .fetch_one(&mut **tx)
    .await?;
    row.try_get::<Option<i64>, _>("checked")?.map(time).transpose()
}
