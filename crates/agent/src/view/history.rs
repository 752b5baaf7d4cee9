//! What was attributed, day by day.

use serde::{Deserialize, Serialize};

use super::Counts;

/// Some days in a row, the last of which is today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// The days, oldest first, without gaps.
    pub days: Vec<DayCounts>,
    /// Half of the people who answered in this time took no longer than this many minutes; `None` when nobody did.
    pub median_minutes: Option<u32>,
}

/// One day of the laptop's own calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct DayCounts {
    /// `YYYY-MM-DD`.
    pub day: String,
    /// What was attributed on it. Stopped campaigns are not counted by day and stay 0.
    pub counts: Counts,
}
