//! Requests to an Exchange server, one at a time.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue};
use roxmltree::Node;
use tokio::sync::Mutex;

use super::refusal::{Meaning, Refusal};
use super::session::Session;
use super::{EwsSettings, connection, item, request, response};
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
    session: Mutex<Session>,
    site: Site,
    headers: HeaderMap,
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

/// An answer that goes on as long as its connection lasts.
pub(super) struct Stream {
    pub(super) answer: connection::Answer,
    _session: Session,
}

impl Client {
    pub(super) fn new(settings: &EwsSettings, url: &str, credential: &Credential) -> Result<Self, Error> {
        let site = Site::new(url, "the Exchange server", &settings.proxy)?;
        let session = Mutex::new(Session::new(site.clone(), settings, credential, TIMEOUT));
        let mut headers = HeaderMap::new();
        // Several servers may be behind one name; a mailbox and its notifications stay with one of them.
        headers.insert("X-PreferServerAffinity", HeaderValue::from_static("true"));
        // An address beyond ASCII has no form for it.
        if let Ok(address) = HeaderValue::from_str(&settings.address) {
            headers.insert("X-AnchorMailbox", address);
        }
        Ok(Self { session, site, headers })
    }

    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    /// For messages.
    pub(super) fn host(&self) -> &str {
        &self.site.host
    }

    /// How one signs in, for people, once that has succeeded.
    pub(super) async fn method(&self) -> String {
        self.session.lock().await.method()
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
        let mut session = self.session.lock().await;
        let mut answer = self.send(&mut session, request).await?;
        let (status, wait) = (answer.status().as_u16(), retry_after(answer.headers()));
        let (bytes, whole) = answer.read(at_most).await?;
        if !whole {
            session.hang_up();
        }
        Ok(Received { text: String::from_utf8_lossy(&bytes).into_owned(), status, wait, whole })
    }

    /// A connection of its own on which Exchange tells what comes.
    pub(super) async fn open_stream(&self, subscription: &str) -> Result<Stream, Error> {
        let mut session = self.session.lock().await.beside(STREAM_TIMEOUT);
        let answer = self.send(&mut session, &request::streaming_events(subscription)).await?;
        if answer.status().is_success() {
            Ok(Stream { answer, _session: session })
        } else {
            Err(self.nonsense())
        }
    }

    async fn send(&self, session: &mut Session, request: &str) -> Result<connection::Answer, Error> {
        let answer = session.post(&self.headers, request).await?;
        if answer.status().is_redirection() { Err(self.site.elsewhere()) } else { Ok(answer) }
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
