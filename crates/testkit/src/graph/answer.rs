//! An answer before it is sent, and Graph's errors.

use serde_json::{Value, json};

/// What is sent back.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Body,
    /// So many bytes of it are sent.
    pub(super) cut: Option<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    Json(Value),
    /// Content type and bytes.
    Bytes(&'static str, Vec<u8>),
}

impl Answer {
    pub(super) fn json(body: Value) -> Self {
        Self { status: 200, headers: Vec::new(), body: Body::Json(body), cut: None }
    }

    pub(super) fn bytes(kind: &'static str, bytes: Vec<u8>) -> Self {
        Self { status: 200, headers: Vec::new(), body: Body::Bytes(kind, bytes), cut: None }
    }

    /// Graph's form of an error.
    pub(super) fn error(status: u16, code: &str, message: &str) -> Self {
        let inner =
            json!({"date": "2026-11-24T00:00:00", "request-id": "0c1f9d2e", "client-request-id": "0c1f9d2e"});
        let body = json!({"error": {"code": code, "message": message, "innerError": inner}});
        Self { status, headers: Vec::new(), body: Body::Json(body), cut: None }
    }

    pub(super) fn not_found() -> Self {
        Self::error(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    }

    pub(super) fn throttled(seconds: u64, message: &str) -> Self {
        Self::error(429, "ApplicationThrottled", message).with("Retry-After", seconds.to_string())
    }

    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}
