//! The mail provider behind a rep's address: where its server is, what it wants the rep to do first, and how to sign in
//! to it through the browser.
//!
//! [`discovery`] finds the server, [`oauth`] gets and renews access tokens. No client id is built in: the organisation or the configuration names one.
#![forbid(unsafe_code)]

pub mod discovery;
mod http;
pub mod oauth;
pub mod preset;

pub use oauth::{
    AccessToken, AccessTokens, Grant, OauthClient, OauthError, Provider, SignIn, salesforce_callbacks,
};
pub use preset::FirstStep;
