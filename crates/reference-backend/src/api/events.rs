//! `/v1/events`: laptops push what they found, the platform behind pulls it.

use answerback_backend::event::{BATCH_MEDIA_TYPE, Envelope, MAX_BATCH_EVENTS};
use answerback_backend::{Event, EventStatus, Problem, PushResults};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::Denied;
use super::sends::page_limit;
use crate::extract::{Body, Laptop, Params, Platform};
use crate::problem::ApiError;
use crate::server::App;
use crate::store::events::IncomingEvent;

const DEFAULT_LIMIT: i64 = 100;
const MAX_PAGE: i64 = 1000;

/// Which events to read.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventsParams {
    /// `next_cursor` of the page before; without it, from the beginning.
    cursor: Option<String>,
    /// Events in a page at most; no more than 1000 are given.
    #[param(minimum = 1, default = 100)]
    limit: Option<i64>,
}

/// A page of the events that came.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventsAnswer {
    /// As they came, oldest first. Coverage is not among them.
    #[schema(value_type = Vec<Envelope>)]
    events: Vec<Box<RawValue>>,
    /// Where to go on.
    next_cursor: String,
    /// Whether there is more at once.
    has_more: bool,
}

/// Takes a batch: at most 500 events and 1 MiB unpacked. The whole batch is durable before the answer.
#[utoipa::path(
    post, path = "/v1/events", tag = "laptop", security(("laptop" = [])),
    request_body(content = Vec<Envelope>, content_type = "application/cloudevents-batch+json"),
    responses(
        (status = 200, description = "One result an event, in order", body = PushResults),
        (status = 413, description = "More than 500 events or 1 MiB", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Another media type", body = Problem, content_type = "application/problem+json"),
        Denied,
    )
)]
pub async fn push(
    State(app): State<App>,
    laptop: Laptop,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<PushResults>, ApiError> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|h| h.to_str().ok()).unwrap_or_default();
    if !media_type.split(';').next().is_some_and(|t| t.trim().eq_ignore_ascii_case(BATCH_MEDIA_TYPE)) {
        return Err(ApiError::MediaType(BATCH_MEDIA_TYPE));
    }
    let raw: Vec<Box<RawValue>> = body.json()?;
    if raw.len() > MAX_BATCH_EVENTS {
        return Err(ApiError::TooLarge(format!("A batch holds at most {MAX_BATCH_EVENTS} events.")));
    }
    let batch: Vec<IncomingEvent> = raw.into_iter().map(read_event).collect();
    let results = app.store.receive(&laptop.org, &laptop.rep, &batch).await?;
    if results.iter().any(|result| result.status == EventStatus::Accepted) {
        app.courier.wake();
    }
    for result in &results {
        app.metrics.event(match result.status {
            EventStatus::Accepted => "accepted",
            EventStatus::Duplicate => "duplicate",
            EventStatus::Rejected => "rejected",
        });
    }
    Ok(Json(PushResults { results }))
}

/// What was received, oldest first.
#[utoipa::path(
    get, path = "/v1/events", tag = "platform", security(("platform" = [])), params(EventsParams),
    responses(
        (status = 200, description = "A page of events", body = EventsAnswer),
        (status = 410, description = "The cursor is not one of this resource's: start over", body = Problem, content_type = "application/problem+json"),
        Denied,
    )
)]
pub async fn pull(
    State(app): State<App>,
    platform: Platform,
    Params(params): Params<EventsParams>,
) -> Result<Json<EventsAnswer>, ApiError> {
    let limit = page_limit(params.limit, DEFAULT_LIMIT, MAX_PAGE)?;
    let after = params
        .cursor
        .filter(|cursor| !cursor.is_empty())
        .map_or(Ok(0), |cursor| cursor.parse::<u32>().map(i64::from));
    let after = after.map_err(|_| ApiError::CursorExpired)?;
    let page = app.store.events(&platform.org, after, limit).await?;
    Ok(Json(EventsAnswer {
        events: page.events,
        next_cursor: page.last.to_string(),
        has_more: page.has_more,
    }))
}

fn read_event(raw: Box<RawValue>) -> IncomingEvent {
    let event = serde_json::from_str::<Event>(raw.get());
    let id = match &event {
        Ok(event) => Some(event.id),
        Err(_) => {
            serde_json::from_str::<Value>(raw.get()).ok().and_then(|v| v.get("id")?.as_str()?.parse().ok())
        }
    };
    let event = match event {
        // PostgreSQL's text can't hold it.
        Ok(_) if raw.get().contains("\\u0000") => Err("it holds a NUL character".to_owned()),
        Ok(event) => Ok((event, raw)),
        Err(e) => Err(format!("this is not an event of the contract: {e}")),
    };
    IncomingEvent { id, event }
}
