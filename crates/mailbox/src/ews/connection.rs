//! One HTTP/1.1 connection: NTLM signs in a connection, so that it has to be known which one a request travels on.

use std::time::Duration;

use http::header::HOST;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tower::ServiceExt as _;
use tower_http::decompression::Decompression;

use super::channel_binding;
use super::session::Way;
use crate::net::{Stream, proxy, socket, tls};
use crate::{Error, ErrorKind};

/// A connection. It ends when this is dropped.
pub(super) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    /// What ties a sign-in to it; `None` without TLS.
    pub(super) binding: Option<Vec<u8>>,
    /// Its user is known to the server, and need not be told again.
    pub(super) is_signed_in: bool,
    /// Something was answered on it, so that the server may have given it up since.
    pub(super) was_used: bool,
    host: String,
    quiet: Duration,
    _driver: AbortOnDropHandle<()>,
}

/// Why a request got no answer.
pub(super) enum Failure {
    /// The connection broke before anything was answered.
    Broken,
    /// Anything else.
    Other(Error),
}

/// An answer, of which the body is still to be read.
pub(super) struct Answer {
    response: Response<BoxBody<Bytes, tower::BoxError>>,
    host: String,
    quiet: Duration,
}

impl Connection {
    /// Connects, through a proxy where the network wants one. A connection on which nothing comes for so long as `quiet` is lost.
    pub(super) async fn open(way: &Way, quiet: Duration) -> Result<Self, Error> {
        let url = &way.site.url;
        let name = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let port = url.port_or_known_default().unwrap_or(443);
        // These are web addresses: a proxy is never gone around.
        let reached = match proxy::choose(&way.proxy, name, port) {
            Some((proxy, _)) => proxy::connect(&proxy, name, port).await?,
            None => socket::connect(name, &socket::resolve(name, port).await?).await?,
        };
        let (stream, binding): (Box<dyn Stream>, _) = if url.scheme() == "https" {
            let secured = tls::secure(Box::new(reached), name, way.ca_file.as_deref()).await?;
            let binding = secured.certificate.and_then(|shown| channel_binding::to_server(&shown));
            (secured.stream, binding)
        } else {
            (Box::new(reached), None)
        };
        let host = way.site.host.clone();
        let (requests, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|_| broke(&host))?;
        let driver = tokio::spawn(async move {
            // What ends it ends the request that is on its way, which tells.
            let _ = connection.await;
        });
        let _driver = AbortOnDropHandle::new(driver);
        Ok(Self { requests, binding, is_signed_in: false, was_used: false, host, quiet, _driver })
    }

    /// Whether another request can be sent.
    pub(super) fn is_open(&self) -> bool {
        !self.requests.is_closed()
    }

    /// Sends a request and waits for the head of its answer. The body of the answer before must have been read.
    pub(super) async fn send(&mut self, mut request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
        if let Ok(host) = HeaderValue::from_str(&self.host) {
            request.headers_mut().insert(HOST, host);
        }
        let answered = async {
            self.requests.ready().await?;
            let requests = &mut self.requests;
            let once = tower::service_fn(|request| requests.send_request(request));
            Decompression::new(once).oneshot(request).await
        };
        let response = match timeout(self.quiet, answered).await {
            Err(_) => return Err(Failure::Other(silent(&self.host))),
            Ok(Err(_)) => return Err(Failure::Broken),
            Ok(Ok(response)) => response.map(BodyExt::boxed),
        };
        self.was_used = true;
        Ok(Answer { response, host: self.host.clone(), quiet: self.quiet })
    }
}

impl Answer {
    pub(super) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(super) fn headers(&self) -> &http::HeaderMap {
        self.response.headers()
    }

    /// The next part of the body.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match timeout(self.quiet, self.response.body_mut().frame()).await {
                Err(_) => return Err(silent(&self.host)),
                Ok(None) => return Ok(None),
                Ok(Some(Err(_))) => return Err(broke(&self.host)),
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// The beginning of the body up to a limit, and whether that is all of it.
    pub(super) async fn read(&mut self, at_most: usize) -> Result<(Vec<u8>, bool), Error> {
        let (mut bytes, mut whole) = (Vec::new(), false);
        while bytes.len() < at_most && !whole {
            match self.chunk().await? {
                Some(chunk) => bytes.extend_from_slice(&chunk),
                None => whole = true,
            }
        }
        Ok((bytes, whole))
    }
}

pub(super) fn broke(host: &str) -> Error {
    Error::new(ErrorKind::Lost, format!("the connection to {host} broke"))
}

fn silent(host: &str) -> Error {
    Error::new(ErrorKind::TimedOut, format!("{host} did not answer in time"))
}
