//! The simulator over HTTP: sign-in, sessions, the request limit, and faults.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::api;
use super::org::{ApiError, Denied, Options, Org};

/// The consumer key that it knows.
pub const CLIENT_ID: &str = "3MVG9simulator";
/// Its secret.
pub const CLIENT_SECRET: &str = "simulator-secret";
/// An authorisation code as it stands in an address.
const CODE: &str = "aPrx.simulator%3D%3D";
const VERSIONS: [u16; 4] = [65, 66, 67, 68];
/// The refresh token that it knows at first. Each is good for one use: it gives another.
pub const REFRESH_TOKEN: &str = "5Aep861.simulator.0";

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

#[derive(Debug)]
struct Inner {
    url: String,
    org: Org,
    sessions: HashSet<String>,
    signed_in: u32,
    newest_version: u16,
    refresh_token: String,
    /// The challenge of the sign-in that the browser has been through (RFC 7636).
    challenge: Option<String>,
    /// Requests so far, sign-ins not among them.
    requests: u32,
    limit: u32,
    faults: BTreeMap<u32, Fault>,
    /// What sign-ins are answered.
    refuse_sign_in: Option<(&'static str, &'static str)>,
}

type Shared = Arc<Mutex<Inner>>;

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
            signed_in: 0,
            newest_version: options.newest_version,
            refresh_token: REFRESH_TOKEN.into(),
            challenge: None,
            requests: 0,
            limit: 15_000,
            faults: BTreeMap::new(),
            refuse_sign_in: None,
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
        inner.refuse_sign_in = answer;
        inner.sessions.clear();
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

async fn token(State(shared): State<Shared>, Form(form): Form<BTreeMap<String, String>>) -> Response<Body> {
    let mut inner = lock(&shared);
    let given = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let refused = match (given("grant_type"), given("client_id"), given("client_secret")) {
        _ if inner.refuse_sign_in.is_some() => inner.refuse_sign_in,
        ("client_credentials", CLIENT_ID, CLIENT_SECRET) => None,
        ("client_credentials", CLIENT_ID, _) => Some(("invalid_client", "invalid client credentials")),
        ("client_credentials", ..) => Some(("invalid_client_id", "client identifier invalid")),
        ("refresh_token", CLIENT_ID, CLIENT_SECRET) if given("refresh_token") == inner.refresh_token => None,
        ("refresh_token", ..) => Some(("invalid_grant", "expired access/refresh token")),
        ("authorization_code", CLIENT_ID, CLIENT_SECRET) => {
            let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(given("code_verifier")));
            let proven = given("code") == "aPrx.simulator==" && inner.challenge.take() == Some(proof);
            (!proven).then_some(("invalid_grant", "invalid authorization code"))
        }
        _ => Some(("unsupported_grant_type", "grant type not supported")),
    };
    if let Some((error, description)) = refused {
        return json_answer(400, &json!({"error": error, "error_description": description}));
    }
    inner.signed_in += 1;
    let session = format!("00D000000000001!simulator.{}", inner.signed_in);
    inner.sessions.insert(session.clone());
    let id = format!("{}/id/00D000000000001EAA/005000000000001AAA", inner.url);
    let successor = (given("grant_type") != "client_credentials").then(|| {
        inner.refresh_token = format!("5Aep861.simulator.{}", inner.signed_in);
        &inner.refresh_token
    });
    let answer = json!({"access_token": session, "refresh_token": successor, "instance_url": inner.url, "id": id,
        "token_type": "Bearer", "issued_at": "1763542800000", "signature": "simulated", "scope": "api"});
    json_answer(200, &answer)
}

/// Somebody signs in and allows it at once: the browser goes where the app's callback is.
async fn authorize(
    State(shared): State<Shared>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response<Body> {
    let given = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    lock(&shared).challenge = Some(given("code_challenge").to_owned());
    let ends_at = format!("{}?code={CODE}&state={}", given("redirect_uri"), given("state"));
    Response::builder().status(302).header(header::LOCATION, ends_at).body(Body::empty()).unwrap_or_default()
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
    let answer = api::answer(&mut inner.org, method.as_str(), path, &query, &body);
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

fn json_answer(status: u16, body: &Value) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json;charset=UTF-8")
        .body(Body::from(body.to_string()))
        .unwrap_or_default()
}

fn lock(shared: &Shared) -> MutexGuard<'_, Inner> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
