//! The simulator over HTTP: sessions, the request limit, and faults.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::api;
use super::oauth::{Book, authorize, token};
use super::org::{ApiError, Denied, Options, Org};

const VERSIONS: [u16; 4] = [65, 66, 67, 68];

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Every session has expired.
    Expired,
    /// 503.
    Unavailable,
    /// Somebody else holds a row that it changes.
    RowLock,
    /// The organisation has used up its requests.
    RequestLimit,
    /// Too many requests at once; to come back in 7 seconds.
    TooMany,
    /// The connection breaks before anything is done.
    CutBefore,
    /// It is done, and the connection breaks before the answer.
    CutAfterCommit,
}

/// What the simulator does about an answer that was logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Logged {
    #[default]
    Answers,
    /// The entry is made, and the answer never comes.
    Hangs,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) url: String,
    org: Org,
    pub(super) sessions: HashSet<String>,
    pub(super) book: Book,
    newest_version: u16,
    /// Requests so far, sign-ins not among them.
    requests: u32,
    limit: u32,
    faults: BTreeMap<u32, Fault>,
    logged: Logged,
}

pub(super) type Shared = Arc<Mutex<Inner>>;

/// A Salesforce organisation on a port of this machine; gone when this is dropped.
#[derive(Debug)]
pub struct Simulator {
    shared: Shared,
    url: String,
    task: JoinHandle<()>,
}

impl Simulator {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start(options: Options) -> Result<Self> {
        let listener =
            TcpListener::bind("127.0.0.1:0").await.context("The Salesforce simulator can't listen")?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Mutex::new(Inner {
            url: url.clone(),
            org: Org::new(&options),
            sessions: HashSet::new(),
            book: Book::default(),
            newest_version: options.newest_version,
            requests: 0,
            limit: 15_000,
            faults: BTreeMap::new(),
            logged: Logged::default(),
        }));
        let router = Router::new()
            .route("/services/oauth2/authorize", get(authorize))
            .route("/services/oauth2/token", post(token))
            .route("/services/data", get(versions))
            .route("/services/data/", get(versions))
            .fallback(data)
            .with_state(shared.clone());
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the Salesforce simulator stopped");
            }
        });
        Ok(Self { shared, url, task })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Puts a record there; gives its id.
    ///
    /// # Errors
    /// When there is no such object.
    pub fn seed(&self, object: &'static str, fields: Value) -> Result<String> {
        lock(&self.shared)
            .org
            .seed(object, fields)
            .map_err(|error| anyhow::anyhow!("{object}: {}", error.code))
    }

    /// Every record of an object, the oldest first.
    pub fn records(&self, object: &str) -> Vec<Value> {
        lock(&self.shared).org.all(object).cloned().map(Value::Object).collect()
    }

    /// Changes a record as somebody else would.
    pub fn change(&self, object: &str, id: &str, fields: &Value) -> bool {
        let fields = fields.as_object().cloned().unwrap_or_default();
        lock(&self.shared).org.update(object, id, &fields).is_ok()
    }

    /// The request after `after` others from now meets this fault.
    pub fn fault(&self, after: u32, fault: Fault) {
        let mut inner = lock(&self.shared);
        let at = inner.requests + after + 1;
        inner.faults.insert(at, fault);
    }

    /// Leaves requests that make an EmailMessage without an answer, or no longer.
    pub fn hang_when_logged(&self, hang: bool) {
        lock(&self.shared).logged = if hang { Logged::Hangs } else { Logged::Answers };
    }

    /// Whether every fault has been met.
    pub fn faults_met(&self) -> bool {
        let inner = lock(&self.shared);
        inner.faults.keys().all(|at| *at <= inner.requests)
    }

    /// Takes a permission from the integration user.
    pub fn deny(&self, denied: Denied) {
        lock(&self.shared).org.denied.insert(denied);
    }

    /// Gives it back.
    pub fn allow(&self, denied: Denied) {
        lock(&self.shared).org.denied.remove(&denied);
    }

    /// Refuses sign-ins with this error and description, or no longer.
    pub fn refuse_sign_in(&self, answer: Option<(&'static str, &'static str)>) {
        let mut inner = lock(&self.shared);
        inner.book.refuse = answer;
        inner.sessions.clear();
    }

    /// Ends every session and every sign-in of users.
    pub fn revoke_sign_ins(&self) {
        let mut inner = lock(&self.shared);
        inner.book.revoke();
        inner.sessions.clear();
    }

    /// Deletes a record as somebody else would.
    pub fn remove(&self, object: &str, id: &str) -> bool {
        lock(&self.shared).org.delete(object, id).is_ok()
    }

    /// Requests so far.
    pub fn requests(&self) -> u32 {
        lock(&self.shared).requests
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn versions(State(shared): State<Shared>) -> Response<Body> {
    let newest = lock(&shared).newest_version;
    let versions = VERSIONS.into_iter().filter(|v| *v <= newest);
    let versions = versions.map(|v| json!({"label": format!("API {v}"), "url": format!("/services/data/v{v}.0"), "version": format!("{v}.0")}));
    json_answer(200, &Value::Array(versions.collect()))
}

async fn data(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let mut inner = lock(&shared);
    inner.requests += 1;
    let number = inner.requests;
    let fault = inner.faults.remove(&number);
    let error = |error: &ApiError| json_answer(error.status, &error.json());
    match fault {
        Some(Fault::CutBefore) => return cut(),
        Some(Fault::Unavailable) => {
            return error(&ApiError::new(503, "SERVER_UNAVAILABLE", "Service unavailable"));
        }
        Some(Fault::RequestLimit) => {
            return error(&ApiError::new(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."));
        }
        Some(Fault::TooMany) => {
            let mut answer = error(&ApiError::new(429, "TOO_MANY_REQUESTS", "Too many requests"));
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("7"));
            return answer;
        }
        Some(Fault::Expired) => inner.sessions.clear(),
        Some(Fault::RowLock) => inner.org.locked = true,
        Some(Fault::CutAfterCommit) | None => {}
    }
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|h| h.to_str().ok())
        .and_then(|h| h.strip_prefix("Bearer "));
    if !bearer.is_some_and(|token| inner.sessions.contains(token)) {
        return error(&ApiError::new(401, "INVALID_SESSION_ID", "Session expired or invalid"));
    }
    // "/services/data/v66.0/REST"
    let mut parts = uri.path().splitn(5, '/').skip(3);
    let known = parts.next().is_some_and(|version| VERSIONS.iter().any(|v| version == format!("v{v}.0")));
    let path = parts.next().filter(|_| known).unwrap_or("none");
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let before = inner.org.all("EmailMessage").count();
    let answer = api::answer(&mut inner.org, method.as_str(), path, &query, &body);
    if inner.logged == Logged::Hangs && inner.org.all("EmailMessage").count() > before {
        return Response::new(Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>()));
    }
    if fault == Some(Fault::CutAfterCommit) {
        return cut();
    }
    let mut response = match answer {
        Ok((204, _)) => {
            Response::builder().status(StatusCode::NO_CONTENT).body(Body::empty()).unwrap_or_default()
        }
        Ok((status, body)) => json_answer(status, &body),
        Err(failure) => error(&failure),
    };
    let usage = format!("api-usage={}/{}", inner.requests, inner.limit);
    if let Ok(usage) = usage.parse() {
        response.headers_mut().insert("sforce-limit-info", usage);
    }
    response
}

/// An answer that breaks off.
fn cut() -> Response<Body> {
    let broken = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut")) });
    Response::new(Body::from_stream(broken))
}

pub(super) fn json_answer(status: u16, body: &Value) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json;charset=UTF-8")
        .body(Body::from(body.to_string()))
        .unwrap_or_default()
}

pub(super) fn lock(shared: &Shared) -> MutexGuard<'_, Inner> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
