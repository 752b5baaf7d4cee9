//! Delivers what is due, each endpoint by itself, so that a slow one holds up no other.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use answerback_backend::ClientOptions;
use futures::future::join_all;
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::crm;
use super::destination::{Guarded, Networks};
use super::schedule::Outcome;
use super::signature;
use crate::metrics::Metrics;
use crate::store::deliveries::{Attempt, Delivery, DueWebhook};
use crate::store::webhooks::Endpoint;
use crate::store::{Store, StoreError};
use crate::webhook::crm::CRMS;

/// How often the database is asked for what other copies and retries made due.
const POLL: Duration = Duration::from_secs(1);
/// Shorter than a lease, so that whoever delivers still holds it when the answer comes.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Requests to one endpoint at once; each about another send.
const AT_ONCE: i64 = 8;
/// The media type of a single event.
const MEDIA_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// Carries events to endpoints. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Courier {
    store: Store,
    http: reqwest::Client,
    networks: Networks,
    crms: Arc<HashMap<DueWebhook, crm::Endpoint>>,
    metrics: Metrics,
    news: Arc<Notify>,
    busy: Arc<Mutex<HashSet<DueWebhook>>>,
}

impl Courier {
    /// A courier that goes only where `networks` allows, and into these CRMs.
    pub fn new(
        store: Store,
        networks: Networks,
        crms: HashMap<DueWebhook, crm::Endpoint>,
        metrics: Metrics,
    ) -> Result<Self, answerback_backend::BackendError> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(answerback_backend::client::tls(&ClientOptions::default())?)
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would look the name up itself, past the guard.
            .no_proxy()
            .dns_resolver(Guarded(networks))
            .timeout(TIMEOUT)
            .user_agent(concat!("answerback-backend/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| answerback_backend::BackendError::TlsSetup(e.to_string()))?;
        let crms = Arc::new(crms);
        Ok(Self { store, http, networks, crms, metrics, news: Arc::default(), busy: Arc::default() })
    }

    /// Which networks it goes to.
    pub const fn networks(&self) -> Networks {
        self.networks
    }

    /// An organisation's CRM of this name.
    pub fn crm(&self, org: &str, name: &str) -> Option<&crm::Endpoint> {
        self.crms.get(&DueWebhook { org: org.to_owned(), webhook: name.to_owned() })
    }

    /// There may be something to deliver.
    pub fn wake(&self) {
        self.news.notify_one();
    }

    /// Delivers until it is cancelled; then finishes what is under way.
    pub async fn run(self, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        while !stop.is_cancelled() {
            match self.store.due_webhooks(Timestamp::now()).await {
                Ok(due) => due.into_iter().for_each(|of| self.start(of, &tasks, &stop)),
                Err(error) => tracing::warn!(%error, "deliveries could not be looked for"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.news.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
        tasks.close();
        tasks.wait().await;
    }

    fn start(&self, of: DueWebhook, tasks: &TaskTracker, stop: &CancellationToken) {
        if !self.lock().insert(of.clone()) {
            return;
        }
        let (courier, stop) = (self.clone(), stop.clone());
        tasks.spawn(async move {
            if let Err(error) = courier.serve(&of, &stop).await {
                tracing::warn!(%error, webhook = of.webhook, "deliveries could not be written down");
            }
            courier.lock().remove(&of);
        });
    }

    /// Delivers to one endpoint while something is due there.
    async fn serve(&self, of: &DueWebhook, stop: &CancellationToken) -> Result<(), StoreError> {
        while !stop.is_cancelled() {
            let now = Timestamp::now();
            let Some(endpoint) = self.store.endpoint(&of.org, &of.webhook, now).await? else { break };
            if endpoint.hold_until > now {
                break;
            }
            if CRMS.contains(&of.webhook.as_str()) {
                // Another copy's settings may name it.
                let Some(crm) = self.crms.get(of) else { break };
                if let Some(until) = crm.hold(now).await? {
                    self.store.hold_webhook(of, until).await?;
                    break;
                }
            }
            let leased = self.store.lease_deliveries(of, endpoint.failures, AT_ONCE, now).await?;
            if leased.is_empty() {
                break;
            }
            let done = join_all(leased.iter().map(|delivery| self.deliver(of, &endpoint, delivery))).await;
            done.into_iter().collect::<Result<(), StoreError>>()?;
        }
        Ok(())
    }

    async fn deliver(
        &self,
        of: &DueWebhook,
        endpoint: &Endpoint,
        delivery: &Delivery,
    ) -> Result<(), StoreError> {
        let attempt = match (&delivery.body, self.crms.get(of)) {
            (_, Some(crm)) => crm.deliver(delivery).await?,
            (Some(body), None) => self.post(endpoint, &delivery.event_id, body).await,
            // What it said was erased: there is nothing left to deliver.
            (None, None) => Attempt { outcome: Outcome::Delivered, problem: None },
        };
        self.metrics.delivery(match attempt.outcome {
            Outcome::Delivered => "delivered",
            Outcome::Refused => "refused",
            Outcome::Down { .. } => "down",
            Outcome::Gone => "gone",
        });
        self.store.settle_delivery(of, delivery, &attempt, endpoint.failures, jitter()).await
    }

    /// Posts one event, signed.
    pub async fn post(&self, endpoint: &Endpoint, id: &str, body: &str) -> Attempt {
        let down = |problem: String| Attempt {
            outcome: Outcome::Down { retry_after: None },
            problem: Some(problem),
        };
        // The setting may have changed since the endpoint was made.
        let url = match self.networks.check(&endpoint.url) {
            Ok(url) => url,
            Err(problem) => return down(problem.to_owned()),
        };
        let now = Timestamp::now();
        let secrets = endpoint.secrets.iter().map(String::as_str);
        let Some(signature) = signature::header(secrets, id, now, body.as_bytes()) else {
            return down("The secret is not one.".into());
        };
        let request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, MEDIA_TYPE)
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_second().to_string())
            .header("webhook-signature", signature)
            .body(body.to_owned());
        match request.send().await {
            Ok(response) => {
                let retry_after = response.headers().get(RETRY_AFTER).and_then(|h| h.to_str().ok());
                let retry_after = retry_after.and_then(|s| s.trim().parse().ok()).map(Duration::from_secs);
                let outcome = Outcome::of_status(response.status().as_u16(), retry_after);
                let problem =
                    (outcome != Outcome::Delivered).then(|| format!("It answered {}.", response.status()));
                Attempt { outcome, problem }
            }
            Err(error) if error.is_timeout() => down("It did not answer in time.".into()),
            Err(error) if error.is_connect() => down(format!("No connection: {}.", innermost(&error))),
            Err(error) => down(format!("The connection broke: {}.", innermost(&error))),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<DueWebhook>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// A random number from 0 to 1.
fn jitter() -> f64 {
    let [byte, ..] = Uuid::new_v4().into_bytes();
    f64::from(byte) / 255.0
}
