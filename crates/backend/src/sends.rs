//! The feed of tracked sends.

use answerback_reply::TrackedSend;
use serde::{Deserialize, Serialize};

/// The answer of `GET /v1/sends`: what changed since the cursor, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SendsPage {
    /// Sends that are new or changed.
    pub sends: Vec<TrackedSend>,
    /// Ids of sends whose answers no longer matter.
    #[serde(default)]
    pub removed: Vec<String>,
    /// Where to go on.
    pub next_cursor: String,
    /// Whether there is more at once.
    #[serde(default)]
    pub has_more: bool,
}
