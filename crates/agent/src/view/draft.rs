//! A mailbox as the rep types it in.

use serde::{Deserialize, Serialize};

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
    /// How it is reached.
    pub server: ServerDraft,
    /// The password or app password; empty where the browser signs in.
    pub password: String,
}

/// How a mailbox is reached, as typed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(tag = "door", rename_all = "snake_case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum ServerDraft {
    /// Over IMAP.
    Imap {
        /// The server.
        host: String,
        /// Its port.
        port: u16,
        /// How the connection is secured.
        security: MailboxSecurity,
        /// The login name; the address where it is empty.
        username: String,
        /// A PEM file with the organisation's own root certificate.
        #[serde(default)]
        ca_file: Option<String>,
    },
    /// At Microsoft 365 or Outlook.com: through Microsoft Graph, or over IMAP where the organisation allows only that.
    Graph,
    /// On the organisation's own Exchange server.
    Ews {
        /// Its host or the URL of its EWS; found by Autodiscover where it is empty.
        server: String,
        /// The Autodiscover service, where it is not at the usual place.
        #[serde(default)]
        autodiscover: Option<String>,
        /// The login name, which may be `DOMAIN\name`; the address where it is empty.
        username: String,
        /// A PEM file with the organisation's own root certificate.
        #[serde(default)]
        ca_file: Option<String>,
    },
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

/// Where a mailbox's Exchange server is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(tag = "found", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ExchangeServer {
    /// Autodiscover says so.
    Server {
        /// The URL of its EWS.
        url: String,
        /// Its host.
        host: String,
        /// The host is somebody else's than the mail domain's: the rep must agree before the password goes there.
        leaves_domain: bool,
    },
    /// Autodiscover sends on to this host, which is somebody else's: the rep must agree before it is asked with the password.
    Elsewhere {
        /// The host.
        host: String,
    },
}
