//! Access tokens of one account: in memory only, and one refresh at a time.

use std::path::Path;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use answerback_keychain::{Keychain, KeychainError, Secret};
use jiff::Timestamp;
use reqwest::redirect::Policy;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{Grant, OauthError, exchange};
use crate::http;

/// A token is not used any more when it has this long to live.
const MARGIN: Duration = Duration::from_secs(120);

/// What a mail server, or Salesforce, accepts for a while instead of a password.
#[derive(Clone, Debug)]
pub struct AccessToken {
    secret: Secret,
    fresh_until: Timestamp,
    instance_url: Option<String>,
    identity: Option<String>,
}

impl AccessToken {
    /// By the wall clock, which goes on while the computer sleeps.
    pub(super) fn new(secret: Secret, now: Timestamp, life: Duration) -> Self {
        // Of a short life, a good part must be left to use.
        let fresh_for = life.saturating_sub(MARGIN.min(life / 4));
        let fresh_until = now.checked_add(fresh_for).unwrap_or(Timestamp::MAX);
        Self { secret, fresh_until, instance_url: None, identity: None }
    }

    /// With what Salesforce says beside the token.
    pub(super) fn of_salesforce(self, instance_url: Option<String>, identity: Option<String>) -> Self {
        Self { instance_url, identity, ..self }
    }

    /// The token itself, for the server that it opens and nobody else.
    pub fn expose(&self) -> &str {
        self.secret.expose()
    }

    /// Salesforce: where the organisation is.
    pub fn instance_url(&self) -> Option<&str> {
        self.instance_url.as_deref()
    }

    /// Salesforce: the URL of who signed in, which ends in the ids of the organisation and the user.
    pub fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.fresh_until
    }
}

/// Gets an account's access tokens. Cheap to clone; every clone is the same one.
#[derive(Clone, Debug)]
pub struct AccessTokens {
    place: Place,
    http: reqwest::Client,
    state: Arc<Mutex<State>>,
    /// Apart from the state, which is locked as long as a provider is waited for.
    host: Arc<SyncMutex<Option<String>>>,
}

#[derive(Debug, Default)]
struct State {
    token: Option<AccessToken>,
    /// The refresh token that the provider refused: asking again would change nothing.
    refused: Option<Secret>,
    /// A renewed grant that the keychain has not taken yet. Nothing else holds it.
    unsaved: Option<Grant>,
}

impl AccessTokens {
    /// For the grant under `key` of the keychain.
    ///
    /// # Errors
    /// The certificates to trust can't be used.
    pub fn new(keychain: Keychain, key: String, ca_file: Option<&Path>) -> Result<Self, OauthError> {
        let http = http::client(ca_file, Policy::none()).map_err(OauthError::Setup)?;
        Ok(Self { place: Place { keychain, key }, http, state: Arc::default(), host: Arc::default() })
    }

    /// A token that is good for a while: the one from before, or a new one. Whoever comes while it is being got waits
    /// for the same.
    ///
    /// # Errors
    /// [`OauthError::SignInAgain`] when only the rep can help; then nobody is asked again before there is another grant.
    pub async fn access_token(&self) -> Result<AccessToken, OauthError> {
        let state = Arc::clone(&self.state).lock_owned().await;
        if let Some(token) = state.token.as_ref().filter(|token| token.is_fresh(Timestamp::now())) {
            return Ok(token.clone());
        }
        // In a task of its own: a provider that rotates has forgotten the old refresh token when it answers, so the
        // new one must reach the keychain even if whoever asked has given up.
        let renewal = tokio::spawn(self.clone().renew(state));
        renewal.await.map_err(|_| OauthError::Setup("the refresh broke off".to_owned()))?
    }

    /// Whom tokens are asked of; `None` before one was.
    pub fn host(&self) -> Option<String> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn asks(&self, grant: &Grant) {
        *self.host.lock().unwrap_or_else(PoisonError::into_inner) = Some(exchange::host(grant));
    }

    /// The mail server refused the token; the next one is a new one.
    pub async fn forget(&self) {
        self.state.lock().await.token = None;
    }

    /// Keeps what a sign-in has brought.
    ///
    /// # Errors
    /// The keychain can't keep it; then nothing has changed.
    pub async fn replace(&self, grant: &Grant, token: AccessToken) -> Result<(), OauthError> {
        let mut state = self.state.lock().await;
        self.place.clone().write(grant.to_secret()).await?;
        *state = State { token: Some(token), ..State::default() };
        self.asks(grant);
        Ok(())
    }

    async fn renew(self, mut state: OwnedMutexGuard<State>) -> Result<AccessToken, OauthError> {
        let mut grant = match state.unsaved.clone() {
            Some(unsaved) => {
                self.place.clone().write(unsaved.to_secret()).await?;
                state.unsaved = None;
                unsaved
            }
            None => self.place.clone().read().await?,
        };
        loop {
            let refused =
                state.refused.as_ref().is_some_and(|old| old.expose() == grant.refresh_token.expose());
            if refused {
                return Err(OauthError::SignInAgain);
            }
            self.asks(&grant);
            match exchange::refresh(&self.http, grant.clone()).await {
                Ok((renewed, token)) => {
                    if renewed.refresh_token.expose() != grant.refresh_token.expose() {
                        // Before the token is used: a crash must not leave the keychain with one that is no good.
                        state.unsaved = Some(renewed.clone());
                        self.place.clone().write(renewed.to_secret()).await?;
                        state.unsaved = None;
                    }
                    state.token = Some(token.clone());
                    return Ok(token);
                }
                Err(OauthError::SignInAgain) => {
                    state.refused = Some(grant.refresh_token);
                    // Another program of the rep's may have renewed or replaced it meanwhile.
                    grant = self.place.clone().read().await?;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Where the keychain has the grant.
#[derive(Clone, Debug)]
struct Place {
    keychain: Keychain,
    key: String,
}

impl Place {
    async fn read(self) -> Result<Grant, OauthError> {
        let read = tokio::task::spawn_blocking(move || self.keychain.get(&self.key)).await;
        match read {
            Ok(Ok(secret)) => Grant::from_secret(&secret).ok_or(OauthError::SignInAgain),
            Ok(Err(KeychainError::NotFound(_))) => Err(OauthError::SignInAgain),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(OauthError::Setup("the keychain's answer was lost".to_owned())),
        }
    }

    async fn write(self, secret: Secret) -> Result<(), OauthError> {
        match tokio::task::spawn_blocking(move || self.keychain.set(&self.key, &secret)).await {
            Ok(kept) => Ok(kept?),
            Err(_) => Err(OauthError::Setup("the keychain's answer was lost".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_given_up_a_while_before_its_end() {
        let now = Timestamp::UNIX_EPOCH;
        for (life, after, fresh) in
            [(3600, 3400, true), (3600, 3500, false), (100, 60, true), (100, 80, false)]
        {
            let token = AccessToken::new(Secret::from("t"), now, Duration::from_secs(life));
            assert_eq!(token.is_fresh(now + Duration::from_secs(after)), fresh, "{life} {after}");
        }
        assert!(AccessToken::new(Secret::from("t"), now, Duration::MAX).is_fresh(now));
    }
}
