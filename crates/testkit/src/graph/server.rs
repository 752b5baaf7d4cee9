//! Listening, who may come in, and the limits.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::{Body as HttpBody, Bytes};
use axum::extract::State as Shares;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use futures::StreamExt as _;
use reqwest::Url;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::answer::{Answer, Body};
use super::api::{self, Ask};
use super::batch;
use super::script::{Fault, Seen};
use crate::exchange::{Account, Language, Script, Store, lock};
use crate::identity_provider::IdentityProvider;

/// Outlook's documented limits for one program and one mailbox.
const AT_A_TIME: usize = 4;
const IN_TEN_MINUTES: usize = 10_000;

/// A running server. It stops when this is dropped.
pub struct GraphServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// What opens the mailbox.
enum Key {
    Token(String),
    /// A token that this provider has given out for reading mail.
    From(IdentityProvider),
}

/// What all requests share.
pub(super) struct Shared {
    store: Arc<Store>,
    address: String,
    opens_to: Mutex<Key>,
    consent: Mutex<bool>,
    script: Script<Seen, Fault>,
    running: AtomicUsize,
    most_at_once: AtomicUsize,
    recent: Mutex<VecDeque<Instant>>,
}

/// A request for one resource, by itself or in a batch.
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    pub(super) url: &'a Url,
    pub(super) prefer: &'a str,
}

impl GraphServer {
    /// Starts with an empty mailbox of `address` that opens to `token`, on a free loopback port without TLS.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(address: &str, token: &str) -> Result<Self> {
        Self::start_in(Language::English, address, token).await
    }

    /// The same with folder names in another language.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_in(language: Language, address: &str, token: &str) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("Listening on loopback")?;
        let local = listener.local_addr()?;
        let shared = Arc::new(Shared {
            store: Arc::new(Store::new(language)),
            address: address.to_owned(),
            opens_to: Mutex::new(Key::Token(token.to_owned())),
            consent: Mutex::new(true),
            script: Script::default(),
            running: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
            recent: Mutex::default(),
        });
        let app = Router::new().fallback(handle).with_state(shared.clone());
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::warn!("The simulated Graph ended: {error}.");
            }
        });
        Ok(Self { shared, address: local, task })
    }

    /// Where it is: what `https://graph.microsoft.com` is for the real one.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The mailbox.
    pub fn mailbox(&self) -> Account {
        Account::of(self.shared.store.clone())
    }

    /// From now on only this token opens the mailbox; others have expired.
    pub fn set_token(&self, token: &str) {
        *lock(&self.shared.opens_to) = Key::Token(token.to_owned());
    }

    /// From now on the mailbox opens to whoever has signed in there and may read mail.
    pub fn trust(&self, provider: &IdentityProvider) {
        *lock(&self.shared.opens_to) = Key::From(provider.clone());
    }

    /// Whether rep or admin have consented to the mailbox being read.
    pub fn set_consent(&self, consent: bool) {
        *lock(&self.shared.consent) = consent;
    }

    /// The next request whose target contains `part` goes wrong like this.
    pub fn fault_once(&self, part: &str, fault: Fault) {
        self.shared.script.once(part, fault);
    }

    /// Every request whose target contains `part` goes wrong like this.
    pub fn fault_always(&self, part: &str, fault: Fault) {
        self.shared.script.always(part, fault);
    }

    /// Nothing goes wrong any more. Gives the number of faults that were to come once and did not.
    pub fn unscript(&self) -> usize {
        self.shared.script.clear()
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.script.seen()
    }

    /// The most requests that were under way at one time.
    pub fn most_at_once(&self) -> usize {
        self.shared.most_at_once.load(Ordering::SeqCst)
    }
}

impl Drop for GraphServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    /// Answers for one resource; and how long to wait before that.
    pub(super) fn resource(&self, asked: &Asked<'_>) -> (Answer, Duration) {
        let target = match asked.url.query() {
            Some(query) => format!("{}?{query}", asked.url.path()),
            None => asked.url.path().to_owned(),
        };
        let (method, prefer) = (asked.method.to_owned(), asked.prefer.to_owned());
        let fault =
            self.script.fault(Seen { method, target: target.clone(), prefer, at: Instant::now() }, &target);
        if !self.count() {
            let answer = Answer::throttled(30, "Application is over its RequestRate limit.");
            return (answer, Duration::ZERO);
        }
        let ask = Ask { url: asked.url, prefer: asked.prefer, address: &self.address };
        let proper = || {
            if asked.method != "GET" {
                return Answer::error(405, "BadRequest", "This mailbox is only for reading.");
            }
            if !*lock(&self.consent) {
                return denied();
            }
            api::get(&lock(&self.store.folders), &ask)
        };
        match fault {
            None => (proper(), Duration::ZERO),
            Some(Fault::Delay(time)) => (proper(), time),
            Some(Fault::CutAt(bytes)) => (Answer { cut: Some(bytes), ..proper() }, Duration::ZERO),
            Some(fault) => (refusal(&fault), Duration::ZERO),
        }
    }

    fn lets_in(&self, authorization: &str) -> bool {
        let given = authorization.strip_prefix("Bearer ");
        given.is_some_and(|given| match &*lock(&self.opens_to) {
            Key::Token(token) => given == token,
            Key::From(provider) => provider.accepts(given, "Mail.Read"),
        })
    }

    fn count(&self) -> bool {
        let now = Instant::now();
        let mut recent = lock(&self.recent);
        while recent.front().is_some_and(|first| now.duration_since(*first) > Duration::from_secs(600)) {
            recent.pop_front();
        }
        recent.push_back(now);
        recent.len() <= IN_TEN_MINUTES
    }
}

fn denied() -> Answer {
    Answer::error(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
}

fn refusal(fault: &Fault) -> Answer {
    match fault {
        Fault::Throttled(time) => {
            Answer::throttled(time.as_secs(), "Application is over its MailboxConcurrency limit.")
        }
        Fault::GatewayTimeout => Answer::error(504, "UnknownError", ""),
        Fault::SyncStateLost => Answer::error(410, "syncStateNotFound", "Resynchronization is required."),
        Fault::TokenExpired => expired(),
        Fault::AccessDenied => denied(),
        Fault::NotFound => Answer::not_found(),
        Fault::Html => {
            Answer::bytes("text/html", b"<html><body>Welcome to our guest network</body></html>".to_vec())
        }
        Fault::Redirect(to) => {
            Answer { status: 302, ..Answer::json(serde_json::Value::Null) }.with("Location", to.clone())
        }
        Fault::Unavailable | Fault::CutAt(_) | Fault::Delay(_) => {
            Answer::error(503, "serviceNotAvailable", "The service is temporarily unavailable.")
        }
    }
}

fn expired() -> Answer {
    Answer::error(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
}

async fn handle(
    Shares(shared): Shares<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<HttpBody> {
    let running = shared.running.fetch_add(1, Ordering::SeqCst) + 1;
    shared.most_at_once.fetch_max(running, Ordering::SeqCst);
    let (answer, wait) = respond(&shared, running, &method, &uri, &headers, &body);
    tokio::time::sleep(wait).await;
    shared.running.fetch_sub(1, Ordering::SeqCst);
    send(answer)
}

fn respond(
    shared: &Shared,
    running: usize,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> (Answer, Duration) {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let prefer = headers
        .get_all("Prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect::<Vec<_>>()
        .join(", ");
    let url = Url::parse(&format!("http://{}{uri}", header("Host")));
    let Ok(url) = url else {
        return (Answer::error(400, "BadRequest", "The url is malformed."), Duration::ZERO);
    };
    if !shared.lets_in(header("Authorization")) {
        return (expired(), Duration::ZERO);
    }
    if running > AT_A_TIME {
        return (Answer::throttled(1, "Application is over its MailboxConcurrency limit."), Duration::ZERO);
    }
    if url.path() == "/v1.0/$batch" && *method == Method::POST {
        return batch::answer(shared, &url, body);
    }
    shared.resource(&Asked { method: method.as_str(), url: &url, prefer: &prefer })
}

fn send(answer: Answer) -> Response<HttpBody> {
    let (kind, mut bytes) = match answer.body {
        Body::Json(value) => ("application/json", value.to_string().into_bytes()),
        Body::Bytes(kind, bytes) => (kind, bytes),
    };
    let whole = bytes.len();
    let mut response = Response::builder().status(answer.status).header("Content-Type", kind);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let body = match answer.cut {
        // Fewer bytes than were promised: the connection ends in the middle.
        Some(at) => {
            bytes.truncate(at.min(whole.saturating_sub(1)));
            response = response.header("Content-Length", whole);
            let part = futures::stream::once(async move { Ok::<_, std::io::Error>(Bytes::from(bytes)) });
            let end = futures::stream::once(async { Err(std::io::ErrorKind::ConnectionReset.into()) });
            HttpBody::from_stream(part.chain(end))
        }
        None => HttpBody::from(bytes),
    };
    response.body(body).unwrap_or_else(|_| {
        let mut failed = Response::new(HttpBody::empty());
        *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        failed
    })
}
