//! What the organisation has laid down on this computer.

use serde::{Deserialize, Serialize};

use super::SalesforceDraft;

/// The administrator's policy, as far as the rep needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct OrganisationView {
    /// Whether anything is laid down.
    pub managed: bool,
    /// The backend to pair with.
    pub backend_url: Option<String>,
    /// The Salesforce to connect where there is no backend.
    pub salesforce: Option<SalesforceDraft>,
    /// Whom to ask.
    pub contact: Option<String>,
}
