//! The endpoint that is an organisation's CRM: the same leases, order, retries and dead letters as a webhook's.

mod records;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use answerback_backend::crm::budget::{self, Hold};
use answerback_backend::crm::trial::trial;
use answerback_backend::crm::{Crm, CrmError, Finding, Journal, JournalError, Record, Wrote};
use answerback_backend::{Event, EventType, hubspot, salesforce};
use jiff::Timestamp;

use self::records::StoreJournal;
pub use self::records::{CRMS, HUBSPOT, SALESFORCE};
use super::schedule::Outcome;
use crate::store::deliveries::{Attempt, Delivery, LEASE};
use crate::store::{Store, StoreError};

const LATE: &str = "The CRM did not answer in time.";
/// Shorter than a lease: whoever writes still holds it when the answer comes.
const TIMEOUT: Duration = LEASE.saturating_sub(Duration::from_secs(5));
/// A whole check or trial takes no longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Writes one organisation's events into its CRM. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Endpoint {
    connector: Connector,
    journal: StoreJournal,
}

#[derive(Clone, Debug)]
enum Connector {
    Salesforce(Salesforce),
    HubSpot(Arc<hubspot::Connector>),
}

/// A connector whose mapping an administrator can change while the server runs.
#[derive(Clone, Debug)]
struct Salesforce {
    /// As the server's settings say.
    first: Arc<salesforce::Connector>,
    /// As it was mapped last, and when.
    mapped: Arc<Mutex<Option<Mapped>>>,
}

/// A connector with the mapping of a time.
type Mapped = (Timestamp, Arc<salesforce::Connector>);

impl Endpoint {
    /// An organisation's Salesforce; the secrets are read now.
    pub fn salesforce(store: Store, org: &str, settings: salesforce::Settings) -> Result<Self, CrmError> {
        let grant = settings.grant()?;
        let first = Arc::new(salesforce::Connector::new(settings, grant)?);
        let connector = Connector::Salesforce(Salesforce { first, mapped: Arc::default() });
        Ok(Self { connector, journal: StoreJournal { store, org: org.to_owned(), crm: SALESFORCE } })
    }

    /// An organisation's HubSpot; the token is read now.
    pub fn hubspot(store: Store, org: &str, settings: hubspot::Settings) -> Result<Self, CrmError> {
        let token = settings.secret()?;
        let connector = Connector::HubSpot(Arc::new(hubspot::Connector::new(settings, token)?));
        Ok(Self { connector, journal: StoreJournal { store, org: org.to_owned(), crm: HUBSPOT } })
    }

    /// The settings of the server's file, where it is a Salesforce.
    pub fn salesforce_settings(&self) -> Option<&salesforce::Settings> {
        match &self.connector {
            Connector::Salesforce(salesforce) => Some(salesforce.first.settings()),
            Connector::HubSpot(_) => None,
        }
    }

    /// Requests of today (UTC), and how many there may be.
    pub async fn requests(&self, now: Timestamp) -> Result<(i64, u32), StoreError> {
        let used = self.journal.requests(now).await?;
        let most = match &self.connector {
            Connector::Salesforce(salesforce) => salesforce.first.settings().daily_calls,
            Connector::HubSpot(hubspot) => hubspot.settings().daily_calls,
        };
        Ok((used, most))
    }

    /// Looks at what may be done there; a sentence where that can't be seen.
    pub async fn check(&self) -> Result<Result<Vec<Finding>, String>, StoreError> {
        let checked = match &self.connector {
            Connector::Salesforce(salesforce) => {
                let connector = salesforce.connector(&self.journal).await?;
                tokio::time::timeout(PATIENCE, connector.check()).await
            }
            Connector::HubSpot(hubspot) => tokio::time::timeout(PATIENCE, hubspot.check()).await,
        };
        self.count().await?;
        Ok(checked.map_or_else(|_| Err(LATE.into()), |checked| checked.map_err(|error| error.to_string())))
    }

    /// Logs an answer of whoever has this address and removes it again; tells which objects were written.
    pub async fn trial(&self, address: &str) -> Result<Result<Vec<String>, String>, StoreError> {
        let now = Timestamp::now();
        let tried = match &self.connector {
            Connector::Salesforce(salesforce) => {
                let connector = salesforce.connector(&self.journal).await?;
                tokio::time::timeout(PATIENCE, trial(&*connector, address, now)).await
            }
            Connector::HubSpot(hubspot) => {
                tokio::time::timeout(PATIENCE, trial(&**hubspot, address, now)).await
            }
        };
        self.count().await?;
        Ok(tried.map_or_else(|_| Err(LATE.into()), |tried| tried.map_err(|error| error.to_string())))
    }

    /// Until when nothing may be written, because the day's requests are used up.
    pub async fn hold(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let (org, crm) = (&self.journal.org, self.journal.crm);
        let (used, most) = self.requests(now).await?;
        let hold = match &self.connector {
            Connector::Salesforce(salesforce) => salesforce.first.hold(used, now),
            Connector::HubSpot(_) => budget::ours(used, most, now),
        };
        match hold {
            Some(Hold::Ours(_)) => {
                tracing::warn!(
                    org,
                    crm,
                    used,
                    "the day's requests are used up; events wait until tomorrow (UTC)"
                );
            }
            Some(Hold::TheirOwn(_)) => {
                tracing::warn!(org, crm, "the organisation is short of requests; events wait");
            }
            None => {}
        }
        Ok(hold.map(Hold::until))
    }

    /// Writes a leased event.
    pub async fn deliver(&self, delivery: &Delivery) -> Result<Attempt, StoreError> {
        let delivered = Attempt { outcome: Outcome::Delivered, problem: None };
        let event: Option<Event> = delivery.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
        // What it said was erased: there is nothing left to write.
        let Some(event) = event else { return Ok(delivered) };
        let result = match &self.connector {
            Connector::Salesforce(salesforce) => {
                let connector = salesforce.connector(&self.journal).await?;
                tokio::time::timeout(TIMEOUT, self.write(&*connector, &event)).await
            }
            Connector::HubSpot(hubspot) => {
                tokio::time::timeout(TIMEOUT, self.write(&**hubspot, &event)).await
            }
        };
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
                Attempt { outcome: Outcome::Down { retry_after: None }, problem: Some(LATE.to_owned()) }
            }
        })
    }

    async fn write(&self, crm: &impl Crm, event: &Event) -> Result<(), CrmError> {
        let journal = &self.journal;
        let failed = |error: StoreError| JournalError(error.to_string());
        let context = journal.store.crm_context(&journal.org, &event.id.to_string()).await.map_err(failed)?;
        // Taken back before it was written: the retraction finds nothing to undo.
        let untouched = context.retracted && journal.load(event.id).await? == Record::default();
        if untouched && event.event_type() != EventType::Retract {
            return Ok(());
        }
        let wrote = crm.deliver(event, context.send.as_ref(), journal, Timestamp::now()).await?;
        let (org, crm) = (&journal.org, journal.crm);
        if wrote == Wrote::Skipped {
            tracing::warn!(org, crm, event = %event.id, "nobody is there to log it to; it is skipped, as set");
        } else {
            tracing::info!(org, crm, event = %event.id, ?wrote, "written into the CRM");
        }
        Ok(())
    }

    /// Counts the requests that were made, also those that an administrator asked for.
    async fn count(&self) -> Result<(), StoreError> {
        let requests = match &self.connector {
            Connector::Salesforce(salesforce) => salesforce.first.take_calls(),
            Connector::HubSpot(hubspot) => hubspot.take_calls(),
        };
        self.journal.count_requests(Timestamp::now(), requests).await
    }
}

impl Salesforce {
    /// The connector with the mapping that holds now: another copy of the server may have changed it.
    async fn connector(&self, journal: &StoreJournal) -> Result<Arc<salesforce::Connector>, StoreError> {
        let stored = journal.store.salesforce_mapping(&journal.org).await?;
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
}
