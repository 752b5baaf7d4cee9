//! How to reach a mailbox, and what of it to watch.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::compression::Compression;
use crate::net::ProxyChoice;
use crate::power::Power;

/// An IMAP server and who signs in there. The password is handed over separately and never stored here.
#[derive(Clone, Debug)]
pub struct ImapSettings {
    /// Host name or address.
    pub host: String,
    /// Usually 993, or 143 for STARTTLS.
    pub port: u16,
    /// How the connection is secured.
    pub security: Security,
    /// The login name.
    pub username: String,
    /// A PEM file with an extra root to trust beside the platform's.
    pub ca_file: Option<PathBuf>,
    /// How the connection leaves this computer.
    pub proxy: ProxyChoice,
}

/// How a connection is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// STARTTLS before anything else; refused when the server doesn't offer it.
    StartTls,
    /// Plaintext, allowed to loopback addresses only.
    None,
}

/// What of the mailbox to watch.
#[derive(Clone, Debug, Default)]
pub struct WatchOptions {
    /// A first scan goes back to messages received at or after this time; `None` reads no old mail.
    pub since: Option<Timestamp>,
    /// Folders that the rep left out.
    pub exclude: Vec<String>,
    /// On battery, a server that tells of nothing by itself (Microsoft Graph, EWS without notifications) is asked less often.
    pub power: Power,
    /// What earlier connections to this server have found out about its compression.
    pub compression: Compression,
}
