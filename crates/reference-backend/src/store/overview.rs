//! What an administrator looks at.

use answerback_backend::{Event, EventType};
use answerback_reply::TrackedSend;
use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Store, StoreError, micros, time};
use crate::enrolment::State;

/// An event as it came, and what became of it.
#[derive(Clone, Debug)]
pub struct ReceivedEvent {
    /// Its number.
    pub seq: i64,
    /// The rep whose laptop sent it.
    pub rep: String,
    /// The campaign; empty for a send that is alone.
    pub campaign: String,
    /// The prospect; the send's id for a send that is alone.
    pub prospect: String,
    /// When it came.
    pub received_at: Timestamp,
    /// Whether the rep took it back.
    pub retracted: bool,
    /// What sort of event it is.
    pub event_type: Option<EventType>,
    /// What it said; `None` where that was erased.
    pub event: Option<Event>,
}

/// A campaign and how its prospects are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignSummary {
    /// Its id.
    pub id: String,
    /// Its name, where a send gave one.
    pub name: Option<String>,
    /// When its last step went out.
    pub last_sent_at: Option<Timestamp>,
    /// Whether the platform said that it is over.
    pub finished: bool,
    /// How many prospects it has.
    pub people: i64,
    /// Of these, whose steps are paused.
    pub paused: i64,
    /// Of these, for whom it is stopped.
    pub stopped: i64,
}

/// A prospect in a campaign.
#[derive(Clone, Debug)]
pub struct Person {
    /// The prospect's id.
    pub prospect: String,
    /// The state now.
    pub state: State,
    /// The last send.
    pub last_send: Option<TrackedSend>,
}

/// An address that is not mailed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The address.
    pub address: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

const EVENT_COLUMNS: &str = "seq, rep, campaign, prospect, received_at, retracted, type, body";

impl ReceivedEvent {
    fn from_row(row: &AnyRow) -> Result<Self, StoreError> {
        let event_type: String = row.try_get("type")?;
        let body: Option<String> = row.try_get("body")?;
        Ok(Self {
            seq: row.try_get("seq")?,
            rep: row.try_get("rep")?,
            campaign: row.try_get("campaign")?,
            prospect: row.try_get("prospect")?,
            received_at: time(row.try_get("received_at")?)?,
            retracted: row.try_get::<i64, _>("retracted")? != 0,
            event_type: EventType::parse(&event_type),
            event: body.and_then(|body| serde_json::from_str(&body).ok()),
        })
    }
}

impl Store {
    /// The newest events of a type before a number.
    pub async fn newest_events(
        &self,
        org: &str,
        event_type: EventType,
        before: i64,
        limit: i64,
    ) -> Result<Vec<ReceivedEvent>, StoreError> {
        let sql = format!(
            "SELECT {EVENT_COLUMNS} FROM events WHERE org = $1 AND type = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(org)
            .bind(event_type.as_str())
            .bind(before)
            .bind(limit)
            .fetch_all(self.pool())
            .await?;
        rows.iter().map(ReceivedEvent::from_row).collect()
    }

    /// The newest events about one prospect in a campaign.
    pub async fn events_about(
        &self,
        org: &str,
        campaign: &str,
        prospect: &str,
        limit: i64,
    ) -> Result<Vec<ReceivedEvent>, StoreError> {
        let sql = format!(
            "SELECT {EVENT_COLUMNS} FROM events WHERE org = $1 AND campaign = $2 AND prospect = $3 ORDER BY +seq DESC LIMIT $4"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(org)
            .bind(campaign)
            .bind(prospect)
            .bind(limit)
            .fetch_all(self.pool())
            .await?;
        rows.iter().map(ReceivedEvent::from_row).collect()
    }

    /// The newest sends to one prospect in a campaign.
    pub async fn sends_to(
        &self,
        org: &str,
        campaign: &str,
        prospect: &str,
        limit: i64,
    ) -> Result<Vec<TrackedSend>, StoreError> {
        let rows = sqlx::query(
            "SELECT body FROM sends WHERE org = $1 AND campaign = $2 AND prospect = $3 ORDER BY sent_at DESC LIMIT $4",
        )
        .bind(org)
        .bind(campaign)
        .bind(prospect)
        .bind(limit)
        .fetch_all(self.pool())
        .await?;
        let bodies: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get("body")).collect();
        // An erased send has nothing to show.
        Ok(bodies?.iter().filter_map(|body| serde_json::from_str(body).ok()).collect())
    }

    /// How many campaigns were stopped since a time, for each reason.
    pub async fn stops_since(&self, org: &str, since: Timestamp) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = sqlx::query(
            "SELECT reason, COUNT(*) AS n FROM events
             WHERE org = $1 AND received_at >= $2 AND type = $3 AND retracted = 0 GROUP BY reason ORDER BY n DESC",
        )
        .bind(org)
        .bind(micros(since))
        .bind(EventType::Stop.as_str())
        .fetch_all(self.pool())
        .await?;
        let read = |row: &AnyRow| {
            Ok((row.try_get::<Option<String>, _>("reason")?.unwrap_or_default(), row.try_get("n")?))
        };
        rows.iter().map(read).collect()
    }

    /// The campaigns, the one with the newest send first.
    pub async fn campaigns(
        &self,
        org: &str,
        offset: i64,
        limit: i64,
        now: Timestamp,
    ) -> Result<Vec<CampaignSummary>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, name, last_sent_at, finished,
                (SELECT COUNT(DISTINCT s.prospect) FROM sends s WHERE s.org = c.org AND s.campaign = c.id) AS people,
                (SELECT COUNT(*) FROM enrolments e WHERE e.org = c.org AND e.campaign = c.id
                    AND e.state = 'paused' AND e.until > $4) AS paused,
                (SELECT COUNT(*) FROM enrolments e WHERE e.org = c.org AND e.campaign = c.id AND e.state = 'stopped') AS stopped
             FROM (SELECT org, id, name, last_sent_at, finished FROM campaigns WHERE org = $1
                   ORDER BY last_sent_at DESC, id DESC LIMIT $2 OFFSET $3) c
             ORDER BY last_sent_at DESC, id DESC",
        )
        .bind(org)
        .bind(limit)
        .bind(offset)
        .bind(micros(now))
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(CampaignSummary {
                    id: row.try_get("id")?,
                    name: row.try_get("name")?,
                    last_sent_at: row.try_get::<Option<i64>, _>("last_sent_at")?.map(time).transpose()?,
                    finished: row.try_get::<i64, _>("finished")? != 0,
                    people: row.try_get("people")?,
                    paused: row.try_get("paused")?,
                    stopped: row.try_get("stopped")?,
                })
            })
            .collect()
    }

    /// The name that a campaign's sends gave it, if any; `None` where there is no such campaign.
    pub async fn campaign_name(&self, org: &str, id: &str) -> Result<Option<Option<String>>, StoreError> {
        let row = sqlx::query("SELECT name FROM campaigns WHERE org = $1 AND id = $2")
            .bind(org)
            .bind(id)
            .fetch_optional(self.pool())
            .await?;
        Ok(row.map(|row| row.try_get("name")).transpose()?)
    }

    /// Prospects of a campaign: all, or those in a stored state.
    pub async fn people(
        &self,
        org: &str,
        campaign: &str,
        state: Option<&str>,
        offset: i64,
        limit: i64,
        now: Timestamp,
    ) -> Result<Vec<Person>, StoreError> {
        let rows = sqlx::query(if state.is_some() {
            "SELECT prospect FROM enrolments WHERE org = $1 AND campaign = $2 AND state = $3
                AND ($3 <> 'paused' OR until > $4) ORDER BY prospect LIMIT $5 OFFSET $6"
        } else {
            "SELECT DISTINCT prospect FROM sends WHERE org = $1 AND campaign = $2 AND $3 = '' AND $4 > 0
             ORDER BY prospect LIMIT $5 OFFSET $6"
        })
        .bind(org)
        .bind(campaign)
        .bind(state.unwrap_or_default())
        .bind(micros(now))
        .bind(limit)
        .bind(offset)
        .fetch_all(self.pool())
        .await?;
        let mut people = Vec::with_capacity(rows.len());
        for row in rows {
            let prospect: String = row.try_get("prospect")?;
            let last_send = self.sends_to(org, campaign, &prospect, 1).await?.pop();
            let state = self.state(org, campaign, &prospect, now).await?;
            people.push(Person { prospect, state, last_send });
        }
        Ok(people)
    }

    /// Addresses that are not mailed, the newest first, before a number; gives the last number as well.
    pub async fn suppressions(
        &self,
        org: &str,
        before: i64,
        limit: i64,
    ) -> Result<(Vec<Suppression>, Option<i64>), StoreError> {
        let rows = sqlx::query(
            "SELECT seq, address, reason, received_at FROM events
             WHERE org = $1 AND type = $2 AND seq < $3 AND retracted = 0 AND address IS NOT NULL ORDER BY seq DESC LIMIT $4",
        )
        .bind(org)
        .bind(EventType::Suppress.as_str())
        .bind(before)
        .bind(limit)
        .fetch_all(self.pool())
        .await?;
        let last = rows.last().map(|row| row.try_get("seq")).transpose()?;
        let read = |row: &AnyRow| {
            Ok(Suppression {
                address: row.try_get("address")?,
                reason: row.try_get::<Option<String>, _>("reason")?.unwrap_or_default(),
                since: time(row.try_get("received_at")?)?,
            })
        };
        Ok((rows.iter().map(read).collect::<Result<_, StoreError>>()?, last))
    }
}
