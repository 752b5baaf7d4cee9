//! Mailboxes as the rep sees them.

use serde::{Deserialize, Serialize};

use super::Problem;

/// By which of its doors a mailbox is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// IMAP.
    Imap,
    /// Microsoft Graph.
    Graph,
    /// Exchange Web Services.
    Ews,
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
    /// By which of its doors it is read.
    pub door: Door,
    /// The server's host, and its port where there may be several.
    pub server: String,
    /// The name that it is signed in to with, where that is not the address.
    pub username: Option<String>,
    /// It is signed in to through the browser, at this provider.
    pub provider: Option<String>,
    /// The host that was asked for its access tokens.
    pub sign_in_host: Option<String>,
    /// It is signed in to with a password.
    pub takes_password: bool,
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
    /// Everything that it held then has been checked. The mailbox as a whole counts only up to its own time, since mail may
    /// have moved meanwhile between folders.
    pub checked_up_to: Option<String>,
}
