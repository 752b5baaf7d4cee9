//! Pairing this laptop with the backend: the device flow (RFC 8628), and tokens that renew themselves.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::client::retry_after;
use crate::token::TokenFuture;
use crate::transport::{base_url, classify, host_of, http_client};
use crate::{BackendError, ClientOptions, Token, TokenSource};

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const TIMEOUT: Duration = Duration::from_secs(30);
/// A token is renewed this long before it runs out.
const EARLY: Duration = Duration::from_secs(60);
/// Asked for by `slow_down` (RFC 8628 §3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// A pairing that the rep has to confirm.
#[derive(Debug)]
pub struct Pairing {
    endpoint: Endpoint,
    device_code: Token,
    interval: Duration,
    /// What to type in there.
    pub user_code: String,
    /// Where to go.
    pub verification_uri: String,
    /// Where the code is typed in already.
    pub verification_uri_complete: Option<String>,
    /// Until when.
    pub expires: Instant,
}

/// How a pairing stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PairingState {
    /// Nobody has decided yet; ask again after this long.
    Pending(Duration),
    /// It is paired: keep the refresh token in the keychain, and make a [`PairedToken`] of both.
    Paired(Tokens),
    /// Somebody said no.
    Denied,
    /// It took too long.
    Expired,
}

/// A laptop's tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// To be shown with each request.
    pub access: Token,
    /// How long it is good.
    pub expires_in: Duration,
    /// To get the next pair with; good once.
    pub refresh: Token,
}

impl Pairing {
    /// Begins to pair this laptop, which calls itself `device_name`, with the backend at this URL.
    pub async fn begin(url: &str, device_name: &str, options: &ClientOptions) -> Result<Self, BackendError> {
        let endpoint = Endpoint::new(url, options)?;
        let form = [("client_id", "answerback"), ("device_name", device_name)];
        let answer: DeviceAnswer = match endpoint.post("oauth/device_authorization", &form).await? {
            Ok(answer) => answer,
            Err(_) => return Err(endpoint.not_a_backend()),
        };
        Ok(Self {
            endpoint,
            device_code: Token::new(answer.device_code),
            interval: Duration::from_secs(answer.interval.unwrap_or(5).clamp(1, 60)),
            user_code: answer.user_code,
            verification_uri: answer.verification_uri,
            verification_uri_complete: answer.verification_uri_complete,
            expires: Instant::now() + Duration::from_secs(answer.expires_in.min(24 * 60 * 60)),
        })
    }

    /// Asks how it stands. A transient error may be tried again after the interval.
    pub async fn poll(&mut self) -> Result<PairingState, BackendError> {
        if Instant::now() >= self.expires {
            return Ok(PairingState::Expired);
        }
        let form = [
            ("grant_type", DEVICE_GRANT),
            ("device_code", self.device_code.expose()),
            ("client_id", "answerback"),
        ];
        let error = match self.endpoint.post::<TokenAnswer>("oauth/token", &form).await? {
            Ok(answer) => return Ok(PairingState::Paired(answer.into())),
            Err(error) => error,
        };
        match error.as_str() {
            "authorization_pending" => Ok(PairingState::Pending(self.interval)),
            "slow_down" => {
                self.interval += SLOWER;
                Ok(PairingState::Pending(self.interval))
            }
            "access_denied" => Ok(PairingState::Denied),
            "expired_token" | "invalid_grant" => Ok(PairingState::Expired),
            _ => Err(self.endpoint.not_a_backend()),
        }
    }

    /// How long to wait before the first question.
    pub const fn interval(&self) -> Duration {
        self.interval
    }
}

/// Keeps a new refresh token, before the tokens that came with it are used; false where it can't.
pub type Keep = Box<dyn Fn(&Token) -> bool + Send + Sync>;

/// The token of a paired laptop: renews itself, one renewal at a time.
pub struct PairedToken {
    endpoint: Endpoint,
    keep: Keep,
    state: Mutex<State>,
}

struct State {
    refresh: Token,
    access: Option<(Token, Instant)>,
}

impl std::fmt::Debug for PairedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PairedToken").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl PairedToken {
    /// From the refresh token of the keychain. `keep` puts each new one there.
    pub fn new(url: &str, refresh: Token, keep: Keep, options: &ClientOptions) -> Result<Self, BackendError> {
        let state = Mutex::new(State { refresh, access: None });
        Ok(Self { endpoint: Endpoint::new(url, options)?, keep, state })
    }

    async fn renewed(&self, refused: Option<&Token>) -> Result<Token, BackendError> {
        // Held during the renewal: whoever comes meanwhile waits and takes its result, so that no refresh token is shown twice.
        let mut state = self.state.lock().await;
        if let Some((access, until)) = &state.access
            && refused != Some(access)
            && Instant::now() < *until
        {
            return Ok(access.clone());
        }
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", state.refresh.expose()),
            ("client_id", "answerback"),
        ];
        let answer = self.endpoint.post::<TokenAnswer>("oauth/token", &form).await?;
        let tokens: Tokens = answer.map_err(|_| BackendError::Unauthorised)?.into();
        // The backend takes the old one again as long as nothing new was used: so nothing new is used before it is kept.
        if !(self.keep)(&tokens.refresh) {
            return Err(BackendError::NotKept);
        }
        state.refresh = tokens.refresh;
        state.access =
            Some((tokens.access.clone(), Instant::now() + tokens.expires_in.saturating_sub(EARLY)));
        Ok(tokens.access)
    }
}

impl TokenSource for PairedToken {
    fn token<'a>(&'a self, refused: Option<&'a Token>) -> TokenFuture<'a> {
        Box::pin(self.renewed(refused))
    }
}

/// The backend's OAuth endpoints.
#[derive(Debug)]
struct Endpoint {
    http: reqwest::Client,
    base: Url,
}

impl Endpoint {
    fn new(url: &str, options: &ClientOptions) -> Result<Self, BackendError> {
        let base = base_url(url)?;
        Ok(Self { http: http_client(&base, options.ca_file.as_deref())?, base })
    }

    /// The answer, or the `error` of RFC 6749 §5.2.
    async fn post<T: for<'de> Deserialize<'de>>(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<Result<T, String>, BackendError> {
        let url = self.base.join(path).map_err(|e| BackendError::Url(e.to_string()))?;
        let request = self.http.post(url).form(form).timeout(TIMEOUT);
        let response = request.send().await.map_err(|e| classify(&e, &self.base))?;
        let status = response.status().as_u16();
        let json = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|t| t.to_str().ok())
            .is_some_and(|t| t.contains("json"));
        let retry_after = retry_after(&response);
        match status {
            200 if json => {}
            400 | 401 if json => {}
            408 | 500..=599 => return Err(BackendError::Server { status, retry_after }),
            429 => return Err(BackendError::Throttled { retry_after }),
            _ => return Err(self.not_a_backend()),
        }
        let body = response.bytes().await.map_err(|e| classify(&e, &self.base))?;
        if status == 200 {
            return serde_json::from_slice(&body).map(Ok).map_err(|_| self.not_a_backend());
        }
        let refusal: Refusal = serde_json::from_slice(&body).map_err(|_| self.not_a_backend())?;
        Ok(Err(refusal.error))
    }

    fn not_a_backend(&self) -> BackendError {
        BackendError::NotABackend { host: host_of(&self.base) }
    }
}

#[derive(Deserialize)]
struct DeviceAnswer {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: Option<u64>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: u64,
    refresh_token: String,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl From<TokenAnswer> for Tokens {
    fn from(answer: TokenAnswer) -> Self {
        Self {
            access: Token::new(answer.access_token),
            expires_in: Duration::from_secs(answer.expires_in),
            refresh: Token::new(answer.refresh_token),
        }
    }
}
