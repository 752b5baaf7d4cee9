//! Requests to Graph: one at a time, or four in a batch, which is as many as Outlook takes at once.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, Url};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::refusal::{Meaning, Refusal};
use super::{GraphSettings, TokenSource};
use crate::exchange::pause::Pauses;
use crate::exchange::web::Site;
use crate::{Error, ErrorKind};

/// So many requests one batch may hold: Outlook works on four at a time for one mailbox, and throttles the rest.
pub(super) const BATCH: usize = 4;

/// Immutable ids outlive a move; a hundred messages with their header fields make half a megabyte.
const PREFER: &str = "IdType=\"ImmutableId\", odata.maxpagesize=100";

const TIMEOUT: Duration = Duration::from_secs(60);

/// No page is bigger; anything more is not Graph.
const ANSWER_LIMIT: usize = 64 * 1024 * 1024;

/// Talks to Graph as one rep.
pub(super) struct Client<T> {
    http: reqwest::Client,
    site: Site,
    tokens: T,
    token: Option<Zeroizing<String>>,
}

/// What one request of a batch gave.
pub(super) type Part = Result<Value, Refusal>;

impl<T: TokenSource> Client<T> {
    pub(super) fn new(settings: &GraphSettings, tokens: T) -> Result<Self, Error> {
        let site = Site::new(&settings.url, "Microsoft Graph", &settings.proxy)?;
        let http =
            site.client(settings.ca_file.as_deref(), &settings.proxy, &[b"h2", b"http/1.1"], TIMEOUT)?;
        Ok(Self { http, site, tokens, token: None })
    }

    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    /// For messages.
    pub(super) fn host(&self) -> &str {
        &self.site.host
    }

    /// Whether the token opens the mailbox.
    pub(super) async fn sign_in(&mut self) -> Result<(), Error> {
        match self.get("/me/mailFolders/inbox?$select=id").await? {
            Ok(_) => Ok(()),
            Err(refusal) => Err(refusal.into_error(&self.site.host)),
        }
    }

    /// Asks for a resource below `/v1.0`, or for a link that an answer had.
    pub(super) async fn get(&mut self, target: &str) -> Result<Part, Error> {
        let url = self.url(target)?;
        let mut tries = Tries::default();
        loop {
            let token = self.token().await?;
            let request = self.http.get(url.clone()).bearer_auth(token.as_str()).header("Prefer", PREFER);
            let response = request.send().await.map_err(|error| self.site.broken(&error))?;
            let refusal = match self.read(response).await? {
                Ok(body) => return Ok(Ok(body)),
                Err(refusal) => refusal,
            };
            if !tries.another(self, &refusal).await? {
                return Ok(Err(refusal));
            }
        }
    }

    /// Asks for up to [`BATCH`] resources at once. Parts that were throttled are asked for again after the pause.
    pub(super) async fn batch(&mut self, targets: &[String]) -> Result<Vec<Part>, Error> {
        let mut parts: Vec<Option<Part>> = targets.iter().map(|_| None).collect();
        let mut tries = Tries::default();
        loop {
            let mut requests = Vec::new();
            for (i, target) in targets.iter().enumerate() {
                if parts.get(i).is_some_and(Option::is_none) {
                    let url = self.relative(target)?;
                    let headers = json!({"Prefer": PREFER});
                    requests
                        .push(json!({"id": i.to_string(), "method": "GET", "url": url, "headers": headers}));
                }
            }
            let answer = match self.post("/$batch", &json!({"requests": requests})).await? {
                Ok(answer) => answer,
                Err(refusal) => {
                    if tries.another(self, &refusal).await? {
                        continue;
                    }
                    return Err(refusal.into_error(&self.site.host));
                }
            };
            let responses =
                answer.get("responses").and_then(Value::as_array).ok_or_else(|| self.nonsense())?;
            let mut again = None;
            for response in responses {
                let id = response.get("id").and_then(Value::as_str).and_then(|id| id.parse::<usize>().ok());
                let Some(place) = id.and_then(|id| parts.get_mut(id)) else { continue };
                let part = part(response);
                match part {
                    Err(refusal)
                        if matches!(refusal.meaning(), Meaning::NotNow(_) | Meaning::Token)
                            && tries.may_go_on(&refusal) =>
                    {
                        again = Some(refusal);
                    }
                    part => *place = Some(part),
                }
            }
            match again {
                Some(refusal) => {
                    tries.another(self, &refusal).await?;
                }
                None => return parts.into_iter().map(|part| part.ok_or_else(|| self.nonsense())).collect(),
            }
        }
    }

    /// The first bytes of a message as MIME. `None` when it has gone.
    pub(super) async fn mime(&mut self, id: &str, max_bytes: usize) -> Result<Option<Vec<u8>>, Error> {
        let url = self.url(&format!("/me/messages/{}/$value", segment(id)))?;
        let mut tries = Tries::default();
        loop {
            let token = self.token().await?;
            let request = self.http.get(url.clone()).bearer_auth(token.as_str()).header("Prefer", PREFER);
            let mut response = request.send().await.map_err(|error| self.site.broken(&error))?;
            if !response.status().is_success() {
                let Err(refusal) = self.read(response).await? else { return Err(self.nonsense()) };
                if refusal.meaning() == Meaning::Gone {
                    return Ok(None);
                }
                if tries.another(self, &refusal).await? {
                    continue;
                }
                return Err(refusal.into_error(&self.site.host));
            }
            // What is not a message would be judged as one, and the answer that it stands for be lost.
            if is_web_page(response.headers()) {
                return Err(self.nonsense());
            }
            let mut bytes = Vec::new();
            while bytes.len() < max_bytes
                && let Some(chunk) = response.chunk().await.map_err(|error| self.site.broken(&error))?
            {
                bytes.extend_from_slice(&chunk);
            }
            bytes.truncate(max_bytes);
            return Ok(Some(bytes));
        }
    }

    async fn post(&mut self, target: &str, body: &Value) -> Result<Part, Error> {
        let url = self.url(target)?;
        let token = self.token().await?;
        let request = self.http.post(url).bearer_auth(token.as_str()).json(body);
        let response = request.send().await.map_err(|error| self.site.broken(&error))?;
        self.read(response).await
    }

    async fn token(&mut self) -> Result<Zeroizing<String>, Error> {
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        let token = self.tokens.token(None).await?;
        self.token = Some(token.clone());
        Ok(token)
    }

    /// An answer with JSON, whole: a connection that ends early is an error.
    async fn read(&self, mut response: Response) -> Result<Part, Error> {
        let status = response.status();
        let retry_after = text_of(response.headers());
        if status.is_redirection() {
            return Err(self.site.elsewhere());
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.site.broken(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_LIMIT {
                return Err(self.nonsense());
            }
        }
        let body = serde_json::from_slice(&bytes);
        if status.is_success() {
            return body.map(Ok).map_err(|_| self.nonsense());
        }
        Ok(Err(Refusal::new(status.as_u16(), &body.unwrap_or_default(), retry_after.as_deref())))
    }

    /// The URL of a path below `/v1.0`, or of a link. A link to another host would give our token away.
    fn url(&self, target: &str) -> Result<Url, Error> {
        if let Ok(link) = Url::parse(target) {
            return if link.origin() == self.site.url.origin() { Ok(link) } else { Err(self.nonsense()) };
        }
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let mut url = self.site.url.clone();
        url.set_path(&format!("/v1.0{path}"));
        url.set_query(query);
        Ok(url)
    }

    /// As a batch wants it: below the version.
    fn relative(&self, target: &str) -> Result<String, Error> {
        let url = self.url(target)?;
        let path = url.path().strip_prefix("/v1.0").ok_or_else(|| self.nonsense())?;
        Ok(url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
    }

    pub(super) fn nonsense(&self) -> Error {
        Error::new(
            ErrorKind::Protocol,
            format!("{} answered with something that is not Microsoft Graph", self.site.host),
        )
    }
}

/// How often one request was put off, and whether the token was renewed for it.
#[derive(Debug, Default)]
struct Tries {
    pauses: Pauses,
    renewed: bool,
}

impl Tries {
    /// Whether trying again can be of use.
    fn may_go_on(&self, refusal: &Refusal) -> bool {
        match refusal.meaning() {
            Meaning::NotNow(wait) => self.pauses.allow(wait),
            Meaning::Token => !self.renewed,
            _ => false,
        }
    }

    /// Waits, or gets another token; `false` when that is of no use.
    async fn another<T: TokenSource>(
        &mut self,
        client: &mut Client<T>,
        refusal: &Refusal,
    ) -> Result<bool, Error> {
        if !self.may_go_on(refusal) {
            return Ok(false);
        }
        match refusal.meaning() {
            Meaning::NotNow(wait) => self.pauses.take(wait).await,
            _ => {
                self.renewed = true;
                let refused = client.token.take();
                let token = client.tokens.token(refused.as_ref().map(|token| token.as_str())).await?;
                client.token = Some(token);
            }
        }
        Ok(true)
    }
}

/// A network's login page, say. Graph gives a message as `text/plain`, whatever is in it.
fn is_web_page(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"text/html"))
}

/// The answer in a part of a batch.
fn part(response: &Value) -> Part {
    let status = response.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let status = status.unwrap_or(500);
    let body = response.get("body").cloned().unwrap_or_default();
    if (200..300).contains(&status) {
        return Ok(body);
    }
    let headers = response.get("headers").and_then(Value::as_object);
    let retry_after = headers.and_then(|headers| {
        headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))
            .and_then(|(_, v)| v.as_str())
    });
    Err(Refusal::new(status, &body, retry_after))
}

fn text_of(headers: &HeaderMap) -> Option<String> {
    headers.get(RETRY_AFTER)?.to_str().ok().map(str::to_owned)
}

/// An id in a path: base64 has characters that mean something there.
pub(super) fn segment(id: &str) -> String {
    let mut text = String::new();
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProxyChoice;

    struct Fixed;

    impl TokenSource for Fixed {
        async fn token(&self, _refused: Option<&str>) -> Result<Zeroizing<String>, Error> {
            Ok("t".to_owned().into())
        }
    }

    fn client() -> Client<Fixed> {
        let settings = GraphSettings {
            url: "https://graph.microsoft.com".into(),
            ca_file: None,
            proxy: ProxyChoice::System,
        };
        Client::new(&settings, Fixed).unwrap()
    }

    #[test]
    fn a_link_to_another_host_is_never_followed() {
        let client = client();
        let link = "https://graph.microsoft.com/v1.0/me/x?$deltatoken=a%2Bb";
        assert_eq!(client.url(link).unwrap().as_str(), link);
        assert_eq!(client.relative(link).unwrap(), "/me/x?$deltatoken=a%2Bb");
        for bad in ["https://graph.microsoft.com.evil.example/v1.0/me", "http://graph.microsoft.com/v1.0/me"]
        {
            assert_eq!(client.url(bad).unwrap_err().kind, ErrorKind::Protocol, "{bad}");
        }
    }

    #[test]
    fn an_id_stays_one_segment_of_the_path() {
        assert_eq!(segment("AAMk/a+b=_-"), "AAMk%2Fa%2Bb%3D_-");
    }
}
