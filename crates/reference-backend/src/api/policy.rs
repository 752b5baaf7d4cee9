//! `/v1/policy`: what the organisation pins for all of its reps.

use answerback_backend::OrganisationPolicy;
use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::Denied;
use crate::extract::{Anybody, Body, Platform};
use crate::problem::ApiError;
use crate::server::App;

/// The organisation's pins, with an ETag.
#[utoipa::path(
    get, path = "/v1/policy", tag = "laptop", security(("laptop" = []), ("platform" = [])),
    params(("If-None-Match" = Option<String>, Header, description = "The ETag of the pins that are known")),
    responses(
        (status = 200, description = "The pins", body = OrganisationPolicy, headers(("ETag" = String, description = "To ask with next time"))),
        (status = 304, description = "They are those of the ETag"),
        Denied,
    )
)]
pub async fn read(
    State(app): State<App>,
    Anybody(who): Anybody,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let policy = app.store.policy(&who.org).await?;
    let etag = etag(&policy);
    let known = headers.get(IF_NONE_MATCH).and_then(|h| h.to_str().ok()).unwrap_or_default();
    let same =
        known.split(',').map(|tag| tag.trim().trim_start_matches("W/")).any(|tag| tag == etag || tag == "*");
    let headers = [(ETAG, etag)];
    Ok(if same {
        (StatusCode::NOT_MODIFIED, headers).into_response()
    } else {
        (headers, Json(policy)).into_response()
    })
}

/// Sets the organisation's pins.
#[utoipa::path(
    put, path = "/v1/policy", tag = "platform", security(("platform" = [])), request_body = OrganisationPolicy,
    responses((status = 204, description = "They are set"), Denied)
)]
pub async fn write(State(app): State<App>, platform: Platform, body: Body) -> Result<StatusCode, ApiError> {
    let policy: OrganisationPolicy = body.object(&["pins"])?;
    app.store.set_policy(&platform.org, &policy).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn etag(policy: &OrganisationPolicy) -> String {
    let digest = Sha256::digest(serde_json::to_vec(policy).unwrap_or_default());
    format!("\"{}\"", digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>())
}
