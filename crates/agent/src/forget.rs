//! Leaving nothing behind: what an uninstaller asks for, or a rep who gives the laptop back.

use std::path::Path;

use answerback_keychain::{Keychain, KeychainError, SecretSource};

use crate::agent::lock;
use crate::config::{self, AccountConfig, Config, salesforce_key};
use crate::view::Problem;

/// The store, with what SQLite and the agent keep beside it.
const STORE: [&str; 4] = ["answerback.db", "answerback.db-wal", "answerback.db-shm", "answerback.lock"];

/// Deletes every secret that the configuration keeps in the keychain, then the store, then the configuration; gives what was
/// deleted, for a person to read. What was reported to the backend stays reported.
///
/// # Errors
/// An agent runs on it, the configuration can't be read, or something can't be deleted. What comes after that is still
/// there, so that it can be tried again.
pub fn forget_everything(config_file: &Path, keychain: &Keychain) -> Result<Vec<String>, Problem> {
    let config =
        Config::load_or_default(config_file).map_err(|error| Problem::of_config(&error, config_file))?;
    let folder = config.data_dir.clone().or_else(config::data_dir).filter(|folder| folder.is_dir());
    // Held until the store goes: an agent that runs would write everything anew.
    let lock = folder.as_deref().map(lock).transpose()?;
    let mut forgotten = Vec::new();
    for (key, name) in keys(&config) {
        match keychain.delete(&key) {
            Ok(()) => forgotten.push(format!("{key} in the keychain")),
            Err(KeychainError::NotFound(_)) => {}
            Err(error) => return Err(Problem::of_keychain(&error, &name)),
        }
    }
    if let Some(folder) = &folder {
        for name in STORE {
            delete(&folder.join(name), &mut forgotten)?;
        }
        // Somebody else's files may be in it.
        let _not_empty = std::fs::remove_dir(folder);
    }
    drop(lock);
    delete(config_file, &mut forgotten)?;
    Ok(forgotten)
}

/// The keychain's entries of a configuration, each with what it belongs to.
fn keys(config: &Config) -> Vec<(String, String)> {
    let of_account = |account: &AccountConfig| {
        let name = account.address.clone();
        account.keychain_keys().into_iter().map(move |key| (key, name.clone()))
    };
    let clients = config.oauth.iter().filter_map(|(name, client)| key(client.client_secret.as_ref()?, name));
    let proxy = config.network.proxy_password.as_ref().and_then(|source| key(source, "proxy"));
    let backend = config.backend.as_ref().and_then(|backend| key(&backend.token, &backend.url));
    let salesforce = config.salesforce.as_ref().map(|to| (salesforce_key(&to.url), to.url.clone()));
    config
        .accounts
        .iter()
        .flat_map(of_account)
        .chain(clients)
        .chain(proxy)
        .chain(backend)
        .chain(salesforce)
        .collect()
}

fn key(source: &SecretSource, name: &str) -> Option<(String, String)> {
    match source {
        SecretSource::Keychain(key) => Some((key.clone(), name.to_owned())),
        SecretSource::Env(_) | SecretSource::File(_) => None,
    }
}

fn delete(file: &Path, forgotten: &mut Vec<String>) -> Result<(), Problem> {
    let about = file.display().to_string();
    match std::fs::remove_file(file) {
        Ok(()) => forgotten.push(about),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            let summary = format!("{about} can't be deleted: {error}.");
            return Err(Problem::new("not_deleted", &about, summary, "Delete it yourself, then try again."));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_of_a_configuration_is_among_those_that_go() {
        let config: Config = toml::from_str(
            r#"
            [backend]
            url = "https://sales.example.com"
            token = { keychain = "backend" }
            [oauth.google]
            client_id = "c"
            client_secret = { keychain = "oauth-client/google" }
            [network]
            proxy = "http://rep@proxy.example:3128"
            proxy_password = { keychain = "proxy" }
            [[account]]
            address = "rep@sales.example"
            imap = { host = "imap.sales.example", password = { keychain = "account/rep@sales.example" } }
            [[account]]
            address = "Rep@Gmail.example"
            imap = { host = "imap.gmail.com", oauth = { provider = "google" } }
            [[account]]
            address = "other@sales.example"
            imap = { host = "imap.sales.example", password = { env = "P" } }
            "#,
        )
        .unwrap();
        let keys: Vec<_> = keys(&config).into_iter().map(|(key, _)| key).collect();
        assert_eq!(
            keys,
            [
                "account/rep@sales.example",
                "oauth/rep@sales.example",
                "account/rep@gmail.example",
                "oauth/rep@gmail.example",
                "account/other@sales.example",
                "oauth/other@sales.example",
                "oauth-client/google",
                "proxy",
                "backend"
            ]
        );
    }
}
