//! The client of the backend's three endpoints.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flate2::{Compression, write::GzEncoder};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, DATE, ETAG, IF_NONE_MATCH, LOCATION, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;

use crate::event::BATCH_MEDIA_TYPE;
use crate::transport::{self, base_url, classify, host_of, http_client};
use crate::{
    BackendError, EventResult, OrganisationPolicy, Problem, PushResults, SendsPage, TokenSource, Unreachable,
};

/// The longest that `GET /v1/sends` may be held open.
pub const MAX_WAIT: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(60);
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
const GZIP_FROM_BYTES: usize = 1024;
const DETAIL_CHARS: usize = 300;

/// What a [`Client`] can be told beside the address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientOptions {
    /// A PEM file with root certificates to trust beside the platform's.
    pub ca_file: Option<PathBuf>,
}

/// The answer to [`Client::policy`].
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyAnswer {
    /// The organisation's pins.
    pub policy: OrganisationPolicy,
    /// To ask with next time.
    pub etag: Option<String>,
}

/// Talks to one backend. Cheap to clone; one connection pool.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    tokens: Arc<dyn TokenSource>,
    takes_gzip: Arc<AtomicBool>,
    clock_offset: Arc<Mutex<Option<SignedDuration>>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// An HTTP client with this crate's rules for TLS and redirects, for requests that [`Client`] does not make.
pub fn http(url: &str, options: &ClientOptions) -> Result<reqwest::Client, BackendError> {
    http_client(&base_url(url)?, options.ca_file.as_deref())
}

/// This crate's TLS, for clients of another kind than [`Client`].
pub fn tls(options: &ClientOptions) -> Result<rustls::ClientConfig, BackendError> {
    transport::tls(options.ca_file.as_deref())
}

impl Client {
    /// A client of the backend at this URL: https, or http to this machine. Reads the system's certificates from disk.
    pub fn new(
        url: &str,
        tokens: impl TokenSource + 'static,
        options: &ClientOptions,
    ) -> Result<Self, BackendError> {
        let base = base_url(url)?;
        let http = http_client(&base, options.ca_file.as_deref())?;
        Ok(Self {
            http,
            base,
            tokens: Arc::new(tokens),
            takes_gzip: Arc::new(AtomicBool::new(true)),
            clock_offset: Arc::default(),
        })
    }

    /// What changed in the tracked sends since the cursor (`None`: everything), oldest first, at most `limit`. Where
    /// nothing did, the backend waits up to `wait` (≤ [`MAX_WAIT`]) for something to.
    pub async fn sends(
        &self,
        cursor: Option<&str>,
        limit: u32,
        wait: Duration,
    ) -> Result<SendsPage, BackendError> {
        let wait = wait.min(MAX_WAIT);
        let (limit, seconds) = (limit.to_string(), wait.as_secs().to_string());
        let mut query = vec![("limit", limit.as_str()), ("wait", seconds.as_str())];
        query.extend(cursor.map(|c| ("cursor", c)));
        let request = self.request(Method::GET, "v1/sends")?.query(&query).timeout(TIMEOUT + wait);
        self.json(self.exchange(request).await?).await
    }

    /// The organisation's pins; `None` where they are still those of the ETag.
    pub async fn policy(&self, etag: Option<&str>) -> Result<Option<PolicyAnswer>, BackendError> {
        let mut request = self.request(Method::GET, "v1/policy")?;
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let response = self.exchange(request).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        let etag = header(&response, &ETAG).map(str::to_owned);
        Ok(Some(PolicyAnswer { policy: self.json(response).await?, etag }))
    }

    /// Pushes a batch, each event as JSON text; gives one result an event. An `Ok` means that the whole batch is durable at the
    /// backend. Keep within [`crate::event::MAX_BATCH_EVENTS`] and [`crate::event::MAX_BATCH_BYTES`];
    /// [`crate::Pusher`] does.
    pub async fn push<S: AsRef<str>>(&self, events: &[S]) -> Result<Vec<EventResult>, BackendError> {
        let parts: Vec<&str> = events.iter().map(AsRef::as_ref).collect();
        let body = format!("[{}]", parts.join(","));
        if body.len() >= GZIP_FROM_BYTES && self.takes_gzip.load(Ordering::Relaxed) {
            match self.post_batch(gzip(&body), true).await {
                // RFC 9110 §8.4: a server that does not take the coding answers 415.
                Err(BackendError::Rejected { status: 415, .. }) => {
                    self.takes_gzip.store(false, Ordering::Relaxed)
                }
                answer => return answer,
            }
        }
        self.post_batch(body.into_bytes(), false).await
    }

    async fn post_batch(&self, body: Vec<u8>, gzipped: bool) -> Result<Vec<EventResult>, BackendError> {
        let mut request =
            self.request(Method::POST, "v1/events")?.header(CONTENT_TYPE, BATCH_MEDIA_TYPE).body(body);
        if gzipped {
            request = request.header(CONTENT_ENCODING, "gzip");
        }
        let results: PushResults = self.json(self.exchange(request).await?).await?;
        Ok(results.results)
    }

    /// How far the backend's clock was ahead of this computer's at its last answer, to the second; `None` before the
    /// first, or where it doesn't say.
    pub fn clock_offset(&self) -> Option<SignedDuration> {
        *self.clock_offset.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_clock(&self, response: &Response) {
        let Some(theirs) = header(response, &DATE).and_then(|date| jiff::fmt::rfc2822::parse(date).ok())
        else {
            return;
        };
        let offset = theirs.timestamp().duration_since(Timestamp::now());
        *self.clock_offset.lock().unwrap_or_else(PoisonError::into_inner) = Some(offset);
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, BackendError> {
        let url = self.base.join(path).map_err(|e| BackendError::Url(e.to_string()))?;
        Ok(self.http.request(method, url).timeout(TIMEOUT))
    }

    /// Sends with a token; where it is refused, once more with another, if there is one.
    async fn exchange(&self, request: RequestBuilder) -> Result<Response, BackendError> {
        let token = self.tokens.token(None).await?;
        let retry = request.try_clone();
        match self.send(request.bearer_auth(token.expose())).await {
            Err(BackendError::Unauthorised) => {
                let request = retry.ok_or(BackendError::Unauthorised)?;
                let other = self.tokens.token(Some(&token)).await?;
                self.send(request.bearer_auth(other.expose())).await
            }
            answer => answer,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, BackendError> {
        let response = request.send().await.map_err(|e| classify(&e, &self.base))?;
        self.note_clock(&response);
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        let retry_after = retry_after(&response);
        Err(match status.as_u16() {
            300..=399 => self.redirected(&response),
            401 => BackendError::Unauthorised,
            403 => BackendError::Forbidden,
            410 => BackendError::Gone,
            429 => BackendError::Throttled { retry_after },
            408 | 500..=599 => BackendError::Server { status: status.as_u16(), retry_after },
            _ if media_type(&response) == "text/html" => self.not_a_backend(),
            _ => self.rejected(status.as_u16(), response).await,
        })
    }

    fn redirected(&self, response: &Response) -> BackendError {
        let target = header(response, &LOCATION).and_then(|l| response.url().join(l).ok());
        BackendError::Redirected {
            host: host_of(&self.base),
            to: target.map_or_else(|| "another address".into(), |url| host_of(&url)),
        }
    }

    async fn rejected(&self, status: u16, response: Response) -> BackendError {
        let problem: Option<Problem> = self.json(response).await.ok();
        let detail =
            problem.map(|p| p.detail.unwrap_or(p.title)).map(|d| one_line(&d)).filter(|d| !d.is_empty());
        BackendError::Rejected { status, detail }
    }

    async fn json<T: DeserializeOwned>(&self, mut response: Response) -> Result<T, BackendError> {
        let media_type = media_type(&response);
        if !(media_type == "application/json" || media_type.ends_with("+json")) {
            return Err(self.not_a_backend());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| classify(&e, &self.base))? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(self.not_a_backend());
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|e| {
            if e.is_eof() {
                BackendError::Unreachable { host: host_of(&self.base), why: Unreachable::Broken }
            } else {
                self.not_a_backend()
            }
        })
    }

    fn not_a_backend(&self) -> BackendError {
        BackendError::NotABackend { host: host_of(&self.base) }
    }
}

fn header<'a>(response: &'a Response, name: &reqwest::header::HeaderName) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

fn media_type(response: &Response) -> String {
    let value = header(response, &CONTENT_TYPE).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// How long a backend asks to be left alone, where it does.
pub(crate) fn retry_after(response: &Response) -> Option<Duration> {
    header(response, &RETRY_AFTER).and_then(|value| parse_retry_after(value, Timestamp::now()))
}

/// Seconds, or a date (RFC 9110 §10.2.3).
fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

fn one_line(text: &str) -> String {
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    printable.take(DETAIL_CHARS).collect::<String>().trim().trim_end_matches('.').to_owned()
}

fn gzip(body: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to a Vec does not fail.
    let _ = encoder.write_all(body.as_bytes());
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_break_is_asked_for_in_seconds_or_by_a_date() {
        let now: Timestamp = "2026-11-20T09:12:00Z".parse().unwrap();
        let cases = [
            ("120", Some(120)),
            ("Fri, 20 Nov 2026 09:12:30 GMT", Some(30)),
            ("Fri, 20 Nov 2026 09:00:00 GMT", Some(0)),
            ("soon", None),
        ];
        for (value, seconds) in cases {
            assert_eq!(parse_retry_after(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
