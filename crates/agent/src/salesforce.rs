//! Salesforce in place of a backend: the sends are read there, and events written there, as the rep.

mod journal;
mod tokens;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use answerback_backend::SendsPage;
use answerback_backend::crm::budget::{Hold, day};
use answerback_backend::crm::trial::{TrialError, trial};
use answerback_backend::crm::{Crm, CrmError, Finding, Wrote};
use answerback_backend::salesforce::{Connector, Grant, Who, Whose};
use answerback_backend::{Event, EventType};
use answerback_provider::AccessTokens;
use answerback_reply::TrackedSend;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::{Config, SalesforceConfig};
use crate::context::Context;
use crate::link::LinkError;
use crate::storage::Storage;
use crate::view::Problem;

pub use journal::StoreJournal;
use tokens::RepTokens;

/// How often Salesforce is asked for new emails: twelve requests an hour.
const POLL: Duration = Duration::from_secs(5 * 60);
/// Looked again after this time at the longest, whoever is short of requests.
const LONGEST_HOLD: Duration = Duration::from_secs(60 * 60);
/// The store's setting that counts the requests of a day.
const REQUESTS: &str = "salesforce_requests";

/// The way to one Salesforce. Cheap to clone; every clone is signed in with the others.
#[derive(Clone, Debug)]
pub struct Direct {
    connector: Arc<Connector>,
    tokens: Arc<RepTokens>,
    days: u16,
    url: String,
    who: Arc<OnceLock<Who>>,
}

/// The requests of a day (UTC).
#[derive(Debug, Default, Serialize, Deserialize)]
struct Requests {
    day: String,
    made: i64,
}

impl Direct {
    /// With these settings; nothing is asked yet.
    pub fn new(config: &SalesforceConfig, tokens: AccessTokens) -> Result<Self, CrmError> {
        let tokens = Arc::new(RepTokens::new(tokens, &config.url));
        let connector = Connector::new(config.settings(), Grant::User(tokens.clone()))?;
        let connector = Arc::new(connector);
        Ok(Self { connector, tokens, days: config.track_days, url: config.url.clone(), who: Arc::default() })
    }

    /// Emails that were sent or changed since the cursor; `None` where everything is to be read anew. With `wait`, after a while.
    pub async fn sends(
        &self,
        context: &Context,
        cursor: Option<&str>,
        wait: bool,
    ) -> Result<Option<SendsPage>, LinkError> {
        if wait {
            tokio::time::sleep(POLL).await;
        }
        let now = Timestamp::now();
        let of_store = |error| LinkError::of_store(&error, &context.store_file);
        if let Some(error) = self.held(&context.storage, now).await.map_err(of_store)? {
            return Err(error);
        }
        let page = self.connector.sent(&whose(&context.config(), self.days), cursor, now).await;
        if page.is_ok() && self.who.get().is_none() {
            // For the window only: without it, the rep reads the address.
            if let Ok(who) = self.connector.who().await {
                let _known = self.who.set(who);
            }
        }
        self.count(&context.storage, now).await.map_err(of_store)?;
        page.map_err(|error| self.explain(&error))
    }

    /// Who is signed in, as far as it is known.
    pub fn who(&self) -> Option<Who> {
        self.who.get().cloned()
    }

    /// Writes an event, once.
    pub async fn write(
        &self,
        storage: &Storage,
        event: &Event,
        send: Option<&TrackedSend>,
        retracted: bool,
    ) -> Result<Wrote, CrmError> {
        let journal = StoreJournal(storage);
        // Taken back before it was written: the retraction finds nothing to undo.
        let never = retracted && event.event_type() != EventType::Retract;
        if never && journal.is_untouched(event.id).await? {
            return Ok(Wrote::Nothing);
        }
        let now = Timestamp::now();
        let wrote = self.connector.deliver(event, send, &journal, now).await;
        if let Err(error) = self.count(storage, now).await {
            // What was written is written down all the same.
            tracing::warn!(%error, "The requests to Salesforce could not be counted.");
        }
        wrote
    }

    /// What may be done there.
    pub async fn check(&self) -> Result<Vec<Finding>, LinkError> {
        self.connector.check().await.map_err(|error| self.explain(&error))
    }

    /// How many emails the newest page of the rep's sent ones holds, and whether there are more.
    pub async fn count_sent(&self, config: &Config) -> Result<(usize, bool), LinkError> {
        let page = self.connector.sent(&whose(config, self.days), None, Timestamp::now()).await;
        let page = page.map_err(|error| self.explain(&error))?.unwrap_or_default();
        Ok((page.sends.len(), page.has_more))
    }

    /// Logs an answer of whoever has this address and removes it again; tells which objects were written.
    pub async fn trial(&self, address: &str) -> Result<Vec<String>, Problem> {
        trial(&*self.connector, address, Timestamp::now()).await.map_err(|error| match error {
            TrialError::Write(error) => self.explain(&error).problem,
            TrialError::Left(left) => {
                Problem::new("salesforce_left", &self.url, left.to_string(), "Delete it there.")
            }
        })
    }

    /// Why nothing may be asked now.
    pub async fn held(
        &self,
        storage: &Storage,
        now: Timestamp,
    ) -> Result<Option<LinkError>, answerback_store::Error> {
        let today = day(now);
        let text = storage.call(|store| store.setting(REQUESTS)).await?;
        let made = read(text).filter(|requests| requests.day == today).map_or(0, |requests| requests.made);
        Ok(self.connector.hold(made, now).map(|hold| {
            let summary = match hold {
                Hold::Ours(_) => "This laptop's requests to Salesforce of today are used up.",
                Hold::TheirOwn(_) => "Your organisation is short of requests to Salesforce.",
            };
            let remedy = "Nothing to do: events wait, and it goes on by itself. An administrator can raise daily_calls.";
            let wait = Duration::try_from(hold.until().duration_since(now)).unwrap_or_default();
            LinkError {
                problem: Problem::new("salesforce_requests", &self.url, summary, remedy),
                retry_after: Some(wait.min(LONGEST_HOLD)),
            }
        }))
    }

    /// What an error means for the rep.
    pub fn explain(&self, error: &CrmError) -> LinkError {
        let problem = self.tokens.take_trouble();
        LinkError {
            problem: problem.unwrap_or_else(|| Problem::of_salesforce(error, &self.url)),
            retry_after: error.retry_after(),
        }
    }

    async fn count(&self, storage: &Storage, now: Timestamp) -> Result<(), answerback_store::Error> {
        let (made, today) = (self.connector.take_calls(), day(now));
        if made == 0 {
            return Ok(());
        }
        storage
            .call(move |store| {
                let mut requests = read(store.setting(REQUESTS)?).unwrap_or_default();
                if requests.day != today {
                    requests = Requests { day: today, made: 0 };
                }
                requests.made += i64::from(made);
                let text = serde_json::to_string(&requests).unwrap_or_default();
                store.set_setting(REQUESTS, Some(&text))
            })
            .await
    }
}

fn read(text: Option<String>) -> Option<Requests> {
    serde_json::from_str(&text?).ok()
}

/// Whose emails are the rep's.
fn whose(config: &Config, days: u16) -> Whose {
    let addresses =
        config.accounts.iter().flat_map(|account| std::iter::once(&account.address).chain(&account.aliases));
    Whose { addresses: addresses.map(|address| address.trim().to_lowercase()).collect::<BTreeSet<_>>(), days }
}
