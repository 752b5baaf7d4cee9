//! OAuth 2.0 for a program on a laptop (RFC 8252): the rep signs in on the provider's own page in the browser, which
//! sends a code to a port of this computer; PKCE (RFC 7636) makes the code of no use to anybody else.
//!
//! [`SignIn`] gets a [`Grant`] for the keychain; [`AccessTokens`] gets access tokens for it, one refresh at a time.

mod error;
mod exchange;
mod grant;
mod issuer;
mod loopback;
mod page;
mod provider;
mod redirect;
mod sign_in;
mod tokens;

pub use error::OauthError;
pub use grant::Grant;
pub use provider::{OauthClient, Provider, salesforce_callbacks};
pub use sign_in::SignIn;
pub use tokens::{AccessToken, AccessTokens};
