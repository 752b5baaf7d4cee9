//! The HTTP server.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use answerback_backend::crm::CrmError;
use answerback_backend::event::MAX_BATCH_BYTES;
use answerback_backend::{hubspot, salesforce};
use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use tower_http::decompression::RequestDecompressionLayer;
use uuid::Uuid;

use crate::admin;
use crate::api::{campaigns, events, gate, laptops, oauth, operations, policy, sends, webhooks};
use crate::housekeeping::keep_house;
use crate::metrics::Metrics;
use crate::problem::{ApiError, REQUEST};
use crate::rate::{Limiter, Rate};
use crate::store::deliveries::DueWebhook;
use crate::store::tokens::{PLATFORM_PREFIX, hash};
use crate::store::{CONNECTIONS, Store, StoreError};
use crate::watch::Feeds;
use crate::webhook::crm::{HUBSPOT, SALESFORCE};
use crate::webhook::{Courier, Networks, crm};

/// Bytes of `POST /v1/sends` at most, unpacked.
pub const MAX_SENDS_BYTES: usize = 16 * 1024 * 1024;
const MAX_FORM_BYTES: usize = 8 * 1024;
/// What is still being answered this long after shutdown began is cut off.
const DRAIN: Duration = Duration::from_secs(4);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How to start a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// `sqlite:PATH` or `postgres://…`.
    pub database: String,
    /// Where people and laptops reach it, such as `https://answerback.example.com`; where it is not set, as their requests
    /// say.
    pub public_url: Option<String>,
    /// Connections to PostgreSQL at most.
    pub database_connections: u32,
    /// Whether a proxy in front says in `X-Forwarded-For` who asks.
    pub behind_proxy: bool,
    /// Where webhooks may go.
    pub webhook_networks: Networks,
    /// What is older than so many days is forgotten by itself.
    pub forget_after_days: Option<u16>,
    /// Organisations whose events are written into their Salesforce.
    pub salesforce: BTreeMap<String, salesforce::Settings>,
    /// Organisations whose events are written into their HubSpot.
    pub hubspot: BTreeMap<String, hubspot::Settings>,
    /// How many requests are taken.
    pub limits: Limits,
}

/// How many requests are taken, by each copy of the server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Of each laptop's token.
    pub laptop: Rate,
    /// Of each platform's token.
    pub platform: Rate,
    /// Of each address that pairs a laptop, signs in or shows a token that is none.
    pub stranger: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            laptop: Rate { per_second: 50.0, burst: 500.0 },
            platform: Rate { per_second: 500.0, burst: 5000.0 },
            stranger: Rate { per_second: 20.0, burst: 200.0 },
        }
    }
}

impl Config {
    /// On a free port of this machine, with this database.
    pub fn local(database: impl Into<String>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            database: database.into(),
            public_url: None,
            database_connections: CONNECTIONS,
            behind_proxy: false,
            webhook_networks: Networks::default(),
            forget_after_days: None,
            salesforce: BTreeMap::new(),
            hubspot: BTreeMap::new(),
            limits: Limits::default(),
        }
    }
}

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The certificates that webhooks need.
    #[error(transparent)]
    Certificates(#[from] answerback_backend::BackendError),
    /// An organisation's CRM.
    #[error("{crm} of {org}: {source}")]
    Crm {
        /// Which.
        crm: String,
        /// The organisation.
        org: String,
        /// Why.
        source: CrmError,
    },
    /// The address is taken or is not this machine's.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// What handlers share.
#[derive(Clone, Debug)]
pub struct App {
    /// The database.
    pub store: Store,
    /// Long polls.
    pub feeds: Feeds,
    /// Counters.
    pub metrics: Metrics,
    /// Webhooks.
    pub courier: Courier,
    /// Where it is reached, without a slash at its end.
    pub public_url: Option<String>,
    /// Whether a proxy in front says who asks.
    pub behind_proxy: bool,
    /// How many requests each token and each stranger may make.
    pub limiters: Limiters,
    /// Cancelled when shutdown begins.
    pub stop: CancellationToken,
}

/// What each token, by its hash, and each stranger, by address, has left.
#[derive(Clone, Debug)]
pub struct Limiters {
    laptop: Limiter<String>,
    platform: Limiter<String>,
    stranger: Limiter<IpAddr>,
}

impl App {
    /// Takes a request of a token, before the database is asked whose it is.
    pub fn holder(&self, token: &str) -> Result<(), ApiError> {
        let limiter =
            if token.starts_with(PLATFORM_PREFIX) { &self.limiters.platform } else { &self.limiters.laptop };
        limiter.take(hash(token), Instant::now()).map_err(ApiError::TooMany)
    }

    /// Takes a request of somebody who has no token yet.
    pub fn strangers(&self, peer: SocketAddr, headers: &HeaderMap) -> Result<(), ApiError> {
        // The last one is what our own proxy saw; those before it are what the client claims.
        let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
        let forwarded = forwarded.filter(|_| self.behind_proxy).and_then(|h| h.to_str().ok());
        let client = forwarded.and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
        self.limiters.stranger.take(client.unwrap_or(peer.ip()), Instant::now()).map_err(ApiError::TooMany)
    }
}

/// A server that can be started in any process.
#[derive(Clone, Copy, Debug)]
pub struct Server;

/// A running server. Stops when it is dropped or told to.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    app: App,
    task: Option<JoinHandle<()>>,
}

impl Server {
    /// Opens the database and listens. When this returns, requests are answered.
    pub async fn start(config: Config) -> Result<Handle, StartError> {
        let store = Store::open_with(&config.database, config.database_connections).await?;
        let listen = |source| StartError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let public_url = config.public_url.map(|url| url.trim_end_matches('/').to_owned());
        let metrics = Metrics::default();
        let crms = crms(&store, config.salesforce, config.hubspot).await?;
        let courier = Courier::new(store.clone(), config.webhook_networks, crms, metrics.clone())?;
        let stop = CancellationToken::new();
        let limiters = Limiters {
            laptop: Limiter::new(config.limits.laptop),
            platform: Limiter::new(config.limits.platform),
            stranger: Limiter::new(config.limits.stranger),
        };
        let behind_proxy = config.behind_proxy;
        let feeds = Feeds::default();
        let app = App { store, feeds, metrics, courier, public_url, behind_proxy, limiters, stop };
        tokio::spawn(app.feeds.clone().follow(app.store.clone(), app.stop.clone()));
        tokio::spawn(keep_house(app.store.clone(), config.forget_after_days, app.stop.clone()));
        let (served, carried) =
            (run(listener, app.clone()), tokio::spawn(app.courier.clone().run(app.stop.clone())));
        let task = tokio::spawn(async move {
            served.await;
            if let Err(error) = carried.await {
                tracing::error!(%error, "webhooks were cut off");
            }
        });
        Ok(Handle { address, app, task: Some(task) })
    }
}

/// Makes the endpoints of the organisations' CRMs.
async fn crms(
    store: &Store,
    salesforce: BTreeMap<String, salesforce::Settings>,
    hubspot: BTreeMap<String, hubspot::Settings>,
) -> Result<HashMap<DueWebhook, crm::Endpoint>, StartError> {
    let of = |org: &String, crm: &str| DueWebhook { org: org.clone(), webhook: crm.to_owned() };
    let salesforces = salesforce.iter().map(|(org, settings)| (of(org, SALESFORCE), settings.url.clone()));
    let hubspots = hubspot.iter().map(|(org, settings)| (of(org, HUBSPOT), settings.url.clone()));
    store.keep_crm_endpoints(&salesforces.chain(hubspots).collect::<Vec<_>>()).await?;
    let salesforces = salesforce.into_iter().map(|(org, settings)| {
        (of(&org, SALESFORCE), crm::Endpoint::salesforce(store.clone(), &org, settings))
    });
    let hubspots = hubspot
        .into_iter()
        .map(|(org, settings)| (of(&org, HUBSPOT), crm::Endpoint::hubspot(store.clone(), &org, settings)));
    let made = salesforces.chain(hubspots).map(|(of, made)| match made {
        Ok(made) => Ok((of, made)),
        Err(source) => Err(StartError::Crm { crm: of.webhook, org: of.org, source }),
    });
    made.collect()
}

impl Handle {
    /// `http://ADDRESS:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The database, to issue tokens and look at what came.
    pub fn store(&self) -> &Store {
        &self.app.store
    }

    /// Answers what has been asked, long polls at once, then closes the database.
    pub async fn shutdown(mut self) {
        self.app.stop.cancel();
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(DRAIN, &mut task).await.is_err()
        {
            tracing::warn!("requests were cut off");
            task.abort();
        }
        self.app.store.close().await;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.app.stop.cancel();
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn run(listener: TcpListener, app: App) {
    let stop = app.stop.clone();
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await {
        tracing::error!(%error, "the server stopped");
    }
}

/// Every route.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/v1/sends", get(sends::read).post(sends::write).layer(DefaultBodyLimit::max(MAX_SENDS_BYTES)))
        .route("/v1/sends/{id}", delete(sends::remove))
        .route(
            "/v1/events",
            get(events::pull).post(events::push).layer(DefaultBodyLimit::max(MAX_BATCH_BYTES)),
        )
        .route("/v1/gate", get(gate::read))
        .route("/v1/policy", get(policy::read).put(policy::write))
        .route("/v1/campaigns/{id}", put(campaigns::write))
        .route("/v1/laptops", get(laptops::list))
        .route("/v1/laptops/{id}", delete(laptops::revoke))
        .route("/v1/webhooks", get(webhooks::list).post(webhooks::create))
        .route("/v1/webhooks/{id}", put(webhooks::change).delete(webhooks::remove))
        .route("/v1/webhooks/{id}/secret", post(webhooks::rotate))
        .route("/v1/webhooks/{id}/test", post(webhooks::test))
        .route("/v1/webhooks/{id}/dead-letters", get(webhooks::dead_letters))
        .route("/v1/webhooks/{id}/redeliver", post(webhooks::redeliver))
        .route("/oauth/device_authorization", post(oauth::begin).layer(DefaultBodyLimit::max(MAX_FORM_BYTES)))
        .route("/oauth/token", post(oauth::token).layer(DefaultBodyLimit::max(MAX_FORM_BYTES)))
        .merge(admin::routes())
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .route("/metrics", get(operations::metrics))
        .route("/openapi.json", get(operations::openapi))
        .fallback(async || ApiError::NotFound("There is no such resource."))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(RequestDecompressionLayer::new())
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(app.clone(), observe))
        .with_state(app)
}

/// Counts and logs each request, and gives it an id that both sides know. Never logs a query: it may hold ids of people.
async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let given = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| is_plain(id));
    let id = given.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    // No id holds a NUL, and PostgreSQL's text can't.
    let nul = request.uri().path_and_query().is_some_and(|path| path.as_str().contains("%00"));
    let answered = async move {
        if nul {
            ApiError::Invalid("The address holds a NUL character.".into()).into_response()
        } else {
            next.run(request).await
        }
    };
    let mut response = REQUEST.scope(id.clone(), answered).await;
    let (status, took) = (response.status().as_u16(), began.elapsed());
    app.metrics.request(&route, status, took);
    tracing::info!(%method, route, status, milliseconds = took.as_secs_f64() * 1000.0, request_id = id, "request");
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// An id that can stand in a log and in a problem.
fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}
