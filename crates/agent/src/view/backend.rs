//! The backend as the rep sees it.

use serde::{Deserialize, Serialize};

use super::{Problem, SalesforceView};

/// A backend to be connected or tested, as typed in. The token goes to the keychain and nowhere else.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackendDraft {
    /// The base URL, `https://` unless loopback.
    pub url: String,
    /// The laptop's bearer token.
    pub token: String,
}

/// The backend that this laptop reports to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct BackendView {
    /// Its base URL, or that of the Salesforce in its place; `None` when none is connected.
    pub url: Option<String>,
    /// Where Salesforce stands in its place.
    pub salesforce: Option<SalesforceView>,
    /// What the connection is doing.
    pub state: BackendState,
    /// When it last answered.
    pub last_contact: Option<String>,
    /// Events not yet acknowledged.
    pub waiting: u32,
    /// Events acknowledged, ever.
    pub delivered: u32,
    /// Events that the backend refused for good.
    pub rejected: u32,
    /// What is wrong, if anything.
    pub problem: Option<Problem>,
}

/// What the backend connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum BackendState {
    /// None is connected.
    NotConnected,
    /// Asking for the first time.
    Connecting,
    /// In step.
    Connected,
    /// It does not answer; it is tried again by itself.
    Offline,
    /// The rep must do something.
    NeedsAttention,
}

/// One event of the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct OutboxRow {
    /// The event's id.
    pub id: String,
    /// stop, pause, suppress, log, retract.
    pub event: String,
    /// The send's id.
    pub send_id: String,
    /// Whom that went to, as far as it is still known: a name or an address.
    pub prospect: Option<String>,
    /// When it was decided.
    pub created_at: String,
    /// How often it was sent.
    pub attempts: u32,
    /// How it stands.
    pub state: OutboxState,
    /// Why it was refused, when it was.
    pub reason: Option<String>,
    /// The exact JSON that is sent.
    pub json: String,
}

/// How an event of the outbox stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum OutboxState {
    /// To be sent.
    Waiting,
    /// The backend has it.
    Delivered,
    /// The backend refused it for good.
    Rejected,
}
