//! Faults, and what has been asked.

use std::time::{Duration, Instant};

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
