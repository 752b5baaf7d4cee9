//! What is known of a mail provider.

use serde::{Deserialize, Serialize};

use super::MailboxSecurity;

/// How to reach a mail provider, and what it wants as a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ProviderView {
    /// What it calls itself.
    pub name: String,
    /// Its IMAP server.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How the connection is secured.
    pub security: MailboxSecurity,
    /// What the rep has to do there first.
    pub sign_in: SignIn,
    /// The provider's page to do it on.
    pub page: Option<String>,
}

/// What a provider wants before it lets a mail program in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SignIn {
    /// A password made for one program only.
    AppPassword,
    /// IMAP is off until it is switched on in the settings; the usual password may do then.
    SwitchedOn,
    /// Only signing in through the browser; no password is taken.
    Browser,
}
