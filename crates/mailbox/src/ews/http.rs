//! Requests to an Exchange server, one at a time.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{RequestBuilder, Response, StatusCode};
use roxmltree::Node;

use super::refusal::{Meaning, Refusal};
use super::{EwsSettings, item, request, response};
use crate::exchange::pause::Pauses;
use crate::exchange::web::Site;
use crate::{Credential, Error, ErrorKind};

/// A server that works on a request for longer has lost it.
pub(super) const TIMEOUT: Duration = Duration::from_secs(60);

/// A stream of notifications says at least every minute or so that it is alive.
const STREAM_TIMEOUT: Duration = Duration::from_secs(180);

/// No answer is bigger, messages with all that is attached to them included; anything more is not Exchange.
const ANSWER_LIMIT: usize = 256 * 1024 * 1024;

/// Talks to Exchange as one rep.
pub(super) struct Client {
    http: reqwest::Client,
    stream: reqwest::Client,
    site: Site,
    address: String,
    username: String,
    credential: Credential,
}

/// An answer as it came.
struct Received {
    text: String,
    status: u16,
    wait: Option<Duration>,
    /// Nothing is left of it.
    whole: bool,
}

/// What a question about several things gave: a result for each, or a refusal of the whole.
pub(super) type Answer<T> = Result<Vec<Result<T, Refusal>>, Refusal>;

impl Client {
    pub(super) fn new(settings: &EwsSettings, url: &str, credential: &Credential) -> Result<Self, Error> {
        let site = Site::new(url, "the Exchange server", &settings.proxy)?;
        // IIS gives up HTTP/2 for whatever signs in by the connection.
        let client = |quiet| site.client(settings.ca_file.as_deref(), &settings.proxy, &[b"http/1.1"], quiet);
        let (http, stream) = (client(TIMEOUT)?, client(STREAM_TIMEOUT)?);
        let (address, username) = (settings.address.clone(), settings.username.clone());
        Ok(Self { http, stream, site, address, username, credential: credential.clone() })
    }

    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    /// For messages.
    pub(super) fn host(&self) -> &str {
        &self.site.host
    }

    /// Whether the mailbox opens.
    pub(super) async fn sign_in(&self) -> Result<(), Error> {
        match self.ask_one(&request::inbox(), |_| Some(())).await? {
            Ok(()) => Ok(()),
            Err(refusal) => Err(refusal.into_error(self.host())),
        }
    }

    /// Asks about one thing.
    pub(super) async fn ask_one<T>(
        &self,
        request: &str,
        each: impl Fn(Node<'_, '_>) -> Option<T>,
    ) -> Result<Result<T, Refusal>, Error> {
        match self.ask(request, each).await? {
            Ok(results) => results.into_iter().next().ok_or_else(|| self.nonsense()),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Asks, and waits where the server is busy.
    pub(super) async fn ask<T>(
        &self,
        request: &str,
        each: impl Fn(Node<'_, '_>) -> Option<T>,
    ) -> Result<Answer<T>, Error> {
        let mut pauses = Pauses::default();
        loop {
            let answer = self.ask_once(request, &each).await?;
            let refusals = match &answer {
                Ok(results) => results.iter().filter_map(|result| result.as_ref().err()).collect(),
                Err(refusal) => vec![refusal],
            };
            let wait = refusals.into_iter().find_map(|refusal| match refusal.meaning() {
                Meaning::NotNow(wait) => Some(wait),
                _ => None,
            });
            match wait {
                Some(wait) if pauses.allow(wait) => pauses.take(wait).await,
                _ => return Ok(answer),
            }
        }
    }

    async fn ask_once<T>(
        &self,
        request: &str,
        each: impl Fn(Node<'_, '_>) -> Option<T>,
    ) -> Result<Answer<T>, Error> {
        let received = self.receive(request, ANSWER_LIMIT).await?;
        if received.whole { self.understand(&received, each) } else { Err(self.nonsense()) }
    }

    /// The first bytes of a message as MIME. Exchange gives a message whole or not at all; what follows is not read.
    pub(super) async fn mime(&self, id: &str, max_bytes: usize) -> Result<Result<Vec<u8>, Refusal>, Error> {
        let request = request::get_mime(id);
        // In base64, perhaps with line breaks, and with the envelope around it.
        let enough = max_bytes.saturating_mul(3).div_ceil(2).saturating_add(64 * 1024).min(ANSWER_LIMIT);
        let mut pauses = Pauses::default();
        loop {
            let received = self.receive(&request, enough).await?;
            let mut mime = if received.whole {
                let answer = self.understand(&received, item::mime)?;
                match answer.and_then(|results| results.into_iter().next().unwrap_or_else(|| Ok(Vec::new())))
                {
                    Ok(mime) => mime,
                    Err(refusal) => match refusal.meaning() {
                        Meaning::NotNow(wait) if pauses.allow(wait) => {
                            pauses.take(wait).await;
                            continue;
                        }
                        _ => return Ok(Err(refusal)),
                    },
                }
            } else {
                item::mime_so_far(&received.text).ok_or_else(|| self.nonsense())?
            };
            mime.truncate(max_bytes);
            return Ok(Ok(mime));
        }
    }

    fn understand<T>(
        &self,
        received: &Received,
        each: impl Fn(Node<'_, '_>) -> Option<T>,
    ) -> Result<Answer<T>, Error> {
        match response::read(&received.text, received.status, each) {
            Some(answer) => Ok(answer),
            // A gateway before Exchange answers for it, in its own words.
            None if received.status != 200 => Ok(Err(Refusal::new(received.status, "", received.wait))),
            None => Err(self.nonsense()),
        }
    }

    /// Reads so many bytes of an answer, or all; a connection that ends early is an error.
    async fn receive(&self, request: &str, at_most: usize) -> Result<Received, Error> {
        let mut response = self.send(&self.http, request).await?;
        let (status, wait) = (response.status().as_u16(), retry_after(response.headers()));
        let (mut bytes, mut whole) = (Vec::new(), false);
        while bytes.len() < at_most && !whole {
            match response.chunk().await.map_err(|error| self.site.broken(&error))? {
                Some(chunk) => bytes.extend_from_slice(&chunk),
                None => whole = true,
            }
        }
        Ok(Received { text: String::from_utf8_lossy(&bytes).into_owned(), status, wait, whole })
    }

    /// A connection on which Exchange tells what comes.
    pub(super) async fn open_stream(&self, subscription: &str) -> Result<Response, Error> {
        let response = self.send(&self.stream, &request::streaming_events(subscription)).await?;
        if response.status().is_success() { Ok(response) } else { Err(self.nonsense()) }
    }

    async fn send(&self, http: &reqwest::Client, request: &str) -> Result<Response, Error> {
        let builder = http
            .post(self.site.url.clone())
            .header(CONTENT_TYPE, "text/xml; charset=utf-8")
            // Several servers may be behind one name; a mailbox and its notifications stay with one of them.
            .header("X-PreferServerAffinity", "true")
            .body(request.to_owned());
        let builder = match HeaderValue::from_str(&self.address) {
            Ok(address) => builder.header("X-AnchorMailbox", address),
            // An address beyond ASCII has no form for it.
            Err(_) => builder,
        };
        let signed_in = sign_in(builder, &self.username, &self.credential);
        let response = signed_in.send().await.map_err(|error| self.site.broken(&error))?;
        if response.status().is_redirection() {
            return Err(self.site.elsewhere());
        }
        if response.status() == StatusCode::UNAUTHORIZED {
            return Err(refused(self.host(), response.headers(), &self.credential));
        }
        Ok(response)
    }

    pub(super) fn nonsense(&self) -> Error {
        let host = self.host();
        Error::new(
            ErrorKind::Protocol,
            format!("{host} answered with something that is not Exchange Web Services"),
        )
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Adds what opens the mailbox.
pub(super) fn sign_in(request: RequestBuilder, username: &str, credential: &Credential) -> RequestBuilder {
    match credential {
        Credential::Password(password) => request.basic_auth(username, Some(password.as_str())),
        Credential::AccessToken(token) => request.bearer_auth(token.as_str()),
    }
}

/// What it means that `host` does not let us in.
pub(super) fn refused(host: &str, headers: &HeaderMap, credential: &Credential) -> Error {
    let offered = headers.get_all(WWW_AUTHENTICATE).iter();
    let offered: Vec<&str> = offered.filter_map(|value| value.to_str().ok()).collect();
    let offers = |scheme: &str| {
        let begins = |text: &str| text.get(..scheme.len()).is_some_and(|t| t.eq_ignore_ascii_case(scheme));
        offered.iter().copied().any(begins)
    };
    let (kind, detail) = match credential {
        Credential::Password(_) if offers("Basic") || offered.is_empty() => {
            (ErrorKind::WrongPassword, format!("{host} did not accept the user name or password"))
        }
        Credential::Password(_) => (
            ErrorKind::Unsupported,
            format!("{host} takes no password by Basic authentication for Exchange Web Services"),
        ),
        Credential::AccessToken(_) => {
            (ErrorKind::WrongToken, format!("{host} did not accept the sign-in that was made in the browser"))
        }
    };
    Error::new(kind, detail)
}
