//! What was found out about an address.

use serde::{Deserialize, Serialize};

use super::{Door, MailboxSecurity};

/// A server that the mailbox may be on, and what it wants of the rep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ServerView {
    /// What the provider calls itself; the host where that isn't known.
    pub name: String,
    /// By which door the mailbox is read there.
    pub door: Door,
    /// The IMAP server; for an Exchange server the host whose Autodiscover service knows where it is.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How the connection is secured.
    pub security: MailboxSecurity,
    /// The login name.
    pub username: String,
    /// What the rep has to do there first.
    pub sign_in: SignIn,
    /// The provider's page to do it on.
    pub page: Option<String>,
    /// Sign-in through the browser is possible, at this provider.
    pub provider: Option<String>,
    /// The host is somebody else's than the mail domain's: the rep must agree before a password goes there.
    pub leaves_domain: bool,
}

/// What a provider wants before it lets a mail program in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SignIn {
    /// The usual password.
    Password,
    /// A password made for one program only.
    AppPassword,
    /// IMAP is off until it is switched on in the settings; the usual password may do then.
    SwitchedOn,
    /// Signing in through the browser.
    Browser,
    /// Only signing in through the browser, and nobody has named a client id yet.
    NoClientId,
    /// The provider's own program beside this one, which gives a password.
    Bridge,
}
