//! May the next step go out?

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The answer of `GET /v1/gate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Gate {
    /// Whether it may.
    pub state: GateState,
    /// `hold`: when it is cleared at the latest; `paused`: when the pause ends; else null.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub until: Option<Timestamp>,
    /// Why: the reason of the stop or pause, `suppressed`, `finished`, `mailbox_not_checked`, `mailbox_checked`,
    /// `longest_hold_is_over` or `nothing_sent`.
    pub because: String,
    /// Up to when the mailbox that the campaign was sent from has been checked; null if it never was.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub checked_up_to: Option<Timestamp>,
}

/// Whether the next step may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum GateState {
    /// It may.
    Clear,
    /// Ask again: the mailbox has not been checked since the last step.
    Hold,
    /// Not before `until`.
    Paused,
    /// Never.
    Stopped,
}
