//! The backend's answer to a batch of events.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The answer of `POST /v1/events`: one result an event, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PushResults {
    /// The results.
    pub results: Vec<EventResult>,
}

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EventResult {
    /// The event's id; null where the event had none that could be read.
    pub id: Option<Uuid>,
    /// What became of it.
    pub status: EventStatus,
    /// Why it was rejected, in words for the rep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum EventStatus {
    /// It is durable and has taken effect.
    Accepted,
    /// It had been received before and has not taken effect again.
    Duplicate,
    /// It will never be accepted.
    Rejected,
}
