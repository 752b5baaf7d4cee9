//! Where the keychain has what a configuration needs.

use std::collections::BTreeSet;

use answerback_keychain::SecretSource;

use super::{AccountConfig, Config, SignInSource};

/// Where the keychain has what the browser brought for an account.
pub fn grant_key(address: &str) -> String {
    format!("oauth/{}", address.to_lowercase())
}

/// Where the keychain has an account's password, unless the configuration names another place.
pub fn password_key(address: &str) -> String {
    format!("account/{}", address.to_lowercase())
}

/// Where the keychain has the grant for a Salesforce.
pub fn salesforce_key(url: &str) -> String {
    format!("salesforce/{}", url.trim_end_matches('/').to_lowercase())
}

impl AccountConfig {
    /// Every place of the keychain that its sign-in may be in or have been in: it may have changed how it signs in.
    pub fn keychain_keys(&self) -> BTreeSet<String> {
        let mut keys = BTreeSet::from([password_key(&self.address), grant_key(&self.address)]);
        keys.extend(self.keychain_key());
        keys
    }

    /// The place of the keychain that its sign-in is in.
    pub fn keychain_key(&self) -> Option<String> {
        match self.sign_in() {
            SignInSource::Password(source) | SignInSource::Token(source) => match source {
                SecretSource::Keychain(key) => Some(key.clone()),
                SecretSource::Env(_) | SecretSource::File(_) => None,
            },
            SignInSource::Browser(_) => Some(grant_key(&self.address)),
        }
    }
}

impl Config {
    /// Whether any secret is in the keychain.
    pub fn uses_keychain(&self) -> bool {
        let backend = self.backend.as_ref();
        self.accounts.iter().any(|account| account.keychain_key().is_some())
            || backend.is_some_and(|backend| matches!(backend.token, SecretSource::Keychain(_)))
            || self.salesforce.is_some()
    }
}
