//! Pairing this laptop with a backend, as the rep sees it.

use serde::{Deserialize, Serialize};

use super::Problem;

/// A pairing that is under way, or that came to nothing. A pairing that succeeded is a connected backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct PairingView {
    /// The backend's base URL.
    pub url: String,
    /// What is to be typed in on the backend's page.
    pub code: String,
    /// The backend's page, for a person to read.
    pub page: String,
    /// How it stands.
    pub state: PairingState,
    /// What is wrong just now, or why it came to nothing.
    pub problem: Option<Problem>,
}

/// How a pairing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum PairingState {
    /// Nobody has decided yet.
    Waiting,
    /// Somebody said no.
    Denied,
    /// Nobody decided in time.
    Expired,
    /// It could not be finished.
    Failed,
}
