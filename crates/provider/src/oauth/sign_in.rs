//! One sign-in, from the URL for the browser to the grant.

use std::path::Path;
use std::time::Duration;

use answerback_keychain::Secret;
use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};
use reqwest::redirect::Policy;

use super::loopback::Loopback;
use super::provider::{OauthClient, Provider, Redirect};
use super::redirect::Expected;
use super::tokens::AccessToken;
use super::{Grant, OauthError, exchange, issuer};
use crate::http;

/// Long enough to look for a telephone with the second factor.
const PATIENCE: Duration = Duration::from_secs(600);

/// A sign-in that waits for the rep. Dropping it ends it and closes the port.
pub struct SignIn {
    http: reqwest::Client,
    loopback: Loopback,
    url: String,
    redirect: String,
    state: CsrfToken,
    verifier: PkceCodeVerifier,
    issuer: Option<String>,
    /// Without its refresh token yet.
    grant: Grant,
    patience: Duration,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").field("redirect", &self.redirect).finish_non_exhaustive()
    }
}

impl SignIn {
    /// Finds the provider's addresses and opens a port. `address`, where it isn't empty, is suggested to the
    /// provider's page.
    ///
    /// # Errors
    /// The provider can't be reached or is none, or this computer can't listen.
    pub async fn begin(
        client: &OauthClient,
        address: &str,
        ca_file: Option<&Path>,
    ) -> Result<Self, OauthError> {
        // A token endpoint that redirects would hand the code to somebody else.
        let http = http::client(ca_file, Policy::none()).map_err(OauthError::Setup)?;
        let endpoints = match (&client.provider, client.endpoints()) {
            (Provider::Issuer(url), _) => issuer::discover(&http, url).await?,
            (_, Some(known)) => known,
            (_, None) => return Err(OauthError::Url),
        };
        let no_port = |error: std::io::Error| OauthError::Setup(format!("no port can be opened ({error})"));
        let Redirect { host, ports, path } = client.redirect();
        let loopback = Loopback::open(ports).await.map_err(no_port)?;
        let redirect = format!("http://{host}:{}{path}", loopback.port().map_err(no_port)?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let asking = BasicClient::new(ClientId::new(client.client_id.clone()))
            .set_auth_uri(AuthUrl::new(endpoints.authorization).map_err(|_| OauthError::Url)?)
            .set_redirect_uri(RedirectUrl::new(redirect.clone()).map_err(|_| OauthError::Url)?);
        let mut asked = asking
            .authorize_url(CsrfToken::new_random)
            .add_scopes(client.scopes().into_iter().map(Scope::new))
            .set_pkce_challenge(challenge);
        if !address.is_empty() {
            asked = asked.add_extra_param("login_hint", address);
        }
        for (name, value) in client.extras() {
            asked = asked.add_extra_param(*name, *value);
        }
        let (url, state) = asked.url();
        let grant = Grant {
            client_id: client.client_id.clone(),
            client_secret: client.client_secret.clone(),
            token_endpoint: endpoints.token,
            refresh_token: Secret::from(""),
            scopes: client.scopes(),
        };
        let url = url.to_string();
        Ok(Self {
            http,
            loopback,
            url,
            redirect,
            state,
            verifier,
            issuer: endpoints.issuer,
            grant,
            patience: PATIENCE,
        })
    }

    /// What to open in the browser.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits no longer than this for the rep, instead of ten minutes.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Waits for the browser and redeems what it brings.
    ///
    /// # Errors
    /// The rep or the organisation said no, nobody came back, or the provider failed.
    pub async fn finish(self) -> Result<(Grant, AccessToken), OauthError> {
        let expected = Expected {
            state: self.state.secret(),
            issuer: self.issuer.as_deref(),
            client_id: &self.grant.client_id,
        };
        let Ok(answer) = tokio::time::timeout(self.patience, self.loopback.wait(&expected)).await else {
            return Err(OauthError::TimedOut { client_id: self.grant.client_id.clone() });
        };
        exchange::redeem(&self.http, self.grant, answer?, self.verifier, &self.redirect).await
    }
}
