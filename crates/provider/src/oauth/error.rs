//! What can go wrong in signing in through the browser, told apart as far as somebody must act differently.

use std::time::Duration;

use answerback_keychain::KeychainError;

use super::Provider;

/// Why there is no access token. Its text is a sentence for a person and never holds a token, a code or what a server
/// wrote.
#[derive(Debug, thiserror::Error)]
pub enum OauthError {
    /// Nobody named a client id for this provider.
    #[error("no client id is configured for signing in to {0}")]
    NoClientId(Provider),
    /// The rep said no on the provider's page.
    #[error("the sign-in was cancelled in the browser")]
    Denied,
    /// The organisation lets nobody use this program before an administrator agrees.
    #[error(
        "your organisation's administrator must allow Answerback (client id {client_id}) to read mail first"
    )]
    AdminConsent {
        /// Our client id there.
        client_id: String,
    },
    /// The organisation or the provider has blocked the client id.
    #[error("your organisation has blocked Answerback's client id {client_id}")]
    Blocked {
        /// Our client id there.
        client_id: String,
    },
    /// The rep signed in, and left out the permission to read mail.
    #[error("the permission to read mail was not given")]
    ScopeMissing,
    /// The browser did not come back in time.
    #[error("nobody signed in in the browser in time (client id {client_id})")]
    TimedOut {
        /// Our client id there: where an organisation blocks it, the provider's page says so and never comes back.
        client_id: String,
    },
    /// There is no grant, or it is no longer good: the password was changed, the access revoked, or it was not used for
    /// too long. Never tried again by itself.
    #[error("the sign-in is no longer valid")]
    SignInAgain,
    /// The organisation lets nobody sign in from this network.
    #[error("{host} lets nobody sign in from this network")]
    WrongNetwork {
        /// The provider's host.
        host: String,
    },
    /// The provider doesn't know the client id, its secret or its redirect.
    #[error("{host} does not accept the client id {client_id}")]
    BadClient {
        /// The provider's host.
        host: String,
        /// Our client id there.
        client_id: String,
    },
    /// The provider can't be reached.
    #[error("{host} can't be reached")]
    Unreachable {
        /// The provider's host.
        host: String,
    },
    /// The provider is in trouble, or wants to be left alone for a while.
    #[error("{host} is temporarily unavailable")]
    Busy {
        /// The provider's host.
        host: String,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// What came back makes no sense.
    #[error("{host} did not answer as an OAuth 2.0 provider does")]
    Nonsense {
        /// The provider's host.
        host: String,
    },
    /// The issuer is no URL, or not https.
    #[error("the sign-in page's address is not a URL that begins with https://")]
    Url,
    /// This computer can't listen for the browser, or its trusted certificates can't be used.
    #[error("the sign-in can't be set up: {0}")]
    Setup(String),
    /// The keychain did not do its part.
    #[error(transparent)]
    Keychain(#[from] KeychainError),
}
