//! The simulator over HTTP: the token, and faults.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, Response, Uri, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::account::{Account, ApiError, Options};

/// The private app's token that it knows.
pub const TOKEN: &str = "pat-na1-simulator";

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 503.
    Unavailable,
    /// Too many requests in a short time.
    TooMany,
    /// The connection breaks before anything is done.
    CutBefore,
    /// It is done, and the connection breaks before the answer.
    CutAfterCommit,
}

#[derive(Debug)]
struct Inner {
    account: Account,
    requests: u32,
    faults: BTreeMap<u32, Fault>,
    lacking: HashSet<&'static str>,
}

type Shared = Arc<Mutex<Inner>>;

/// A HubSpot account on a port of this machine; gone when this is dropped.
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
            TcpListener::bind("127.0.0.1:0").await.context("The HubSpot simulator can't listen")?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Mutex::new(Inner {
            account: Account::new(options),
            requests: 0,
            faults: BTreeMap::new(),
            lacking: HashSet::new(),
        }));
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the HubSpot simulator stopped");
            }
        });
        Ok(Self { shared, url, task })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Puts a contact there; gives its id.
    pub fn contact(&self, email: &str) -> String {
        lock(&self.shared).account.seed("contacts", json!({"email": email}), Vec::new())
    }

    /// Puts an email there as HubSpot's own capture does.
    pub fn captured(&self, message_id: &str, contact: &str) -> String {
        let properties = json!({"hs_email_message_id": message_id, "hs_email_direction": "INCOMING_EMAIL"});
        lock(&self.shared).account.seed("emails", properties, vec![contact.to_owned()])
    }

    /// Every record of an object with `id`, `properties` and the ids of its `contacts`, the oldest first.
    pub fn records(&self, object: &str) -> Vec<Value> {
        lock(&self.shared).account.all(object)
    }

    /// The addresses that were taken off every subscription.
    pub fn unsubscribed(&self) -> Vec<String> {
        lock(&self.shared).account.unsubscribed.iter().cloned().collect()
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

    /// Takes a scope from the private app.
    pub fn take_scope(&self, scope: &'static str) {
        lock(&self.shared).lacking.insert(scope);
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
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
    match fault {
        Some(Fault::CutBefore) => return cut(),
        Some(Fault::Unavailable) => {
            return json_answer(503, &json!({"status": "error", "message": "unavailable"}));
        }
        Some(Fault::TooMany) => {
            let body = json!({"status": "error", "message": "You have reached your ten_secondly_rolling limit.", "errorType": "RATE_LIMIT",
                "policyName": "TEN_SECONDLY_ROLLING"});
            return json_answer(429, &body);
        }
        Some(Fault::CutAfterCommit) | None => {}
    }
    let bearer = headers.get(header::AUTHORIZATION).and_then(|h| h.to_str().ok()?.strip_prefix("Bearer "));
    let result = match bearer {
        Some(TOKEN) => {
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            resource(&mut inner, method.as_str(), uri.path(), &query, &body)
        }
        _ => Err(ApiError::new(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")),
    };
    if fault == Some(Fault::CutAfterCommit) {
        return cut();
    }
    match result {
        Ok((204, _)) => Response::builder().status(204).body(Body::empty()).unwrap_or_default(),
        Ok((status, body)) => json_answer(status, &body),
        Err(error) => json_answer(error.status, &error.json()),
    }
}

fn resource(
    inner: &mut Inner,
    method: &str,
    path: &str,
    query: &[(String, String)],
    body: &Value,
) -> Result<(u16, Value), ApiError> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let list = |name: &str| -> Vec<String> {
        let values = query.iter().filter(|(n, _)| n == name).flat_map(|(_, value)| value.split(','));
        values.map(str::to_owned).collect()
    };
    let lacking = |scope: &'static str| inner.lacking.contains(scope);
    if method == "PATCH" && lacking("crm.objects.contacts.write") {
        return Err(ApiError::missing_scope("crm.objects.contacts.write"));
    }
    let account = &mut inner.account;
    match (method, parts.as_slice()) {
        ("POST", ["crm", "v3", "objects", object, "batch", "read"]) => account.read_many(object, body),
        ("POST", ["crm", "v3", "objects", object]) => Ok((201, account.create(object, body)?)),
        ("GET", ["crm", "v3", "objects", object, id]) => {
            Ok((200, account.get(object, id, &list("properties"), &list("associations"))?))
        }
        ("PATCH", ["crm", "v3", "objects", object, id]) => Ok((200, account.update(object, id, body)?)),
        ("DELETE", ["crm", "v3", "objects", object, id]) => {
            account.delete(object, id).map(|()| (204, Value::Null))
        }
        ("GET", ["crm", "v3", "properties", object, name]) => Ok((200, account.property(object, name)?)),
        ("POST", ["communication-preferences", "v4", "statuses", address, "unsubscribe-all"]) => {
            let address = address.replace("%40", "@");
            account.unsubscribed.insert(address.clone());
            Ok((200, json!({"subscriberIdString": address, "channel": "EMAIL", "status": "UNSUBSCRIBED"})))
        }
        _ => Err(ApiError::new(404, "OBJECT_NOT_FOUND", "resource not found")),
    }
}

/// An answer that breaks off.
fn cut() -> Response<Body> {
    let broken = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut")) });
    Response::new(Body::from_stream(broken))
}

fn json_answer(status: u16, body: &Value) -> Response<Body> {
    let answer =
        Response::builder().status(status).header(header::CONTENT_TYPE, "application/json;charset=utf-8");
    answer.body(Body::from(body.to_string())).unwrap_or_default()
}

fn lock(shared: &Shared) -> MutexGuard<'_, Inner> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
