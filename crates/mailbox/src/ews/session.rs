//! Requests on a connection that is signed in: on this one as long as it lasts, and then on another.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use zeroize::Zeroizing;

use super::EwsSettings;
use super::connection::{Answer, Connection, Failure, broke};
use super::ntlm::Ntlm;
use super::sign_in::{Scheme, challenge, offered, only_kerberos, unsupported, wrong_password};
use crate::exchange::web::{self, Site};
use crate::{Credential, Error, ErrorKind, ProxyChoice};

/// No page that goes with a refusal is longer.
const REFUSAL_LIMIT: usize = 256 * 1024;

/// How a server is reached.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) site: Site,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) proxy: ProxyChoice,
}

/// A rep at a server.
pub(super) struct Session {
    way: Way,
    username: String,
    credential: Credential,
    quiet: Duration,
    connection: Option<Connection>,
    /// The ways to sign in with a password that are worth trying, best first; `None` until the server was asked.
    schemes: Option<Vec<Scheme>>,
}

impl Session {
    /// With the server at `site`. A connection on which nothing comes for so long as `quiet` is lost.
    pub(super) fn new(site: Site, settings: &EwsSettings, credential: &Credential, quiet: Duration) -> Self {
        let way = Way { site, ca_file: settings.ca_file.clone(), proxy: settings.proxy.clone() };
        Self {
            way,
            username: settings.username.clone(),
            credential: credential.clone(),
            quiet,
            connection: None,
            schemes: None,
        }
    }

    /// Another one of the same rep with the same server, on a connection of its own.
    pub(super) fn beside(&self, quiet: Duration) -> Self {
        Self {
            way: self.way.clone(),
            username: self.username.clone(),
            credential: self.credential.clone(),
            quiet,
            connection: None,
            schemes: self.schemes.clone(),
        }
    }

    /// How one signs in, for people, once that has succeeded.
    pub(super) fn method(&self) -> String {
        match (&self.credential, self.scheme()) {
            (Credential::AccessToken(_), _) => "OAuth 2.0".to_owned(),
            (Credential::Password(_), Some(scheme)) => format!("password ({})", scheme.name()),
            (Credential::Password(_), None) => "password".to_owned(),
        }
    }

    /// The connection is of no use any more: what was answered on it isn't read to its end.
    pub(super) fn hang_up(&mut self) {
        self.connection = None;
    }

    /// Sends a request as the rep.
    pub(super) async fn post(&mut self, headers: &HeaderMap, body: &str) -> Result<Answer, Error> {
        let host = self.way.site.host.clone();
        let was_used = self.connection.as_ref().is_some_and(|connection| connection.was_used);
        match self.post_once(headers, body).await {
            Ok(answer) => Ok(answer),
            Err(Failure::Other(error)) => Err(error),
            // The server had given the connection up meanwhile. Nothing here changes anything, so it may be asked twice.
            Err(Failure::Broken) if was_used => {
                self.hang_up();
                self.post_once(headers, body).await.map_err(|failure| match failure {
                    Failure::Broken => broke(&host),
                    Failure::Other(error) => error,
                })
            }
            Err(Failure::Broken) => Err(broke(&host)),
        }
    }

    async fn post_once(&mut self, headers: &HeaderMap, body: &str) -> Result<Answer, Failure> {
        let password = match &self.credential {
            Credential::Password(password) => password.clone(),
            Credential::AccessToken(token) => {
                let token = secret(&format!("Bearer {}", token.as_str()))?;
                let answer = self.send(headers, body, Some(token)).await?;
                return if is_refusal(&answer) {
                    Err(Failure::Other(self.wrong_token()))
                } else {
                    Ok(answer)
                };
            }
        };
        if self.schemes.is_none() {
            // Without the password, and without what is asked.
            let mut answer = self.send(headers, "", None).await?;
            if !is_refusal(&answer) {
                return Ok(answer);
            }
            self.refused(&mut answer).await?;
        }
        while let Some(scheme) = self.scheme() {
            let answer = match scheme {
                Scheme::Basic => {
                    let login = Zeroizing::new(format!("{}:{}", self.username, password.as_str()));
                    let login = Zeroizing::new(STANDARD.encode(login.as_bytes()));
                    let login = secret(&format!("Basic {}", login.as_str()))?;
                    Some(self.send(headers, body, Some(login)).await?)
                }
                Scheme::Ntlm(name) => self.post_by_ntlm(name, &password, headers, body).await?,
            };
            match answer {
                Some(answer) if is_refusal(&answer) => {
                    return Err(Failure::Other(wrong_password(&self.way.site.host)));
                }
                Some(answer) => return Ok(answer),
                None => drop(self.schemes.as_mut().map(|schemes| schemes.remove(0))),
            }
        }
        Err(Failure::Other(only_kerberos(&self.way.site.host)))
    }

    /// `None` when the server speaks no NTLM after all.
    async fn post_by_ntlm(
        &mut self,
        name: &str,
        password: &str,
        headers: &HeaderMap,
        body: &str,
    ) -> Result<Option<Answer>, Failure> {
        if self.connection.as_ref().is_some_and(|connection| connection.is_open() && connection.is_signed_in)
        {
            let mut answer = self.send(headers, body, None).await?;
            if !is_refusal(&answer) {
                return Ok(Some(answer));
            }
            // It has forgotten who we are.
            self.refused(&mut answer).await?;
        }
        let binding = self.connection().await?.binding.clone();
        let wrong = || Failure::Other(wrong_password(&self.way.site.host));
        let mut ntlm = Ntlm::new(&self.username, password, binding.as_deref()).ok_or_else(wrong)?;
        let message = |message: Vec<u8>| secret(&format!("{name} {}", STANDARD.encode(message)));
        let begin = ntlm.negotiate().ok_or(Failure::Broken)?;
        let mut answer = self.send(headers, "", Some(message(begin)?)).await?;
        if !is_refusal(&answer) {
            return Ok(Some(answer));
        }
        let given = challenge(answer.headers(), name);
        self.drain(&mut answer).await?;
        let Some(proof) = given.and_then(|challenge| ntlm.authenticate(&challenge)) else { return Ok(None) };
        let request = self.request(headers, body, Some(message(proof)?))?;
        // The challenge was for this connection; on another one the answer to it would look like a wrong password.
        let connection = self.connection.as_mut().ok_or(Failure::Broken)?;
        let answer = connection.send(request).await?;
        connection.is_signed_in = !is_refusal(&answer);
        Ok(Some(answer))
    }

    /// Notes what a refusal offers.
    async fn refused(&mut self, answer: &mut Answer) -> Result<(), Failure> {
        let schemes = offered(answer.headers());
        if schemes.is_empty() {
            return Err(Failure::Other(unsupported(&self.way.site.host, answer.headers())));
        }
        self.schemes.get_or_insert(schemes);
        self.drain(answer).await
    }

    /// Reads the page that goes with a refusal, so that the connection can be used again.
    async fn drain(&mut self, answer: &mut Answer) -> Result<(), Failure> {
        let (_, whole) = answer.read(REFUSAL_LIMIT).await.map_err(|_| Failure::Broken)?;
        if !whole {
            self.hang_up();
        }
        Ok(())
    }

    async fn send(
        &mut self,
        headers: &HeaderMap,
        body: &str,
        authorization: Option<HeaderValue>,
    ) -> Result<Answer, Failure> {
        let request = self.request(headers, body, authorization)?;
        self.connection().await?.send(request).await
    }

    fn request(
        &self,
        headers: &HeaderMap,
        body: &str,
        authorization: Option<HeaderValue>,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::new(Full::new(Bytes::copy_from_slice(body.as_bytes())));
        *request.method_mut() = http::Method::POST;
        let target = &self.way.site.url;
        let target = target
            .query()
            .map_or_else(|| target.path().to_owned(), |query| format!("{}?{query}", target.path()));
        *request.uri_mut() = target.parse().map_err(|_| Failure::Broken)?;
        *request.headers_mut() = headers.clone();
        let all = request.headers_mut();
        all.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
        // IIS wants it of an empty body, too.
        all.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        all.insert(USER_AGENT, HeaderValue::from_static(web::USER_AGENT));
        all.extend(authorization.map(|value| (AUTHORIZATION, value)));
        Ok(request)
    }

    /// The connection, made anew where there is none or it has ended.
    async fn connection(&mut self) -> Result<&mut Connection, Failure> {
        let there = self.connection.take().filter(Connection::is_open);
        let connection = match there {
            Some(connection) => connection,
            None => Connection::open(&self.way, self.quiet).await.map_err(Failure::Other)?,
        };
        Ok(self.connection.insert(connection))
    }

    fn scheme(&self) -> Option<Scheme> {
        self.schemes.as_ref().and_then(|schemes| schemes.first().copied())
    }

    fn wrong_token(&self) -> Error {
        let detail =
            format!("{} did not accept the sign-in that was made in the browser", self.way.site.host);
        Error::new(ErrorKind::WrongToken, detail)
    }
}

fn is_refusal(answer: &Answer) -> bool {
    answer.status() == StatusCode::UNAUTHORIZED
}

/// A header that no log shows.
fn secret(text: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Failure::Other(Error::new(ErrorKind::Settings, "the access token holds odd characters".to_owned()))
    })?;
    value.set_sensitive(true);
    Ok(value)
}
