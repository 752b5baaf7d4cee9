//! What each account signs in with.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use answerback_keychain::{Keychain, SecretSource};
use answerback_mailbox::{Credential, ErrorKind, ProxyChoice, TokenSource};
use answerback_provider::{AccessTokens, OauthError};
use zeroize::Zeroizing;

use crate::config::{
    AccountConfig, Destination, NetworkConfig, SalesforceConfig, SignInSource, grant_key, salesforce_key,
};
use crate::salesforce::Direct;
use crate::view::Problem;

/// Gets passwords and access tokens. There is one for a whole agent, so that an account never renews its token twice
/// at the same time.
#[derive(Debug)]
pub struct Credentials {
    keychain: Keychain,
    tokens: Mutex<HashMap<String, AccessTokens>>,
}

impl Credentials {
    /// From this keychain, and from the environment and files that a configuration names.
    pub fn new(keychain: Keychain) -> Self {
        Self { keychain, tokens: Mutex::default() }
    }

    /// What the account signs in with just now.
    pub async fn of(&self, account: &AccountConfig) -> Result<Credential, Problem> {
        match account.sign_in() {
            SignInSource::Password(source) => {
                Ok(Credential::Password(self.secret(source.clone(), &account.address).await?))
            }
            SignInSource::Token(source) => {
                Ok(Credential::AccessToken(self.secret(source.clone(), &account.address).await?))
            }
            SignInSource::Browser(_) => {
                let token = async { self.tokens(account)?.access_token().await };
                let token = token.await.map_err(|error| Problem::of_oauth(&error, &account.address))?;
                Ok(Credential::AccessToken(Zeroizing::new(token.expose().to_owned())))
            }
        }
    }

    /// The way out, with the proxy's password.
    pub async fn proxy(&self, network: &NetworkConfig) -> Result<ProxyChoice, Problem> {
        // A configuration with a proxy that makes no sense was refused when it was read.
        let mut choice = network.choice().unwrap_or_default();
        if let (ProxyChoice::Through(proxy), Some(source)) = (&mut choice, &network.proxy_password)
            && let Some((_, kept)) = &mut proxy.login
        {
            *kept = self.secret(source.clone(), &proxy.host).await?;
        }
        Ok(choice)
    }

    /// The mail server refused what it was given: a token that may be good no more is not used again.
    pub async fn refused(&self, account: &AccountConfig) {
        if let (SignInSource::Browser(_), Ok(tokens)) = (account.sign_in(), self.tokens(account)) {
            tokens.forget().await;
        }
    }

    /// The account's access tokens.
    pub fn tokens(&self, account: &AccountConfig) -> Result<AccessTokens, OauthError> {
        let mut all = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let id = account.id();
        if let Some(tokens) = all.get(&id) {
            return Ok(tokens.clone());
        }
        let tokens = AccessTokens::new(self.keychain.clone(), grant_key(&account.address), None)?;
        all.insert(id, tokens.clone());
        Ok(tokens)
    }

    /// Which host gives the account's access tokens, as far as it was asked.
    pub fn sign_in_host(&self, account_id: &str) -> Option<String> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(account_id)?.host()
    }

    /// The way to Salesforce, as the rep has signed in there.
    pub fn salesforce(&self, config: &SalesforceConfig) -> Result<Direct, Problem> {
        let tokens = self.salesforce_tokens(config);
        let tokens = tokens.map_err(|error| Problem::of_salesforce_sign_in(&error, &config.url))?;
        Direct::new(config, tokens).map_err(|error| Problem::of_salesforce(&error, &config.url))
    }

    /// The rep's access tokens for Salesforce.
    pub fn salesforce_tokens(&self, config: &SalesforceConfig) -> Result<AccessTokens, OauthError> {
        let key = salesforce_key(&config.url);
        let mut all = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tokens) = all.get(&key) {
            return Ok(tokens.clone());
        }
        let tokens = AccessTokens::new(self.keychain.clone(), key.clone(), config.ca_file.as_deref())?;
        all.insert(key, tokens.clone());
        Ok(tokens)
    }

    /// What the laptop reported to was disconnected.
    pub fn forget_link(&self, before: Option<&Destination>) {
        if let Some(Destination::Salesforce(config)) = before {
            self.forget(&salesforce_key(&config.url));
        }
    }

    /// The account was removed.
    pub fn forget(&self, account_id: &str) {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(account_id);
    }

    async fn secret(&self, source: SecretSource, about: &str) -> Result<Zeroizing<String>, Problem> {
        let keychain = self.keychain.clone();
        match tokio::task::spawn_blocking(move || source.resolve(&keychain)).await {
            Ok(Ok(secret)) => Ok(Zeroizing::new(secret.expose().to_owned())),
            Ok(Err(error)) => Err(Problem::of_secret(&error, about)),
            Err(_) => {
                Err(Problem::new("keychain_timeout", about, "The secret could not be read.", "Try again."))
            }
        }
    }
}

/// An account's access tokens as Microsoft Graph's mailbox asks for them.
#[derive(Debug)]
pub struct GraphTokens<'a> {
    credentials: &'a Credentials,
    account: &'a AccountConfig,
    trouble: Mutex<Option<Problem>>,
}

impl<'a> GraphTokens<'a> {
    /// Of this account.
    pub fn new(credentials: &'a Credentials, account: &'a AccountConfig) -> Self {
        Self { credentials, account, trouble: Mutex::default() }
    }

    /// What the mailbox's error is about: the mailbox knows only that there was no token.
    pub fn explain(&self, error: &answerback_mailbox::Error, server: &str) -> Problem {
        self.take_trouble().unwrap_or_else(|| Problem::of_server(error, self.account.server(), server))
    }

    /// What the sign-in or the keychain failed at, where it was they and not the mailbox.
    pub fn take_trouble(&self) -> Option<Problem> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl TokenSource for &GraphTokens<'_> {
    async fn token(&self, refused: Option<&str>) -> Result<Zeroizing<String>, answerback_mailbox::Error> {
        if refused.is_some() {
            self.credentials.refused(self.account).await;
        }
        match self.credentials.of(self.account).await {
            Ok(Credential::AccessToken(token) | Credential::Password(token)) => Ok(token),
            Err(problem) => {
                let error = answerback_mailbox::Error::new(ErrorKind::WrongToken, problem.summary.clone());
                *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
                Err(error)
            }
        }
    }
}
