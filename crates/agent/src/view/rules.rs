//! What is done about each kind of message, for the rep to read and change.

use serde::{Deserialize, Serialize};

/// The rules as they hold just now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct RulesView {
    /// The rows of the policy table.
    pub rows: Vec<RuleView>,
    /// Days to pause for an out-of-office mail that names no date.
    pub pause_days: u16,
    /// Whether the organisation has set that number.
    pub pause_days_pinned: bool,
    /// How much of a reply is sent: `metadata`, `snippet` or `full`.
    pub log_level: String,
    /// The most that the organisation allows; `None` when it is silent.
    pub max_log_level: Option<String>,
}

/// One row of the policy table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct RuleView {
    /// The row's name, such as `reply` or `bounce_address`.
    pub name: String,
    /// What is done: stop, pause, suppress, log.
    pub actions: Vec<String>,
    /// What the rep may choose from; holds `actions`.
    pub choices: Vec<Vec<String>>,
    /// Whether the organisation has set it.
    pub pinned: bool,
}
