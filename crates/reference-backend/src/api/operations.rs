//! For those who run the server: is it alive, is it ready, what does it do.

use answerback_backend::Problem;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use crate::problem::ApiError;
use crate::server::App;
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

/// Counters in the OpenMetrics text format.
#[utoipa::path(
    get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "The counters", body = String, content_type = "application/openmetrics-text"))
)]
pub async fn metrics(State(app): State<App>) -> impl IntoResponse {
    ([(CONTENT_TYPE, metrics::MEDIA_TYPE)], app.metrics.text())
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "operations",
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
pub async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], openapi::json())
}
