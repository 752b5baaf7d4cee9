//! What a sign-in leaves behind in the keychain.

use answerback_keychain::Secret;
use serde::{Deserialize, Serialize};

/// The right to get access tokens, and the client that it was given to: a refresh token is of no use to another. It is
/// one entry of the keychain, and stands nowhere else.
#[derive(Clone, Debug)]
pub struct Grant {
    pub(super) client_id: String,
    pub(super) client_secret: Option<Secret>,
    pub(super) token_endpoint: String,
    pub(super) refresh_token: Secret,
    pub(super) scopes: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Stored<T> {
    client_id: T,
    client_secret: Option<T>,
    token_endpoint: T,
    refresh_token: T,
    scopes: Vec<T>,
}

impl Grant {
    /// As the keychain keeps it.
    pub fn to_secret(&self) -> Secret {
        let stored = Stored {
            client_id: self.client_id.as_str(),
            client_secret: self.client_secret.as_ref().map(Secret::expose),
            token_endpoint: self.token_endpoint.as_str(),
            refresh_token: self.refresh_token.expose(),
            scopes: self.scopes.iter().map(String::as_str).collect(),
        };
        // Strings and lists of strings always become JSON.
        Secret::from(serde_json::to_string(&stored).unwrap_or_default())
    }

    /// From the keychain; `None` when that entry is something else.
    pub fn from_secret(secret: &Secret) -> Option<Self> {
        let stored: Stored<String> = serde_json::from_str(secret.expose()).ok()?;
        Some(Self {
            client_id: stored.client_id,
            client_secret: stored.client_secret.map(Secret::from),
            token_endpoint: stored.token_endpoint,
            refresh_token: Secret::from(stored.refresh_token),
            scopes: stored.scopes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_survives_the_keychain_and_is_never_printed() {
        let grant = Grant {
            client_id: "id".into(),
            client_secret: Some(Secret::from("s3cret")),
            token_endpoint: "https://login.example/token".into(),
            refresh_token: Secret::from("r\"1"),
            scopes: vec!["imap".into()],
        };
        let again = Grant::from_secret(&grant.to_secret()).unwrap();
        assert_eq!(again.refresh_token.expose(), "r\"1");
        assert_eq!(again.client_secret.as_ref().unwrap().expose(), "s3cret");
        assert_eq!(again.scopes, grant.scopes);
        assert!(!format!("{grant:?}").contains("s3cret") && !format!("{grant:?}").contains("r\"1"));
        assert!(Grant::from_secret(&Secret::from("hunter2")).is_none());
    }
}
