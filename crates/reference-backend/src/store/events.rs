//! The events that came: each counts once, for ever.

use answerback_backend::event::{EventData, SendRef, SuppressReason};
use answerback_backend::{Event, EventResult, EventStatus, EventType, event::StopReason};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::value::RawValue;
use sqlx::{Any, Row, Transaction};
use uuid::Uuid;

use super::coverage_commit::Report;
use super::{Store, StoreError, coverage, deliveries, enrolments, micros, normalise};

/// An event of a batch: read, or the reason why it can't be.
#[derive(Clone, Debug)]
pub struct IncomingEvent {
    /// Its id, where that could be read.
    pub id: Option<Uuid>,
    /// The event, and the JSON text that it came as.
    pub event: Result<(Event, Box<RawValue>), String>,
}

/// A page of the events that came.
#[derive(Clone, Debug)]
pub struct EventsPage {
    /// As they came, oldest first.
    pub events: Vec<Box<RawValue>>,
    /// The last number of the page.
    pub last: i64,
    /// Whether there is more at once.
    pub has_more: bool,
}

impl Store {
    /// Takes a batch from a rep's laptop. When this returns, it is durable as a whole.
    pub async fn receive(
        &self,
        org: &str,
        rep: &str,
        batch: &[IncomingEvent],
    ) -> Result<Vec<EventResult>, StoreError> {
        let now = Timestamp::now();
        if let Some(reports) = only_coverage(batch, now) {
            let newer = self.report_coverage(org, rep, &reports).await?;
            let results = batch.iter().zip(newer).map(|(incoming, newer)| {
                let (status, reason) = if newer { Fate::Accepted } else { Fate::Duplicate }.status();
                EventResult { id: incoming.id, status, reason }
            });
            return Ok(results.collect());
        }
        let mut write = self.write().await?;
        let tx = &mut write.tx;
        // Coverage, which every laptop reports every minute, has no number: it does not wait for the organisation's row.
        let numbered =
            batch.iter().filter(|e| e.event.as_ref().is_ok_and(|(e, _)| e.data.about().is_some())).count();
        let mut seq = if numbered > 0 { lock_numbers(tx, org, numbered).await? } else { 0 };
        let mut results = Vec::with_capacity(batch.len());
        for incoming in batch {
            let (status, reason) = match &incoming.event {
                Err(reason) => (EventStatus::Rejected, Some(reason.clone())),
                Ok((event, raw)) => {
                    let fate = match (&event.data, event.account()) {
                        (_, None) => Fate::Rejected("source is not answerback:/accounts/<account id>"),
                        (EventData::Coverage(report), Some(_)) if coverage::is_of_the_future(report, now) => {
                            Fate::Rejected("checked_up_to lies in the future: the laptop's clock is ahead")
                        }
                        (EventData::Coverage(report), Some(account)) => {
                            match coverage::report(tx, org, rep, account, report, now).await? {
                                true => Fate::Accepted,
                                false => Fate::Duplicate,
                            }
                        }
                        (..) => {
                            seq += 1;
                            record(tx, &Place { org, rep, seq, now }, event, raw).await?
                        }
                    };
                    fate.status()
                }
            };
            results.push(EventResult { id: incoming.id, status, reason });
        }
        write.commit().await?;
        Ok(results)
    }

    /// What came after a number, oldest first. Coverage is not among it: only the newest of each account counts.
    pub async fn events(&self, org: &str, after: i64, limit: i64) -> Result<EventsPage, StoreError> {
        let rows = sqlx::query(
            "SELECT seq, body FROM events WHERE org = $1 AND seq > $2 AND body IS NOT NULL ORDER BY seq LIMIT $3",
        )
        .bind(org)
        .bind(after)
        .bind(limit + 1)
        .fetch_all(self.pool())
        .await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut page = EventsPage { events: Vec::new(), last: after, has_more: rows.len() > limit };
        for row in rows.iter().take(limit) {
            page.last = row.try_get("seq")?;
            let body: String = row.try_get("body")?;
            page.events.push(RawValue::from_string(body).map_err(|_| StoreError::Corrupt("events.body"))?);
        }
        Ok(page)
    }
}

/// The reports of a batch that holds nothing else, which is what a laptop without news sends.
fn only_coverage(batch: &[IncomingEvent], now: Timestamp) -> Option<Vec<Report>> {
    let report = |incoming: &IncomingEvent| {
        let (event, _) = incoming.event.as_ref().ok()?;
        match &event.data {
            EventData::Coverage(coverage) if !coverage::is_of_the_future(coverage, now) => {
                Some(Report { account: event.account()?, coverage: coverage.clone() })
            }
            _ => None,
        }
    };
    batch.iter().map(report).collect::<Option<Vec<_>>>().filter(|reports| !reports.is_empty())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Accepted,
    Duplicate,
    Rejected(&'static str),
}

impl Fate {
    fn status(self) -> (EventStatus, Option<String>) {
        match self {
            Self::Accepted => (EventStatus::Accepted, None),
            Self::Duplicate => (EventStatus::Duplicate, None),
            Self::Rejected(reason) => (EventStatus::Rejected, Some(reason.into())),
        }
    }
}

/// Where an event goes.
struct Place<'a> {
    org: &'a str,
    rep: &'a str,
    seq: i64,
    now: Timestamp,
}

/// Takes `count` numbers; gives the one before the first. Whoever holds them is alone until its transaction ends, so that
/// numbers become visible in order and each state is worked out from all events.
async fn lock_numbers(
    tx: &mut Transaction<'static, Any>,
    org: &str,
    count: usize,
) -> Result<i64, StoreError> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let row =
        sqlx::query("UPDATE organisations SET event_seq = event_seq + $2 WHERE id = $1 RETURNING event_seq")
            .bind(org)
            .bind(count)
            .fetch_one(&mut **tx)
            .await?;
    Ok(row.try_get::<i64, _>("event_seq")? - count)
}

async fn record(
    tx: &mut Transaction<'static, Any>,
    row: &Place<'_>,
    event: &Event,
    raw: &RawValue,
) -> Result<Fate, StoreError> {
    let Some(about) = event.data.about() else { return Ok(Fate::Rejected("it names no send")) };
    let Some((campaign, prospect)) = enrolment_of(tx, row, about).await? else {
        return Ok(Fate::Rejected("that send is another rep's"));
    };
    let (reason, until, address) = columns(&event.data);
    let early = sqlx::query("DELETE FROM early_retractions WHERE org = $1 AND rep = $2 AND event_id = $3")
        .bind(row.org)
        .bind(row.rep)
        .bind(event.id.to_string())
        .execute(&mut **tx)
        .await?;
    let new = sqlx::query(
        "INSERT INTO events (org, id, seq, rep, type, send_id, campaign, prospect, received_at, reason, until, address,
             retracted, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (org, id) DO NOTHING",
    )
    .bind(row.org)
    .bind(event.id.to_string())
    .bind(row.seq)
    .bind(row.rep)
    .bind(event.event_type().as_str())
    .bind(&about.send_id)
    .bind(&campaign)
    .bind(&prospect)
    .bind(micros(row.now))
    .bind(reason)
    .bind(until)
    .bind(address)
    .bind(i64::from(early.rows_affected() > 0))
    .bind(raw.get())
    .execute(&mut **tx)
    .await?;
    if new.rows_affected() == 0 {
        return Ok(Fate::Duplicate);
    }
    deliveries::enqueue(tx, row.org, row.seq, event.id, &about.send_id, row.now).await?;
    match &event.data {
        EventData::Stop(_) | EventData::Pause(_) => {
            enrolments::refresh(tx, row.org, &campaign, &prospect).await?
        }
        EventData::Retract(retract) => {
            for id in &retract.event_ids {
                take_back(tx, row, *id).await?;
            }
        }
        EventData::Suppress(_) | EventData::Log(_) | EventData::Coverage(_) => {}
    }
    Ok(Fate::Accepted)
}

/// The enrolment that an event is about: that of its send. A send that is not known here (the database was set back)
/// is taken at the laptop's word, unless the prospect is another rep's. `None` where it is another rep's.
async fn enrolment_of(
    tx: &mut Transaction<'static, Any>,
    row: &Place<'_>,
    about: &SendRef,
) -> Result<Option<(String, String)>, StoreError> {
    let send = sqlx::query("SELECT rep, campaign, prospect FROM sends WHERE org = $1 AND id = $2")
        .bind(row.org)
        .bind(&about.send_id)
        .fetch_optional(&mut **tx)
        .await?;
    if let Some(send) = send {
        let mine = send.try_get::<String, _>("rep")? == row.rep;
        return Ok(if mine { Some((send.try_get("campaign")?, send.try_get("prospect")?)) } else { None });
    }
    let (Some(campaign), Some(prospect)) = (&about.campaign_id, &about.prospect_id) else {
        return Ok(Some((String::new(), about.send_id.clone())));
    };
    let others = sqlx::query(
        "SELECT COUNT(*) AS all_sends, COUNT(CASE WHEN rep = $4 THEN 1 END) AS mine FROM sends
         WHERE org = $1 AND campaign = $2 AND prospect = $3",
    )
    .bind(row.org)
    .bind(campaign)
    .bind(prospect)
    .bind(row.rep)
    .fetch_one(&mut **tx)
    .await?;
    let (all, mine): (i64, i64) = (others.try_get("all_sends")?, others.try_get("mine")?);
    Ok(if all > 0 && mine == 0 { None } else { Some((campaign.clone(), prospect.clone())) })
}

/// Takes an event of the same rep back; one that has not come yet is taken back when it comes.
async fn take_back(tx: &mut Transaction<'static, Any>, row: &Place<'_>, id: Uuid) -> Result<(), StoreError> {
    let found = sqlx::query(
        "UPDATE events SET retracted = 1 WHERE org = $1 AND id = $2 AND rep = $3 RETURNING campaign, prospect, type",
    )
    .bind(row.org)
    .bind(id.to_string())
    .bind(row.rep)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(found) = found else {
        sqlx::query(
            "INSERT INTO early_retractions (org, rep, event_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(row.org)
        .bind(row.rep)
        .bind(id.to_string())
        .execute(&mut **tx)
        .await?;
        return Ok(());
    };
    let event_type: String = found.try_get("type")?;
    if matches!(EventType::parse(&event_type), Some(EventType::Stop | EventType::Pause)) {
        let (campaign, prospect): (String, String) = (found.try_get("campaign")?, found.try_get("prospect")?);
        enrolments::refresh(tx, row.org, &campaign, &prospect).await?;
    }
    Ok(())
}

/// What later decisions need of an event, so that its text can be erased.
fn columns(data: &EventData) -> (Option<&'static str>, Option<i64>, Option<String>) {
    match data {
        EventData::Stop(stop) => (Some(stop_reason(stop.reason)), None, None),
        EventData::Pause(pause) => {
            let until = pause.until.to_zoned(TimeZone::UTC).ok().map(|day| micros(day.timestamp()));
            (None, until, None)
        }
        EventData::Suppress(suppress) => {
            let reason = match suppress.reason {
                SuppressReason::OptOut => "opt_out",
                SuppressReason::Complaint => "complaint",
                SuppressReason::InvalidAddress => "invalid_address",
            };
            (Some(reason), None, Some(normalise(&suppress.address)))
        }
        EventData::Log(_) | EventData::Retract(_) | EventData::Coverage(_) => (None, None, None),
    }
}

/// A reason's name, as the wire has it.
pub(crate) const fn stop_reason(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Reply => "reply",
        StopReason::OptOut => "opt_out",
        StopReason::CalendarResponse => "calendar_response",
        StopReason::Bounce => "bounce",
        StopReason::Complaint => "complaint",
    }
}
