//! `/v1/webhooks`: where events are pushed to.

use answerback_backend::Problem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Denied;
use super::sends::page_limit;
use crate::extract::{Body, Params, Platform};
use crate::problem::ApiError;
use crate::server::App;
use crate::store::deliveries::{Attempt, DeadLetter};
use crate::store::webhooks::{Endpoint, MOST_WEBHOOKS, NewWebhook, Webhook};
use crate::webhook::Courier;
use crate::webhook::schedule::Outcome;

const NO_SUCH: ApiError = ApiError::NotFound("There is no such webhook.");
const DEFAULT_LIMIT: i64 = 100;
const MAX_PAGE: i64 = 1000;

/// An endpoint to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub struct WebhookUrl {
    /// Where events go: https, or http to this machine.
    #[schema(pattern = "^https?://[a-z0-9]")]
    url: String,
}

/// What an endpoint shall be.
#[derive(Debug, Deserialize, ToSchema)]
pub struct WebhookChange {
    /// Where events go.
    #[schema(pattern = "^https?://[a-z0-9]")]
    url: String,
    /// Whether events are pushed to it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    enabled: bool,
}

const fn yes() -> bool {
    true
}

/// The organisation's endpoints.
#[derive(Debug, Serialize, ToSchema)]
pub struct Webhooks {
    /// The oldest first.
    webhooks: Vec<Webhook>,
}

/// A new secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewSecret {
    /// What signatures are made with from now on; for a day the one before signs as well.
    secret: String,
}

/// How a test went.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestResult {
    /// Whether the endpoint took it.
    delivered: bool,
    /// What was wrong, if something was.
    problem: Option<String>,
}

/// Which dead letters to read.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeadLetterParams {
    /// `next_cursor` of the page before; without it, from the beginning.
    cursor: Option<String>,
    /// Dead letters in a page at most; no more than 1000 are given.
    #[param(minimum = 1, default = 100)]
    limit: Option<i64>,
}

/// A page of dead letters.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadLetters {
    /// The oldest first.
    dead_letters: Vec<DeadLetter>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// What to deliver again.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct Redelivery {
    /// The event's id; without it, all.
    event_id: Option<String>,
}

/// What is delivered again.
#[derive(Debug, Serialize, ToSchema)]
pub struct Redelivered {
    /// How many.
    redelivered: u64,
}

/// Makes an endpoint: each event that comes from now on is pushed to it, signed.
#[utoipa::path(
    post, path = "/v1/webhooks", tag = "platform", security(("platform" = [])), request_body = WebhookUrl,
    responses(
        (status = 201, description = "It is made. The secret is shown this once", body = NewWebhook),
        (status = 409, description = "There are 20 already", body = Problem, content_type = "application/problem+json"),
        Denied,
    )
)]
pub async fn create(
    State(app): State<App>,
    platform: Platform,
    body: Body,
) -> Result<(StatusCode, Json<NewWebhook>), ApiError> {
    let WebhookUrl { url } = body.object(&[])?;
    let url = checked(&app, &url)?;
    let made = app.store.add_webhook(&platform.org, &url).await?;
    let made = made.ok_or_else(|| {
        ApiError::Conflict(format!("An organisation has at most {MOST_WEBHOOKS} webhooks."))
    })?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// The endpoints and how they are.
#[utoipa::path(
    get, path = "/v1/webhooks", tag = "platform", security(("platform" = [])),
    responses((status = 200, description = "They are", body = Webhooks), Denied)
)]
pub async fn list(State(app): State<App>, platform: Platform) -> Result<Json<Webhooks>, ApiError> {
    Ok(Json(Webhooks { webhooks: app.store.webhooks(&platform.org).await? }))
}

/// Gives an endpoint another address, or switches it off and on.
#[utoipa::path(
    put, path = "/v1/webhooks/{id}", tag = "platform", security(("platform" = [])), request_body = WebhookChange,
    params(("id" = String, Path, description = "The webhook's id")),
    responses(
        (status = 204, description = "It is changed"),
        (status = 404, description = "There is no such webhook", body = Problem, content_type = "application/problem+json"),
        Denied,
    )
)]
pub async fn change(
    State(app): State<App>,
    platform: Platform,
    Path(id): Path<String>,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let WebhookChange { url, enabled } = body.object(&[])?;
    let url = checked(&app, &url)?;
    let found = app.store.change_webhook(&platform.org, &id, &url, enabled).await?;
    app.courier.wake();
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(NO_SUCH) }
}

/// Removes an endpoint, and what was still to be pushed to it.
#[utoipa::path(
    delete, path = "/v1/webhooks/{id}", tag = "platform", security(("platform" = [])),
    params(("id" = String, Path, description = "The webhook's id")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "There is no such webhook", body = Problem, content_type = "application/problem+json"),
        Denied,
    )
)]
pub async fn remove(
    State(app): State<App>,
    platform: Platform,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let found = app.store.remove_webhook(&platform.org, &id).await?;
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(NO_SUCH) }
}

/// Gives an endpoint a new secret. For a day the one before signs as well.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/secret", tag = "platform", security(("platform" = [])),
    params(("id" = String, Path, description = "The webhook's id")),
    responses(
        (status = 200, description = "The new secret. It is shown this once", body = NewSecret),
        (status = 404, description = "There is no such webhook", body = Problem, content_type = "application/problem+json"),
        Denied,
    )
)]
pub async fn rotate(
    State(app): State<App>,
    platform: Platform,
    Path(id): Path<String>,
) -> Result<Json<NewSecret>, ApiError> {
    let secret = app.store.rotate_secret(&platform.org, &id, Timestamp::now()).await?;
    Ok(Json(NewSecret { secret: secret.ok_or(NO_SUCH)? }))
}

/// Pushes an event of type `answerback.test.v1` now, and tells how it went.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/test", tag = "platform", security(("platform" = [])),
    params(("id" = String, Path, description = "The webhook's id")),
    responses(
        (status = 200, description = "How it went", body = TestResult),
        (status = 404, description = "There is no such webhook", body = Problem, content_type = "application/problem+json"),
        Denied,
    )
)]
pub async fn test(
    State(app): State<App>,
    platform: Platform,
    Path(id): Path<String>,
) -> Result<Json<TestResult>, ApiError> {
    let endpoint = app.store.endpoint(&platform.org, &id, Timestamp::now()).await?.ok_or(NO_SUCH)?;
    let attempt = push_test(&app.courier, &endpoint).await;
    Ok(Json(TestResult { delivered: attempt.outcome == Outcome::Delivered, problem: attempt.problem }))
}

/// Deliveries that were given up after ten attempts over a day and a half.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}/dead-letters", tag = "platform", security(("platform" = [])),
    params(("id" = String, Path, description = "The webhook's id"), DeadLetterParams),
    responses(
        (status = 200, description = "A page of them", body = DeadLetters),
        (status = 410, description = "The cursor is not one of this resource's: start over", body = Problem, content_type = "application/problem+json"),
        Denied,
    )
)]
pub async fn dead_letters(
    State(app): State<App>,
    platform: Platform,
    Path(id): Path<String>,
    Params(params): Params<DeadLetterParams>,
) -> Result<Json<DeadLetters>, ApiError> {
    let limit = page_limit(params.limit, DEFAULT_LIMIT, MAX_PAGE)?;
    let after = params.cursor.filter(|c| !c.is_empty()).map_or(Ok(0), |c| c.parse::<u32>().map(i64::from));
    let after = after.map_err(|_| ApiError::CursorExpired)?;
    let (dead_letters, last) = app.store.dead_letters(&platform.org, &id, after, limit).await?;
    Ok(Json(DeadLetters { dead_letters, next_cursor: last.map(|seq| seq.to_string()) }))
}

/// Delivers dead letters again.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/redeliver", tag = "platform", security(("platform" = [])), request_body = Redelivery,
    params(("id" = String, Path, description = "The webhook's id")),
    responses((status = 200, description = "They are on their way", body = Redelivered), Denied)
)]
pub async fn redeliver(
    State(app): State<App>,
    platform: Platform,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<Redelivered>, ApiError> {
    let Redelivery { event_id } = body.object(&[])?;
    let redelivered = app.store.redeliver(&platform.org, &id, event_id.as_deref()).await?;
    app.courier.wake();
    Ok(Json(Redelivered { redelivered }))
}

/// Pushes an event that says nothing.
pub async fn push_test(courier: &Courier, endpoint: &Endpoint) -> Attempt {
    let id = Uuid::new_v4().to_string();
    let event = json!({
        "specversion": "1.0", "id": id, "source": "answerback:/backend", "type": "answerback.test.v1",
        "time": Timestamp::now(), "datacontenttype": "application/json", "data": {},
    });
    courier.post(endpoint, &id, &event.to_string()).await
}

fn checked(app: &App, url: &str) -> Result<String, ApiError> {
    let url = app.courier.networks().check(url).map_err(|why| ApiError::Invalid(format!("{why}.")))?;
    Ok(url.into())
}
