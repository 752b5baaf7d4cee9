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

/// Something else to be done about a kind of message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct RuleChoice {
    /// The row's name.
    pub name: String,
    /// What would be done: stop, pause, suppress, log.
    pub actions: Vec<String>,
}

/// What rules have given, and would give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct RulesPreview {
    /// How many days are looked back.
    pub days: u32,
    /// How many messages were attributed in that time.
    pub messages: u32,
    /// With the rules that hold just now.
    pub now: ActionCounts,
    /// With those that are tried out.
    pub then: ActionCounts,
}

/// What was done how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ActionCounts {
    /// Campaigns stopped.
    pub stopped: u32,
    /// Campaigns paused.
    pub paused: u32,
    /// Addresses blocked.
    pub blocked: u32,
    /// Messages logged.
    pub logged: u32,
    /// Questions asked.
    pub asked: u32,
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
