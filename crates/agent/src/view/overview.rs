//! The state of everything at a glance.

use serde::{Deserialize, Serialize};

use super::{AccountView, BackendView, ReplyRow};

/// What the Overview page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// The worst state of all parts, which the tray icon shows.
    pub state: OverviewState,
    /// When the pause ends by itself; `None` while nothing is paused, or where only the rep ends it.
    pub paused_until: Option<String>,
    /// The mailboxes.
    pub accounts: Vec<AccountView>,
    /// The backend.
    pub backend: BackendView,
    /// Messages attributed today (by the laptop's own day), by what they were.
    pub today: Counts,
    /// The newest verdicts, newest first, at most ten.
    pub latest: Vec<ReplyRow>,
    /// How many tracked sends are known.
    pub tracked_sends: u32,
}

/// The state that the tray icon shows, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum OverviewState {
    /// The rep must do something.
    Attention,
    /// No connection just now; it is tried again by itself.
    Offline,
    /// Paused by the rep.
    Paused,
    /// Nothing is set up yet.
    SetUp,
    /// All is well.
    Watching,
}

/// How long to pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum PauseFor {
    /// For an hour.
    Hour,
    /// Until tomorrow morning.
    Tomorrow,
    /// Until the rep resumes.
    Open,
}

/// How many messages of each sort were attributed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Answers by people, calendar responses included.
    pub replies: u32,
    /// Out-of-office mails and acknowledgements.
    pub automatic: u32,
    /// Bounces, delays and complaints.
    pub bounces: u32,
    /// Campaigns stopped.
    pub stopped: u32,
}
