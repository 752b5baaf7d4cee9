//! What can go wrong with a mailbox, told apart as far as somebody must act differently.

use std::time::Duration;

/// A mailbox error. Its text never holds server bytes, mail or credentials.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    /// What sort of failure.
    pub kind: ErrorKind,
    /// One sentence for a person, such as `imap.sales.example did not accept the password`.
    pub detail: String,
    /// The server asked not to be bothered before this much time has passed.
    pub retry_after: Option<Duration>,
}

impl Error {
    /// A failure that leaves the time of the next attempt to the caller.
    pub fn new(kind: ErrorKind, detail: String) -> Self {
        Self { kind, detail, retry_after: None }
    }
}

/// What sort of failure it is; each has its own remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The server refused the user name or password. Never retried without the rep.
    WrongPassword,
    /// The server refused the access token of a sign-in through the browser: it has run out, was revoked, or is for
    /// something else.
    WrongToken,
    /// Nobody has allowed this program to read the mailbox; in most organisations an administrator must.
    ConsentMissing,
    /// The host name does not exist.
    UnknownHost,
    /// Nothing listens on that port.
    Refused,
    /// The proxy can't be reached, refuses us, or does not connect to the server.
    Proxy,
    /// No route, no network.
    NoNetwork,
    /// The server did not answer in time.
    TimedOut,
    /// The certificate is not trusted, expired, or for another name.
    Certificate,
    /// The TLS handshake failed otherwise (a captive portal, an old server, a plaintext port).
    Tls,
    /// The server does not offer what is needed, such as STARTTLS or password login.
    Unsupported,
    /// Plaintext was asked for a host that is not loopback, or another setting makes no sense.
    Settings,
    /// The server asks to slow down or is temporarily unavailable.
    Throttled,
    /// The connection broke, or the server said BYE.
    Lost,
    /// The server answered NO or BAD to something that must work.
    Denied,
    /// The server said something that is not IMAP.
    Protocol,
}

impl ErrorKind {
    /// Whether trying again later can help without anybody doing anything.
    pub fn is_transient(self) -> bool {
        !matches!(
            self,
            Self::WrongPassword
                | Self::WrongToken
                | Self::ConsentMissing
                | Self::UnknownHost
                | Self::Certificate
                | Self::Unsupported
                | Self::Settings
        )
    }
}
