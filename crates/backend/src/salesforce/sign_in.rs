//! How the connector gets its tokens.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

use crate::crm::CrmError;
use crate::{SecretSource, Token};

/// What an External Client App is asked for a token with.
#[derive(Clone, Debug)]
pub enum Grant {
    /// The client-credentials flow, which runs as the user that the app names (RFC 6749 §4.4).
    Client {
        /// The app's consumer secret.
        secret: Token,
    },
    /// A user's refresh token (RFC 6749 §6).
    Refresh {
        /// The app's consumer secret, where it has one.
        secret: Option<Token>,
        /// Where the token is, and where its successor goes: an app may rotate them.
        kept: SecretSource,
    },
    /// Somebody else signs in: on a laptop its user, through the browser.
    User(Arc<dyn UserTokens>),
}

/// Tokens of a user who signs in by another way than the connector's own.
pub trait UserTokens: Debug + Send + Sync {
    /// A token to use now; a new one where Salesforce has `refused` the last.
    fn token(&self, refused: bool) -> Pin<Box<dyn Future<Output = Result<Given, CrmError>> + Send + '_>>;
}

/// A token, and what came with it.
#[derive(Clone, Debug)]
pub struct Given {
    /// The access token.
    pub token: Token,
    /// `instance_url`: where the organisation is.
    pub instance: String,
    /// `id`: a URL that ends in the ids of the organisation and of the user.
    pub identity: Option<String>,
}

/// An app and what it is asked with.
#[derive(Debug)]
pub(super) struct SignIn {
    pub(super) client_id: String,
    pub(super) grant: Grant,
}

impl SignIn {
    /// The form that asks for a token.
    pub(super) fn form(&self) -> Result<Vec<(&'static str, String)>, CrmError> {
        let mut form = vec![("client_id", self.client_id.clone())];
        let secret = match &self.grant {
            Grant::Client { secret } => {
                form.push(("grant_type", "client_credentials".into()));
                Some(secret)
            }
            Grant::Refresh { secret, kept } => {
                form.push(("grant_type", "refresh_token".into()));
                // Read each time: another copy of the server may have put a newer one there.
                form.push(("refresh_token", kept.read()?.expose().to_owned()));
                secret.as_ref()
            }
            Grant::User(_) => None,
        };
        form.extend(secret.map(|secret| ("client_secret", secret.expose().to_owned())));
        Ok(form)
    }

    /// Keeps a refresh token's successor, before anything is done with the token that came with it: the old one is good for nothing now.
    pub(super) fn keep(&self, successor: &Token) -> Result<(), CrmError> {
        let Grant::Refresh { kept, .. } = &self.grant else { return Ok(()) };
        if kept.read()? == *successor {
            return Ok(());
        }
        Ok(kept.replace(successor)?)
    }
}
