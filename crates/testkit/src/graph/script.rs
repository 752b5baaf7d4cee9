//! Faults, and what has been asked.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::lock;

/// A request that the server has read, before it is answered. Parts of a batch are requests of their own.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `GET` or `POST`.
    pub method: String,
    /// Path and query; tokens in it are opaque.
    pub target: String,
    /// The `Prefer` header fields.
    pub prefer: String,
    /// When it was read.
    pub at: Instant,
}

/// Something that goes wrong with one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 429 with `Retry-After`.
    Throttled(Duration),
    /// 503 without more.
    Unavailable,
    /// 504, as the gateway answers for a mailbox server that doesn't.
    GatewayTimeout,
    /// 410: the delta token is not known any more.
    SyncStateLost,
    /// 401: the access token has run out.
    TokenExpired,
    /// 403: nobody consented to this.
    AccessDenied,
    /// 404.
    NotFound,
    /// The answer ends after so many bytes, and the connection with it.
    CutAt(usize),
    /// 200 with a page of HTML, as a network's login page gives.
    Html,
    /// 302 to another host.
    Redirect(String),
    /// Waits first.
    Delay(Duration),
}

/// What is to go wrong, and what has been seen.
#[derive(Default)]
pub(super) struct Script {
    once: Mutex<Vec<(String, Fault)>>,
    always: Mutex<Vec<(String, Fault)>>,
    seen: Mutex<Vec<Seen>>,
}

impl Script {
    pub(super) fn once(&self, part: &str, fault: Fault) {
        lock(&self.once).push((part.to_owned(), fault));
    }

    pub(super) fn always(&self, part: &str, fault: Fault) {
        lock(&self.always).push((part.to_owned(), fault));
    }

    pub(super) fn clear(&self) {
        lock(&self.once).clear();
        lock(&self.always).clear();
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        lock(&self.seen).clone()
    }

    /// Notes a request and says what goes wrong with it.
    pub(super) fn fault(&self, seen: Seen) -> Option<Fault> {
        let target = seen.target.clone();
        lock(&self.seen).push(seen);
        let mut once = lock(&self.once);
        if let Some(at) = once.iter().position(|(part, _)| target.contains(part.as_str())) {
            return Some(once.remove(at).1);
        }
        drop(once);
        let always = lock(&self.always);
        always.iter().find(|(part, _)| target.contains(part.as_str())).map(|(_, fault)| fault.clone())
    }
}
