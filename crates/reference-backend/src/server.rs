//! The HTTP server.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use answerback_backend::event::MAX_BATCH_BYTES;
use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use tower_http::decompression::RequestDecompressionLayer;
use uuid::Uuid;

use crate::api::{campaigns, events, gate, laptops, oauth, operations, policy, sends, webhooks};
use crate::metrics::Metrics;
use crate::pages;
use crate::problem::ApiError;
use crate::store::{Store, StoreError};
use crate::watch::Feeds;
use crate::webhook::{Courier, Networks};

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
    /// Where webhooks may go.
    pub webhook_networks: Networks,
}

impl Config {
    /// On a free port of this machine, with this database.
    pub fn local(database: impl Into<String>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            database: database.into(),
            public_url: None,
            webhook_networks: Networks::default(),
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
    /// Cancelled when shutdown begins.
    pub stop: CancellationToken,
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
        let store = Store::open(&config.database).await?;
        let listen = |source| StartError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let public_url = config.public_url.map(|url| url.trim_end_matches('/').to_owned());
        let metrics = Metrics::default();
        let courier = Courier::new(store.clone(), config.webhook_networks, metrics.clone())?;
        let stop = CancellationToken::new();
        let app = App { store, feeds: Feeds::default(), metrics, courier, public_url, stop };
        tokio::spawn(app.feeds.clone().follow(app.store.clone(), app.stop.clone()));
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
        .route("/pair", get(pages::ask).post(pages::decide).layer(DefaultBodyLimit::max(MAX_FORM_BYTES)))
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
    let given = request.headers().get(&REQUEST_ID).filter(|id| id.len() <= 64).cloned();
    let id = given.or_else(|| HeaderValue::from_str(&Uuid::new_v4().to_string()).ok());
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let mut response = next.run(request).await;
    let (status, took) = (response.status().as_u16(), began.elapsed());
    app.metrics.request(&route, status, took);
    let request_id = id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default();
    tracing::info!(%method, route, status, milliseconds = took.as_secs_f64() * 1000.0, request_id, "request");
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
