//! Salesforce as the rep connects it.

use serde::{Deserialize, Serialize};

/// The Salesforce that stands in the backend's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct SalesforceView {
    /// The consumer key of the organisation's External Client App.
    pub client_id: String,
    /// Who is signed in, by their user name; `None` before Salesforce has said so.
    pub user: Option<String>,
    /// The organisation's name.
    pub organisation: Option<String>,
}

/// A Salesforce to be connected, as typed in or as the organisation's policy has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SalesforceDraft {
    /// The My Domain address, or where people sign in.
    pub url: String,
    /// The consumer key of the organisation's External Client App.
    pub client_id: String,
}

/// A sign-in to Salesforce that waits for the browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct SalesforceSignIn {
    /// To wait for it, or to call it off.
    pub id: String,
    /// What to open in the browser.
    pub url: String,
}
