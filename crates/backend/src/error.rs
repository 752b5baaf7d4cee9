//! What can go wrong with the backend, told apart by what a person would do about it.

use std::time::Duration;

/// Why a call to the backend failed. Displays as a sentence for the rep, without secrets and without mail content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// The URL is not one, or is plain http to another machine.
    #[error("{0}")]
    Url(String),
    /// The extra root certificate can't be used, or the system's certificates can't be read.
    #[error("{0}")]
    TlsSetup(String),
    /// No connection.
    #[error("{host}: {why}")]
    Unreachable {
        /// Host and port of the backend.
        host: String,
        /// What happened.
        why: Unreachable,
    },
    /// The backend's certificate is not trusted.
    #[error(
        "The certificate of {host} is not trusted: {why}. If the backend has a certificate of your own organisation, \
         add its root certificate in the backend settings."
    )]
    Certificate {
        /// Host and port of the backend.
        host: String,
        /// What is wrong with it.
        why: String,
    },
    /// The token is wrong, has run out or was revoked.
    #[error(
        "The backend does not accept this laptop's token. It may have been revoked: pair this laptop again."
    )]
    Unauthorised,
    /// The token's successor could not be kept, so it was not used.
    #[error("The new token for the backend could not be stored in the keychain. Unlock the keychain.")]
    NotKept,
    /// The token is good, but not for this.
    #[error("The backend does not allow this laptop to do that. Ask the administrator of the backend.")]
    Forbidden,
    /// The cursor has expired (410): start over without one.
    #[error("The backend no longer knows where this laptop had stopped reading; the sends are read anew.")]
    Gone,
    /// Too many requests.
    #[error("The backend asks for a break.")]
    Throttled {
        /// How long, where it said so.
        retry_after: Option<Duration>,
    },
    /// 5xx, or a broken answer.
    #[error("The backend has a problem of its own (HTTP {status}). It is tried again.")]
    Server {
        /// The HTTP status.
        status: u16,
        /// When to try again, where it said so.
        retry_after: Option<Duration>,
    },
    /// Another 4xx: the request as it is will never be accepted.
    #[error("The backend refused the request (HTTP {status}{}).", detail.as_deref().map(|d| format!(": {d}")).unwrap_or_default())]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// The problem's detail or title.
        detail: Option<String>,
    },
    /// Something else answers at that address.
    #[error(
        "There is a web server at {host}, but it is not an Answerback backend. Check the backend's address."
    )]
    NotABackend {
        /// Host and port.
        host: String,
    },
    /// It answered with a redirect to another host, which is not followed: the token is not for that host.
    #[error("{host} redirects to {to}. If that is where the backend is, enter that address instead.")]
    Redirected {
        /// Host and port that was asked.
        host: String,
        /// Host that it points to.
        to: String,
    },
}

/// Why no connection came about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// No such host name.
    #[error("there is no host of that name. Check the backend's address and the network.")]
    UnknownHost,
    /// Nothing listens there.
    #[error("the connection was refused. The backend may be down, or the port may be wrong.")]
    Refused,
    /// Nothing answered in time.
    #[error("it did not answer in time.")]
    Timeout,
    /// This machine has no way there.
    #[error("there is no network.")]
    NoNetwork,
    /// The connection broke.
    #[error("the connection broke.")]
    Broken,
}

impl BackendError {
    /// Whether the same request may succeed later without anybody doing anything about it.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Throttled { .. } | Self::Server { .. } | Self::Gone)
    }

    /// How long the backend asked to be left alone.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } | Self::Server { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
