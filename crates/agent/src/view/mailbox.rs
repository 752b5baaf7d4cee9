//! Mailboxes as the rep sees them.

use serde::{Deserialize, Serialize};

use super::Problem;

/// A mailbox to be added or tested, as typed in. The password goes to the keychain and nowhere else.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MailboxDraft {
    /// The rep's address.
    pub address: String,
    /// Other addresses of the rep's.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Domains of the rep's organisation; empty means the address's own domain unless it is a free-mail provider.
    #[serde(default)]
    pub colleagues: Vec<String>,
    /// The IMAP server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub security: MailboxSecurity,
    /// The login name; usually the address.
    pub username: String,
    /// The password or app password.
    pub password: String,
    /// A PEM file with the organisation's own root certificate.
    #[serde(default)]
    pub ca_file: Option<String>,
}

/// A sign-in through the browser that waits for the rep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct BrowserSignIn {
    /// To wait for it, or to call it off.
    pub id: String,
    /// What to open in the browser.
    pub url: String,
}

/// What can be changed of a mailbox that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MailboxDetails {
    /// Other addresses of the rep's.
    pub aliases: Vec<String>,
    /// Domains of the rep's organisation.
    pub colleagues: Vec<String>,
    /// Folders that are not watched.
    pub exclude_folders: Vec<String>,
}

/// What a configuration that was exported elsewhere would bring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ImportView {
    /// Mailboxes that would be added; each asks for its password.
    pub new_mailboxes: Vec<String>,
    /// Mailboxes that are here already and stay as they are.
    pub known_mailboxes: Vec<String>,
    /// The backend that would be connected; `None` where it names none or one is connected.
    pub backend: Option<String>,
    /// Whether rules or log level are others than here.
    pub rules_differ: bool,
}

/// How a mailbox connection is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "lowercase")]
pub enum MailboxSecurity {
    /// TLS from the first byte.
    Tls,
    /// STARTTLS.
    StartTls,
    /// Plaintext; to loopback only.
    None,
}

/// A mailbox that is watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    /// The account's id.
    pub id: String,
    /// The rep's address.
    pub address: String,
    /// Other addresses of the rep's.
    pub aliases: Vec<String>,
    /// Domains of the rep's organisation.
    pub colleagues: Vec<String>,
    /// The IMAP server as `host:port`.
    pub server: String,
    /// It is signed in to through the browser, at this provider; `None` where it has a password.
    pub provider: Option<String>,
    /// What it is doing.
    pub state: AccountState,
    /// Everything received before this time has been checked.
    pub checked_up_to: Option<String>,
    /// First scan: share done, 0 to 1; `None` when no first scan is running.
    pub scan_progress: Option<f64>,
    /// Messages looked at since the agent started.
    pub messages_seen: u32,
    /// What is wrong, if anything.
    pub problem: Option<Problem>,
    /// Folders that the rep has left out.
    pub exclude_folders: Vec<String>,
    /// The folders that are watched.
    pub folders: Vec<FolderView>,
}

/// What an account is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// Connecting and signing in.
    Connecting,
    /// Reading what is there.
    Scanning,
    /// Everything is read; new mail is noticed as it comes.
    Watching,
    /// The connection broke; it is tried again by itself.
    Reconnecting,
    /// The rep must do something.
    NeedsAttention,
    /// Paused by the rep.
    Paused,
}

/// A folder that is watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct FolderView {
    /// Its name.
    pub name: String,
    /// inbox, sent, junk, trash, archive, all, other.
    pub role: String,
    /// Whether its first scan is done.
    pub scanned: bool,
    /// How many messages of it were looked at since the agent started.
    pub messages_seen: u32,
}
