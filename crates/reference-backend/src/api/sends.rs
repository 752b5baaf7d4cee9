//! `/v1/sends`: the platform puts tracked sends in, laptops read what changed.

use std::time::Duration;

use answerback_backend::{Problem, SendsPage};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Denied;
use crate::extract::{Body, Laptop, Params, Platform};
use crate::problem::ApiError;
use crate::server::App;
use crate::store::sends::{CheckedSend, IncomingSend, SendResult, SendStatus};

/// Sends in one request at most.
pub const MAX_SENDS: usize = 5000;
const MAX_PAGE: i64 = 5000;
const DEFAULT_LIMIT: i64 = 500;
const LONGEST_WAIT: u64 = 60;

/// What to read of the feed.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FeedParams {
    /// `next_cursor` of the page before; without it, everything from the beginning.
    cursor: Option<String>,
    /// Changes in a page at most; no more than 5000 are given.
    #[param(minimum = 1, default = 500)]
    limit: Option<i64>,
    /// Where nothing has changed, wait so many seconds for something to; no longer than 60.
    #[param(minimum = 0, default = 0)]
    wait: Option<i64>,
}

/// What became of each send.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SendResults {
    /// In the order of the request.
    results: Vec<SendResult>,
}

/// What changed in the sends of the laptop's rep since the cursor, oldest first.
#[utoipa::path(
    get, path = "/v1/sends", tag = "laptop", params(FeedParams), security(("laptop" = [])),
    responses(
        (status = 200, description = "A page of the feed", body = SendsPage),
        (status = 410, description = "The cursor has expired: start over", body = Problem, content_type = "application/problem+json"),
        Denied,
    )
)]
pub async fn read(
    State(app): State<App>,
    laptop: Laptop,
    Params(params): Params<FeedParams>,
) -> Result<Json<SendsPage>, ApiError> {
    let limit = page_limit(params.limit, DEFAULT_LIMIT, MAX_PAGE)?;
    let wait = u64::try_from(params.wait.unwrap_or(0))
        .map_err(|_| ApiError::Invalid("wait must not be negative.".into()))?;
    let wait = wait.min(LONGEST_WAIT);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(wait);
    let cursor = params.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    let mut changes = app.feeds.subscribe(&laptop.org, &laptop.rep);
    let _counted = app.metrics.long_poll();
    loop {
        changes.mark_unchanged();
        let page = app.store.feed(&laptop.org, &laptop.rep, cursor, limit).await?;
        let page = page.ok_or(ApiError::CursorExpired)?;
        if !page.sends.is_empty() || !page.removed.is_empty() {
            return Ok(Json(page));
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return Ok(Json(page)) },
            () = tokio::time::sleep_until(deadline) => return Ok(Json(page)),
            () = app.stop.cancelled() => return Ok(Json(page)),
        }
    }
}

/// Adds sends or changes them, by their ids. Each is accepted or rejected by itself.
#[utoipa::path(
    post, path = "/v1/sends", tag = "platform", security(("platform" = [])), request_body = Vec<IncomingSend>,
    responses(
        (status = 200, description = "One result a send, in order; all of it is durable", body = SendResults),
        (status = 413, description = "More than 5000 sends or 16 MiB", body = Problem, content_type = "application/problem+json"),
        Denied,
    )
)]
pub async fn write(
    State(app): State<App>,
    platform: Platform,
    body: Body,
) -> Result<Json<SendResults>, ApiError> {
    let sends: Vec<Value> = body.json()?;
    if sends.len() > MAX_SENDS {
        return Err(ApiError::TooLarge(format!("A request holds at most {MAX_SENDS} sends.")));
    }
    let checked: Vec<(Option<String>, Result<CheckedSend, String>)> = sends.into_iter().map(check).collect();
    let good: Vec<CheckedSend> = checked.iter().filter_map(|(_, send)| send.as_ref().ok().cloned()).collect();
    let (statuses, changed) = app.store.upsert_sends(&platform.org, &good).await?;
    app.feeds.wake(&platform.org, &changed);
    let mut statuses = statuses.into_iter();
    let results = checked
        .into_iter()
        .map(|(id, send)| match send {
            Ok(_) => {
                SendResult { id, status: statuses.next().unwrap_or(SendStatus::Unchanged), reason: None }
            }
            Err(reason) => SendResult { id, status: SendStatus::Rejected, reason: Some(reason) },
        })
        .collect();
    Ok(Json(SendResults { results }))
}

/// Takes a send out of the feed: the laptop looks for its answers no longer.
#[utoipa::path(
    delete, path = "/v1/sends/{id}", tag = "platform", security(("platform" = [])),
    params(("id" = String, Path, description = "The send's id")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "There is no such send", body = Problem, content_type = "application/problem+json"),
        Denied,
    )
)]
pub async fn remove(
    State(app): State<App>,
    platform: Platform,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let rep = app
        .store
        .remove_send(&platform.org, &id)
        .await?
        .ok_or(ApiError::NotFound("There is no such send."))?;
    app.feeds.wake(&platform.org, &[rep]);
    Ok(StatusCode::NO_CONTENT)
}

fn check(value: Value) -> (Option<String>, Result<CheckedSend, String>) {
    let id = value.get("id").and_then(Value::as_str).map(str::to_owned);
    let send = serde_json::from_value::<IncomingSend>(value).map_err(|e| e.to_string());
    (id, send.and_then(|send| send.check().map_err(str::to_owned)))
}

/// A page's size: at least one, no more than the most.
pub(super) fn page_limit(asked: Option<i64>, default: i64, most: i64) -> Result<i64, ApiError> {
    match asked {
        None => Ok(default),
        Some(..=0) => Err(ApiError::Invalid("limit must be at least 1.".into())),
        Some(n) => Ok(n.min(most)),
    }
}
