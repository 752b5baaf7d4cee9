//! For those who run the server: is it alive, is it ready, what does it do.

use answerback_backend::Problem;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use jiff::Timestamp;

use crate::metrics::Gauge;
use crate::problem::ApiError;
use crate::server::App;
use crate::store::StoreError;
use crate::store::coverage::SILENT_AFTER;
use crate::{metrics, openapi};

/// The process is alive.
#[utoipa::path(
    get, path = "/healthz", tag = "operations",
    responses((status = 200, description = "It is", body = String, content_type = "text/plain"))
)]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The database answers, and the server is not shutting down.
#[utoipa::path(
    get, path = "/readyz", tag = "operations",
    responses(
        (status = 200, description = "It can take requests", body = String, content_type = "text/plain"),
        (status = 503, description = "Send requests elsewhere", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn readyz(State(app): State<App>) -> Result<&'static str, ApiError> {
    if app.stop.is_cancelled() {
        return Err(ApiError::Unavailable);
    }
    app.store.ping().await.map_err(|_| ApiError::Unavailable)?;
    Ok("ready\n")
}

/// Counters in the OpenMetrics text format, and what the database says of mailboxes and webhooks while it answers.
#[utoipa::path(
    get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "The counters", body = String, content_type = "application/openmetrics-text"))
)]
pub async fn metrics(State(app): State<App>) -> impl IntoResponse {
    let gauges = gauges(&app).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "the database could not be counted");
        Vec::new()
    });
    ([(CONTENT_TYPE, metrics::MEDIA_TYPE)], app.metrics.text(&gauges))
}

/// What the database says, of all organisations.
async fn gauges(app: &App) -> Result<Vec<Gauge>, StoreError> {
    let silent_since = Timestamp::now().checked_sub(SILENT_AFTER).unwrap_or(Timestamp::MIN);
    let (checked, silent) = app.store.coverage_counts(silent_since).await?;
    let (pending, dead) = app.store.delivery_counts().await?;
    Ok(vec![
        Gauge {
            name: "answerback_mailboxes",
            label: "state",
            values: vec![("checked", checked), ("silent", silent)],
        },
        Gauge {
            name: "answerback_webhook_deliveries",
            label: "state",
            values: vec![("pending", pending), ("dead", dead)],
        },
    ])
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "operations",
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
pub async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], openapi::json())
}
