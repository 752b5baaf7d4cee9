//! Prospects in campaigns: their state, and whether the next step may go out.

use std::time::Duration;

use answerback_backend::{EventType, Gate};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use super::{Store, StoreError, coverage, micros, time, tokens::ensure_organisation};
use crate::enrolment::{Change, State};
use crate::hold::{Facts, LONGEST_HOLD, decide};

/// What the platform says about a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct CampaignSettings {
    /// Each next step waits until the mailbox was checked up to the last send plus this many seconds: the time between two steps.
    /// Null: up to now.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 4294967295_i64)]
    pub grace_seconds: Option<u32>,
    /// How long a step is held at most, in seconds. Null: 72 hours.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 4294967295_i64)]
    pub longest_hold_seconds: Option<u32>,
    /// The campaign is over.
    pub finished: bool,
}

/// Which prospect in which campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enrolment<'a> {
    /// The one that this send belongs to.
    OfSend(&'a str),
    /// By the platform's own ids.
    Of {
        /// The campaign.
        campaign: &'a str,
        /// The prospect.
        prospect: &'a str,
    },
}

/// A prospect in a campaign, as the overview shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentState {
    /// The campaign; empty for a send that is alone.
    pub campaign: String,
    /// The prospect; the send's id for a send that is alone.
    pub prospect: String,
    /// Its state now.
    pub state: State,
}

impl Store {
    /// Sets what the platform says about a campaign.
    pub async fn set_campaign(
        &self,
        org: &str,
        id: &str,
        settings: &CampaignSettings,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        ensure_organisation(&mut write.tx, org).await?;
        sqlx::query(
            "INSERT INTO campaigns (org, id, grace_seconds, longest_hold_seconds, finished) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (org, id) DO UPDATE SET grace_seconds = $3, longest_hold_seconds = $4, finished = $5",
        )
        .bind(org)
        .bind(id)
        .bind(settings.grace_seconds.map(i64::from))
        .bind(settings.longest_hold_seconds.map(i64::from))
        .bind(i64::from(settings.finished))
        .execute(&mut *write.tx)
        .await?;
        write.commit().await
    }

    /// Every prospect of whom an event said something.
    pub async fn enrolments(&self, org: &str) -> Result<Vec<EnrolmentState>, StoreError> {
        let rows = sqlx::query(
            "SELECT campaign, prospect, state, reason, until FROM enrolments WHERE org = $1
             ORDER BY campaign, prospect",
        )
        .bind(org)
        .fetch_all(self.pool())
        .await?;
        let now = Timestamp::now();
        rows.iter()
            .map(|row| {
                let until = row.try_get::<Option<i64>, _>("until")?.map(time).transpose()?;
                let state: String = row.try_get("state")?;
                Ok(EnrolmentState {
                    campaign: row.try_get("campaign")?,
                    prospect: row.try_get("prospect")?,
                    state: State::from_columns(&state, row.try_get("reason")?, until).at(now),
                })
            })
            .collect()
    }

    /// May the next step go out? `None` where there is no such send.
    pub async fn gate(
        &self,
        org: &str,
        of: &Enrolment<'_>,
        now: Timestamp,
    ) -> Result<Option<Gate>, StoreError> {
        let mut write = self.write().await?;
        let tx = &mut write.tx;
        let Some((campaign, prospect)) = key(tx, org, of).await? else { return Ok(None) };
        let facts = facts(tx, org, &campaign, &prospect).await?;
        let (gate, since) = decide(&facts, now);
        if since != facts.hold_since {
            sqlx::query(
                "INSERT INTO enrolments (org, campaign, prospect, hold_since) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (org, campaign, prospect) DO UPDATE SET hold_since = $4",
            )
            .bind(org)
            .bind(&campaign)
            .bind(&prospect)
            .bind(since.map(micros))
            .execute(&mut **tx)
            .await?;
        }
        write.commit().await?;
        Ok(Some(gate))
    }

    /// What [`Self::gate`] would say, for somebody who only looks: no hold begins with it.
    pub async fn look_at_gate(
        &self,
        org: &str,
        campaign: &str,
        prospect: &str,
        now: Timestamp,
    ) -> Result<Gate, StoreError> {
        let mut tx = self.pool().begin().await?;
        let facts = facts(&mut tx, org, campaign, prospect).await?;
        Ok(decide(&facts, now).0)
    }

    /// The state of a prospect in a campaign.
    pub async fn state(
        &self,
        org: &str,
        campaign: &str,
        prospect: &str,
        now: Timestamp,
    ) -> Result<State, StoreError> {
        let mut tx = self.pool().begin().await?;
        let settings = settings(&mut tx, org, campaign).await?;
        let (state, _) = stored(&mut tx, org, campaign, prospect).await?;
        Ok(state.in_campaign(settings.finished).at(now))
    }
}

/// What the gate's answer depends on.
async fn facts(
    tx: &mut Transaction<'static, Any>,
    org: &str,
    campaign: &str,
    prospect: &str,
) -> Result<Facts, StoreError> {
    let last = sqlx::query(
        "SELECT rep, account, address, sent_at FROM sends WHERE org = $1 AND campaign = $2 AND prospect = $3
         ORDER BY sent_at DESC LIMIT 1",
    )
    .bind(org)
    .bind(campaign)
    .bind(prospect)
    .fetch_optional(&mut **tx)
    .await?;
    let last = last.as_ref().map(LastSend::from_row).transpose()?;
    let (suppressed, checked_up_to) = match &last {
        Some(last) => (
            is_suppressed(tx, org, last.address.as_deref()).await?,
            coverage::checked_up_to(tx, org, &last.rep, &last.account).await?,
        ),
        None => (false, None),
    };
    let settings = settings(tx, org, campaign).await?;
    let (state, hold_since) = stored(tx, org, campaign, prospect).await?;
    Ok(Facts {
        state: state.in_campaign(settings.finished),
        suppressed,
        last_sent: last.map(|last| last.sent_at),
        checked_up_to,
        grace: settings.grace_seconds.map(|s| Duration::from_secs(s.into())),
        longest_hold: settings.longest_hold_seconds.map_or(LONGEST_HOLD, |s| Duration::from_secs(s.into())),
        hold_since,
    })
}

/// The last step that went out.
struct LastSend {
    rep: String,
    account: String,
    address: Option<String>,
    sent_at: Timestamp,
}

impl LastSend {
    fn from_row(row: &AnyRow) -> Result<Self, StoreError> {
        Ok(Self {
            rep: row.try_get("rep")?,
            account: row.try_get("account")?,
            address: row.try_get("address")?,
            sent_at: time(row.try_get("sent_at")?)?,
        })
    }
}

async fn key(
    tx: &mut Transaction<'static, Any>,
    org: &str,
    of: &Enrolment<'_>,
) -> Result<Option<(String, String)>, StoreError> {
    match of {
        Enrolment::Of { campaign, prospect } => Ok(Some(((*campaign).to_owned(), (*prospect).to_owned()))),
        Enrolment::OfSend(send) => {
            let row = sqlx::query("SELECT campaign, prospect FROM sends WHERE org = $1 AND id = $2")
                .bind(org)
                .bind(*send)
                .fetch_optional(&mut **tx)
                .await?;
            row.map(|row| Ok((row.try_get("campaign")?, row.try_get("prospect")?))).transpose()
        }
    }
}

async fn settings(
    tx: &mut Transaction<'static, Any>,
    org: &str,
    campaign: &str,
) -> Result<CampaignSettings, StoreError> {
    let row = sqlx::query(
        "SELECT grace_seconds, longest_hold_seconds, finished FROM campaigns WHERE org = $1 AND id = $2",
    )
    .bind(org)
    .bind(campaign)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(CampaignSettings::default()) };
    let seconds = |value: Option<i64>| value.and_then(|s| u32::try_from(s).ok());
    Ok(CampaignSettings {
        grace_seconds: seconds(row.try_get("grace_seconds")?),
        longest_hold_seconds: seconds(row.try_get("longest_hold_seconds")?),
        finished: row.try_get::<i64, _>("finished")? != 0,
    })
}

async fn stored(
    tx: &mut Transaction<'static, Any>,
    org: &str,
    campaign: &str,
    prospect: &str,
) -> Result<(State, Option<Timestamp>), StoreError> {
    let row = sqlx::query(
        "SELECT state, reason, until, hold_since FROM enrolments WHERE org = $1 AND campaign = $2 AND prospect = $3",
    )
    .bind(org)
    .bind(campaign)
    .bind(prospect)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok((State::Active, None)) };
    let until = row.try_get::<Option<i64>, _>("until")?.map(time).transpose()?;
    let state: String = row.try_get("state")?;
    let since = row.try_get::<Option<i64>, _>("hold_since")?.map(time).transpose()?;
    Ok((State::from_columns(&state, row.try_get("reason")?, until), since))
}

/// Whether an address must not be mailed: somebody asked for it, and it was not taken back.
async fn is_suppressed(
    tx: &mut Transaction<'static, Any>,
    org: &str,
    address: Option<&str>,
) -> Result<bool, StoreError> {
    let Some(address) = address else { return Ok(false) };
    let found = sqlx::query("SELECT 1 FROM events WHERE org = $1 AND address = $2 AND retracted = 0 LIMIT 1")
        .bind(org)
        .bind(address)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(found.is_some())
}

/// The stops and pauses that stand. The plus keeps SQLite from reading every event of the organisation in the order of `seq`, which it
/// prefers to sorting a few.
const STANDING: &str = "SELECT type, reason, until FROM events
     WHERE org = $1 AND campaign = $2 AND prospect = $3 AND retracted = 0 AND type IN ($4, $5) ORDER BY +seq";

/// Works the state out again from the events that stand.
pub(super) async fn refresh(
    tx: &mut Transaction<'static, Any>,
    org: &str,
    campaign: &str,
    prospect: &str,
) -> Result<(), StoreError> {
    let rows = sqlx::query(STANDING)
        .bind(org)
        .bind(campaign)
        .bind(prospect)
        .bind(EventType::Stop.as_str())
        .bind(EventType::Pause.as_str())
        .fetch_all(&mut **tx)
        .await?;
    let mut changes = Vec::with_capacity(rows.len());
    for row in rows {
        let event_type: String = row.try_get("type")?;
        changes.push(Change {
            event_type: EventType::parse(&event_type).ok_or(StoreError::Corrupt("events.type"))?,
            reason: row.try_get("reason")?,
            until: row.try_get::<Option<i64>, _>("until")?.map(time).transpose()?,
        });
    }
    let state = State::after(&changes);
    let (reason, until) = match &state {
        State::Stopped { reason } => (Some(reason.clone()), None),
        State::Paused { until } => (None, Some(micros(*until))),
        State::Active | State::Finished => (None, None),
    };
    sqlx::query(
        "INSERT INTO enrolments (org, campaign, prospect, state, reason, until) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (org, campaign, prospect) DO UPDATE SET state = $4, reason = $5, until = $6",
    )
    .bind(org)
    .bind(campaign)
    .bind(prospect)
    .bind(state.name())
    .bind(reason)
    .bind(until)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_events_of_one_prospect_are_found_without_reading_those_of_all() {
        let folder = tempfile::TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("backend.db").display());
        let store = Store::open(&url).await.unwrap();
        let plan = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {STANDING}")));
        let plan =
            ["acme", "cmp_1", "p_1", "stop", "pause"].iter().fold(plan, |plan, value| plan.bind(*value));
        let rows = plan.fetch_all(store.pool()).await.unwrap();
        let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        assert!(steps.iter().any(|step| step.contains("events_enrolment")), "{steps:?}");
    }
}
