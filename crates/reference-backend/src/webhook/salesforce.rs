//! The endpoint that is an organisation's Salesforce: the same leases, order, retries and dead letters as a webhook's.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use answerback_backend::salesforce::trial::trial;
use answerback_backend::salesforce::{Connector, Finding, Journal, Record, SalesforceError, Settings, Wrote};
use answerback_backend::{Event, EventType};
use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::schedule::Outcome;
use crate::store::deliveries::{Attempt, Delivery, LEASE};
use crate::store::salesforce::StoreJournal;
use crate::store::{Store, StoreError};

const LATE: &str = "Salesforce did not answer in time.";
/// Shorter than a lease: whoever writes still holds it when the answer comes.
const TIMEOUT: Duration = LEASE.saturating_sub(Duration::from_secs(5));
/// How long events wait while the whole organisation is short of requests.
const ORGANISATION_HOLD: Duration = Duration::from_secs(15 * 60);

/// A whole check or trial takes no longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connector with the mapping of a time.
type Mapped = (Timestamp, Arc<Connector>);

/// Writes one organisation's events into its Salesforce. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Salesforce {
    /// As the server's settings say.
    first: Arc<Connector>,
    /// As it was mapped last, and when.
    mapped: Arc<Mutex<Option<Mapped>>>,
    journal: StoreJournal,
}

impl Salesforce {
    /// With the administrator's settings; the secrets are read now.
    pub fn new(store: Store, org: &str, settings: Settings) -> Result<Self, SalesforceError> {
        let grant = settings.grant()?;
        let first = Arc::new(Connector::new(settings, grant)?);
        let journal = StoreJournal { store, org: org.to_owned() };
        Ok(Self { first, mapped: Arc::default(), journal })
    }

    /// The settings of the server's file.
    pub fn settings(&self) -> &Settings {
        self.first.settings()
    }

    /// The connector with the mapping that holds now: another copy of the server may have changed it.
    pub async fn connector(&self) -> Result<Arc<Connector>, StoreError> {
        let stored = self.journal.store.salesforce_mapping(&self.journal.org).await?;
        let mut mapped = self.mapped.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((mapping, at)) = stored else {
            *mapped = None;
            return Ok(self.first.clone());
        };
        if let Some((_, connector)) = mapped.as_ref().filter(|(then, _)| *then == at) {
            return Ok(connector.clone());
        }
        // It was checked before it was kept.
        let connector =
            self.first.with_mapping(mapping).map_err(|_| StoreError::Corrupt("a mapping to Salesforce"))?;
        let connector = Arc::new(connector);
        *mapped = Some((at, connector.clone()));
        Ok(connector)
    }

    /// Requests of today (UTC), and how many there may be.
    pub async fn requests(&self, now: Timestamp) -> Result<(i64, u32), StoreError> {
        let used = self.journal.store.salesforce_requests(&self.journal.org, now).await?;
        Ok((used, self.settings().daily_calls))
    }

    /// Looks at what the integration user can do; a sentence where that can't be seen.
    pub async fn check(&self) -> Result<Result<Vec<Finding>, String>, StoreError> {
        let connector = self.connector().await?;
        self.counted(async { connector.check().await.map_err(|error| error.to_string()) }).await
    }

    /// Logs an answer of whoever has this address and removes it again; tells which objects were written.
    pub async fn trial(&self, address: &str) -> Result<Result<Vec<String>, String>, StoreError> {
        let connector = self.connector().await?;
        let trial = trial(&connector, address, Timestamp::now());
        self.counted(async { trial.await.map_err(|error| error.to_string()) }).await
    }

    /// Counts the requests of what an administrator asked for, as all others are.
    async fn counted<T>(
        &self,
        asked: impl Future<Output = Result<T, String>>,
    ) -> Result<Result<T, String>, StoreError> {
        let answer = tokio::time::timeout(PATIENCE, asked).await;
        self.count().await?;
        Ok(answer.unwrap_or_else(|_| Err(LATE.into())))
    }

    async fn count(&self) -> Result<(), StoreError> {
        let requests = self.first.take_calls();
        self.journal.store.count_salesforce_requests(&self.journal.org, Timestamp::now(), requests).await
    }

    /// Until when nothing may be written, because the day's requests are used up.
    pub async fn hold(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let settings = self.settings();
        let (used, budget) = self.requests(now).await?;
        if used >= i64::from(budget) {
            tracing::warn!(
                org = self.journal.org,
                used,
                "the day's requests to Salesforce are used up; events wait until tomorrow (UTC)"
            );
            let tomorrow =
                now.to_zoned(TimeZone::UTC).start_of_day().and_then(|day| day.checked_add(1.day()));
            return Ok(Some(tomorrow.map_or(now, |day| day.timestamp())));
        }
        let short = self.first.usage().is_some_and(|usage| {
            u64::from(usage.used) * 100 >= u64::from(usage.limit) * u64::from(settings.organisation_percent)
        });
        if short {
            tracing::warn!(
                org = self.journal.org,
                "the organisation is short of Salesforce requests; events wait"
            );
            // Looked at afresh then: the next answer says how many there are.
            self.first.forget_usage();
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
        let connector = self.connector().await?;
        let result = tokio::time::timeout(TIMEOUT, self.write(&connector, &event)).await;
        self.count().await?;
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
                let problem = Some(LATE.to_owned());
                Attempt { outcome: Outcome::Down { retry_after: None }, problem }
            }
        })
    }

    async fn write(&self, connector: &Connector, event: &Event) -> Result<(), SalesforceError> {
        let journal = &self.journal;
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
