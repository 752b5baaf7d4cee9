//! The endpoint that is an organisation's Salesforce: the same leases, order, retries and dead letters as a webhook's.

use std::sync::Arc;
use std::time::Duration;

use answerback_backend::salesforce::{Connector, Journal, Record, SalesforceError, Settings, Wrote};
use answerback_backend::{Event, EventType};
use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::schedule::Outcome;
use crate::store::deliveries::{Attempt, Delivery, LEASE};
use crate::store::salesforce::StoreJournal;
use crate::store::{Store, StoreError};

/// Shorter than a lease: whoever writes still holds it when the answer comes.
const TIMEOUT: Duration = LEASE.saturating_sub(Duration::from_secs(5));
/// How long events wait while the whole organisation is short of requests.
const ORGANISATION_HOLD: Duration = Duration::from_secs(15 * 60);

/// Writes one organisation's events into its Salesforce.
#[derive(Clone, Debug)]
pub struct Salesforce {
    connector: Arc<Connector>,
    journal: StoreJournal,
}

impl Salesforce {
    /// With the administrator's settings; the secrets are read now.
    pub fn new(store: Store, org: &str, settings: Settings) -> Result<Self, SalesforceError> {
        let grant = settings.grant()?;
        let connector = Arc::new(Connector::new(settings, grant)?);
        Ok(Self { connector, journal: StoreJournal { store, org: org.to_owned() } })
    }

    /// Until when nothing may be written, because the day's requests are used up.
    pub async fn hold(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let settings = self.connector.settings();
        let used = self.journal.store.salesforce_requests(&self.journal.org, now).await?;
        if used >= i64::from(settings.daily_calls) {
            tracing::warn!(
                org = self.journal.org,
                used,
                "the day's requests to Salesforce are used up; events wait until tomorrow (UTC)"
            );
            let tomorrow =
                now.to_zoned(TimeZone::UTC).start_of_day().and_then(|day| day.checked_add(1.day()));
            return Ok(Some(tomorrow.map_or(now, |day| day.timestamp())));
        }
        let short = self.connector.usage().is_some_and(|usage| {
            u64::from(usage.used) * 100 >= u64::from(usage.limit) * u64::from(settings.organisation_percent)
        });
        if short {
            tracing::warn!(
                org = self.journal.org,
                "the organisation is short of Salesforce requests; events wait"
            );
            // Looked at afresh then: the next answer says how many there are.
            self.connector.forget_usage();
            return Ok(now.checked_add(ORGANISATION_HOLD).ok());
        }
        Ok(None)
    }

    /// Writes a leased event.
    pub async fn deliver(&self, delivery: &Delivery) -> Result<Attempt, StoreError> {
        let delivered = Attempt { outcome: Outcome::Delivered, problem: None };
        let event: Option<Event> = delivery.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
        // What it said was erased: there is nothing left to write.
        let Some(event) = event else { return Ok(delivered) };
        let result = tokio::time::timeout(TIMEOUT, self.write(&event)).await;
        let requests = self.connector.take_calls();
        self.journal.store.count_salesforce_requests(&self.journal.org, Timestamp::now(), requests).await?;
        Ok(match result {
            Ok(Ok(())) => delivered,
            Ok(Err(error)) => {
                let outcome = match error.is_general() {
                    true => Outcome::Down { retry_after: error.retry_after() },
                    false => Outcome::Refused,
                };
                Attempt { outcome, problem: Some(error.to_string()) }
            }
            Err(_) => {
                let problem = Some("Salesforce did not answer in time.".to_owned());
                Attempt { outcome: Outcome::Down { retry_after: None }, problem }
            }
        })
    }

    async fn write(&self, event: &Event) -> Result<(), SalesforceError> {
        let Self { connector, journal } = self;
        let failed = |error: StoreError| answerback_backend::salesforce::JournalError(error.to_string());
        let context =
            journal.store.salesforce_context(&journal.org, &event.id.to_string()).await.map_err(failed)?;
        // Taken back before it was written: the retraction finds nothing to undo.
        let untouched = context.retracted && journal.load(event.id).await? == Record::default();
        if untouched && event.event_type() != EventType::Retract {
            return Ok(());
        }
        let wrote = connector.deliver(event, context.send.as_ref(), journal, Timestamp::now()).await?;
        if wrote == Wrote::Skipped {
            tracing::warn!(org = journal.org, event = %event.id, "nobody in Salesforce to log it to; it is skipped, as set");
        } else {
            tracing::info!(org = journal.org, event = %event.id, ?wrote, "written into Salesforce");
        }
        Ok(())
    }
}
