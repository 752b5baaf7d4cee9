//! Every error answer is a problem (RFC 9457).

use std::time::Duration;

use answerback_backend::Problem;
use answerback_backend::problem::PROBLEM_MEDIA_TYPE;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::store::StoreError;

tokio::task_local! {
    /// The id of the request that is being answered.
    pub static REQUEST: String;
}

/// What a request can fail with.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No token, or not one that is good.
    #[error("Send a good bearer token in the Authorization header.")]
    Unauthorised,
    /// A laptop's token where the platform's is needed, or the other way round.
    #[error("This needs the token of {0}.")]
    Forbidden(&'static str),
    /// A parameter or the body is not what it must be.
    #[error("{0}")]
    Invalid(String),
    /// No such thing.
    #[error("{0}")]
    NotFound(&'static str),
    /// The resource does not know the method.
    #[error("This resource does not know that method.")]
    MethodNotAllowed,
    /// The cursor has expired or is not one of ours.
    #[error("This cursor has expired: ask again without one and start over.")]
    CursorExpired,
    /// There is something already that forbids it.
    #[error("{0}")]
    Conflict(String),
    /// The body is too large, or a batch has too many members.
    #[error("{0}")]
    TooLarge(String),
    /// The body's media type is not the one that is needed.
    #[error("Send the body as {0}.")]
    MediaType(&'static str),
    /// Too many requests; how long to wait.
    #[error("Too many requests. Wait as long as Retry-After says.")]
    TooMany(Duration),
    /// The database can't be reached or is busy.
    #[error("The database is not available.")]
    Unavailable,
    /// A fault of ours; the log knows more.
    #[error("Something went wrong here; the log of the server knows more.")]
    Internal,
}

impl ApiError {
    /// Its status.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorised => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::CursorExpired => StatusCode::GONE,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the database failed");
        let error = match &error {
            StoreError::Shared(shared) => shared.as_ref(),
            own => own,
        };
        match error {
            StoreError::Query(sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::PoolClosed) => {
                Self::Unavailable
            }
            // Serialisation failure, deadlock, SQLite's busy: the same request may pass when it is sent again.
            StoreError::Query(sqlx::Error::Database(e))
                if matches!(
                    e.code().as_deref(),
                    Some("40001" | "40P01" | "5" | "517" | "57P01" | "57P03")
                ) =>
            {
                Self::Unavailable
            }
            _ => Self::Internal,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let problem = Problem {
            problem_type: "about:blank".into(),
            title: status.canonical_reason().unwrap_or_default().into(),
            status: status.as_u16(),
            detail: Some(self.to_string()),
            instance: REQUEST.try_with(Clone::clone).ok(),
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
        match self {
            Self::Unauthorised => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::TooMany(wait) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().saturating_add(1)));
            }
            Self::Unavailable => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}
