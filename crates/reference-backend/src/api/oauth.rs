//! `/oauth`: pairing a laptop by the device flow (RFC 8628), and rotation of its tokens.
//!
//! Errors are those of RFC 6749 §5.2 and RFC 8628 §3.5, not problems: clients of OAuth expect them.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::header::{CACHE_CONTROL, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::ApiError;
use crate::server::App;
use crate::store::laptops::{ACCESS_LIFE, Claim, Issued, PAIRING_LIFE, POLL_INTERVAL};

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const NAME_CHARS: usize = 80;

/// A laptop asks to be paired. A `client_id` may be there and is not looked at: there is one client.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DeviceRequest {
    /// What the laptop calls itself, for the list of laptops.
    device_name: Option<String>,
}

/// What to show to the rep, and what to ask with.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceAnswer {
    /// The laptop's secret.
    device_code: String,
    /// What the rep types in.
    user_code: String,
    /// Where.
    verification_uri: String,
    /// Where it is typed in already.
    verification_uri_complete: String,
    /// Seconds until it is too late.
    expires_in: u64,
    /// Seconds between two questions at least.
    interval: u64,
}

/// A laptop asks for tokens: with its device code, or with a refresh token. A `client_id` may be there.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TokenRequest {
    /// `urn:ietf:params:oauth:grant-type:device_code` or `refresh_token`.
    grant_type: String,
    /// With the first.
    device_code: Option<String>,
    /// With the second.
    refresh_token: Option<String>,
}

/// A laptop's tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenAnswer {
    /// To be shown with each request.
    access_token: String,
    /// Always `Bearer`.
    token_type: String,
    /// Seconds until it runs out.
    expires_in: u64,
    /// To get the next pair with; good once.
    refresh_token: String,
}

/// Why there are no tokens (RFC 6749 §5.2, RFC 8628 §3.5).
#[derive(Debug, Serialize, ToSchema)]
pub struct OauthError {
    /// `authorization_pending`, `slow_down`, `access_denied`, `expired_token`, `invalid_grant`, `invalid_request` or `unsupported_grant_type`.
    error: String,
}

/// Begins to pair a laptop.
#[utoipa::path(
    post, path = "/oauth/device_authorization", tag = "pairing",
    request_body(content = DeviceRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Show the code to the rep, then ask for the token", body = DeviceAnswer),
        (status = 400, description = "Not a form", body = OauthError),
        (status = 429, description = "Too many requests from this address", body = answerback_backend::Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too many pairings are under way", body = answerback_backend::Problem, content_type = "application/problem+json"),
    )
)]
pub async fn begin(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    form: Result<Form<DeviceRequest>, axum::extract::rejection::FormRejection>,
) -> Result<Response, ApiError> {
    app.strangers(peer, &headers)?;
    let Ok(Form(request)) = form else { return Ok(refusal("invalid_request")) };
    let name: String = request
        .device_name
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(NAME_CHARS)
        .collect();
    let name = if name.trim().is_empty() { "A laptop".to_owned() } else { name.trim().to_owned() };
    let begun = app.store.begin_pairing(&name, Timestamp::now()).await?.ok_or(ApiError::Unavailable)?;
    let host = headers.get(HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
    let base = app.public_url.clone().unwrap_or_else(|| format!("http://{host}"));
    let answer = DeviceAnswer {
        device_code: begun.device_code.expose().to_owned(),
        verification_uri: format!("{base}/pair"),
        verification_uri_complete: format!("{base}/pair?code={}", begun.user_code),
        user_code: begun.user_code,
        expires_in: PAIRING_LIFE.as_secs(),
        interval: POLL_INTERVAL.as_secs(),
    };
    Ok(([(CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// Gives a laptop its tokens: the first pair once the pairing was approved, each next pair for a refresh token. A refresh
/// token that is shown again after its successor was used revokes the laptop.
#[utoipa::path(
    post, path = "/oauth/token", tag = "pairing",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The tokens", body = TokenAnswer),
        (status = 400, description = "There are none (yet)", body = OauthError),
        (status = 429, description = "Too many requests from this address", body = answerback_backend::Problem, content_type = "application/problem+json"),
        (status = 503, description = "The database is not available", body = answerback_backend::Problem, content_type = "application/problem+json"),
    )
)]
pub async fn token(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    form: Result<Form<TokenRequest>, axum::extract::rejection::FormRejection>,
) -> Result<Response, ApiError> {
    app.strangers(peer, &headers)?;
    let Ok(Form(request)) = form else { return Ok(refusal("invalid_request")) };
    let now = Timestamp::now();
    let error = match (request.grant_type.as_str(), request.device_code, request.refresh_token) {
        (DEVICE_GRANT, Some(code), _) => match app.store.claim_pairing(&code, now).await? {
            Claim::Issued(issued) => return Ok(tokens(&issued)),
            Claim::Pending => "authorization_pending",
            Claim::SlowDown => "slow_down",
            Claim::Denied => "access_denied",
            Claim::Expired => "expired_token",
        },
        ("refresh_token", _, Some(refresh)) => match app.store.refresh(&refresh, now).await? {
            Some(issued) => return Ok(tokens(&issued)),
            None => "invalid_grant",
        },
        (DEVICE_GRANT | "refresh_token", ..) => "invalid_request",
        _ => "unsupported_grant_type",
    };
    Ok(refusal(error))
}

fn tokens(issued: &Issued) -> Response {
    let answer = TokenAnswer {
        access_token: issued.access.expose().to_owned(),
        token_type: "Bearer".into(),
        expires_in: ACCESS_LIFE.as_secs(),
        refresh_token: issued.refresh.expose().to_owned(),
    };
    ([(CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

fn refusal(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, [(CACHE_CONTROL, "no-store")], Json(OauthError { error: error.into() }))
        .into_response()
}
