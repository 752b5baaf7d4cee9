//! Putting secrets into the keychain, and taking out what is of no use any more.

use answerback_keychain::{KeychainError, Secret, SecretSource};

use super::Agent;
use crate::config::{AccountConfig, grant_key};
use crate::view::Problem;

impl Agent {
    pub(super) async fn keep_secret(
        &self,
        source: &SecretSource,
        secret: String,
        about: &str,
    ) -> Result<(), Problem> {
        let secret = Secret::from(secret);
        let SecretSource::Keychain(key) = source.clone() else { return Ok(()) };
        let keychain = self.context.keychain.clone();
        let kept = tokio::task::spawn_blocking(move || keychain.set(&key, &secret)).await;
        match kept {
            Ok(Err(error)) => Err(Problem::of_keychain(&error, about)),
            _ => Ok(()),
        }
    }

    pub(super) async fn forget_secret(&self, source: &SecretSource, about: &str) -> Result<(), Problem> {
        match source {
            SecretSource::Keychain(key) => self.forget_key(key.clone(), about).await,
            SecretSource::Env(_) | SecretSource::File(_) => Ok(()),
        }
    }

    /// Deletes what an account was signed in to with, unless an account of the configuration still is: its password stays
    /// behind otherwise when it is removed, or signs in through the browser from now on.
    pub(super) async fn forget_sign_in(&self, before: &AccountConfig) -> Result<(), Problem> {
        let accounts = self.context.config().accounts;
        let in_use: Vec<_> = accounts.iter().filter_map(AccountConfig::keychain_key).collect();
        for key in before.keychain_keys() {
            if !in_use.contains(&key) {
                if key == grant_key(&before.address) {
                    self.context.credentials.forget(&before.id());
                }
                self.forget_key(key, &before.address).await?;
            }
        }
        Ok(())
    }

    async fn forget_key(&self, key: String, about: &str) -> Result<(), Problem> {
        let keychain = self.context.keychain.clone();
        match tokio::task::spawn_blocking(move || keychain.delete(&key)).await {
            Ok(Err(error)) if !matches!(error, KeychainError::NotFound(_)) => {
                Err(Problem::of_keychain(&error, about))
            }
            _ => Ok(()),
        }
    }
}
