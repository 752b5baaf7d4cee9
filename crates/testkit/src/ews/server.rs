//! Listening, and answering.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State as Shares};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::post;
use futures::StreamExt as _;
use roxmltree::Document;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::answer::{cut, fault, redirect, respond, shut_out, web_page};
use super::door::{Line, Port, Refusal, SignIn};
use super::soap::{self, child, text_of};
use super::{autodiscover, operation, stream};
use crate::exchange::{Account, Language, Script, Store, lock};
use crate::tls::{Authority, LOOPBACK_NAMES};

/// Something that goes wrong with one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A SOAP fault that says for how long to leave the server alone.
    Busy(Duration),
    /// 503 from what stands before Exchange, without more.
    Unavailable,
    /// This code in place of the answer, such as `ErrorAccessDenied`.
    Refused(&'static str),
    /// 401.
    SignedOut,
    /// The answer ends after so many bytes, and the connection with it.
    CutAt(usize),
    /// 200 with a page of HTML, as a network's login page gives.
    Html,
    /// 302 to another host.
    Redirect(String),
}

/// What was asked and answered, as it went over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchanged {
    /// The operation; `Autodiscover` for either service that tells where a mailbox is.
    pub operation: String,
    /// The request's body.
    pub request: String,
    /// The answer's body; each part of a stream is one of its own.
    pub answer: String,
}

/// A running server. It stops when this is dropped.
pub struct EwsServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    ca: Option<tempfile::NamedTempFile>,
    task: JoinHandle<()>,
}

pub(super) struct Shared {
    store: Arc<Store>,
    pub(super) address: String,
    username: String,
    secret: Mutex<String>,
    sign_in: SignIn,
    /// Of its certificate, where it has one.
    binding: Option<Vec<u8>>,
    pub(super) script: Script<String, Fault>,
    /// Kept where somebody wants it.
    transcript: Mutex<Option<Vec<Exchanged>>>,
    /// Streams end when this changes.
    ended: watch::Sender<u64>,
    /// Streams fall silent when this changes.
    hung: watch::Sender<u64>,
}

impl EwsServer {
    /// Starts with an empty mailbox of `username` that opens to `password`, on a free loopback port without TLS.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(username: &str, password: &str) -> Result<Self> {
        Self::start_with(Language::English, SignIn::Basic, username, password).await
    }

    /// The same, where the mailbox of `address` opens to another user name.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_as(address: &str, username: &str, password: &str) -> Result<Self> {
        Self::listen(Language::English, SignIn::Basic, [address, username, password]).await
    }

    /// The same with folder names in another language, and another way to sign in, for which it may speak TLS.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_with(
        language: Language,
        sign_in: SignIn,
        username: &str,
        secret: &str,
    ) -> Result<Self> {
        Self::listen(language, sign_in, [username, username, secret]).await
    }

    async fn listen(
        language: Language,
        sign_in: SignIn,
        [address, username, secret]: [&str; 3],
    ) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("Listening on loopback")?;
        let place = listener.local_addr()?;
        let (mut tls, mut binding, mut ca) = (None, None, None);
        if sign_in.is_over_tls() {
            let authority = Authority::new()?;
            let certificate = authority.issue(LOOPBACK_NAMES)?;
            // RFC 5929 §4; the certificate is signed with SHA-256.
            binding = Some([&b"tls-server-end-point:"[..], &Sha256::digest(certificate.der())].concat());
            tls = Some(TlsAcceptor::from(certificate.server_config()?));
            let file = tempfile::NamedTempFile::new().context("Making a file for the root")?;
            std::fs::write(file.path(), authority.pem()).context("Writing the root")?;
            ca = Some(file);
        }
        let shared = Arc::new(Shared {
            store: Arc::new(Store::new(language)),
            address: address.to_owned(),
            username: username.to_owned(),
            secret: Mutex::new(secret.to_owned()),
            sign_in,
            binding,
            script: Script::default(),
            transcript: Mutex::default(),
            ended: watch::Sender::new(0),
            hung: watch::Sender::new(0),
        });
        let app = Router::new()
            .route("/EWS/Exchange.asmx", post(handle))
            .route(
                "/autodiscover/autodiscover.xml",
                post(autodiscover::in_plain_xml).get(autodiscover::in_plain_xml),
            )
            .route("/autodiscover/autodiscover.svc", post(autodiscover::in_soap))
            .with_state(shared.clone());
        let app = app.into_make_service_with_connect_info::<Line>();
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(Port { listener, tls }, app).await {
                tracing::warn!("The simulated Exchange ended: {error}.");
            }
        });
        Ok(Self { shared, address: place, ca, task })
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("{}/EWS/Exchange.asmx", self.root())
    }

    /// Where its Autodiscover service is that speaks plain old XML.
    pub fn autodiscover_url(&self) -> String {
        format!("{}/autodiscover/autodiscover.xml", self.root())
    }

    /// Where its Autodiscover service is that speaks SOAP.
    pub fn soap_autodiscover_url(&self) -> String {
        format!("{}/autodiscover/autodiscover.svc", self.root())
    }

    fn root(&self) -> String {
        format!("{}://localhost:{}", self.shared.scheme(), self.address.port())
    }

    /// A PEM file with the root to trust, where it speaks TLS; it goes away with the server.
    pub fn ca_file(&self) -> Option<PathBuf> {
        self.ca.as_ref().map(|file| file.path().to_owned())
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The mailbox.
    pub fn mailbox(&self) -> Account {
        Account::of(self.shared.store.clone())
    }

    /// From now on only this password or token opens the mailbox.
    pub fn set_secret(&self, secret: &str) {
        secret.clone_into(&mut lock(&self.shared.secret));
    }

    /// The next request of an operation whose name contains `part` goes wrong like this.
    pub fn fault_once(&self, part: &str, fault: Fault) {
        self.shared.script.once(part, fault);
    }

    /// Every request of an operation whose name contains `part` (`Autodiscover` is one as well) goes wrong like this.
    pub fn fault_always(&self, part: &str, fault: Fault) {
        self.shared.script.always(part, fault);
    }

    /// Nothing goes wrong any more. Gives the number of faults that were to come once and did not.
    pub fn unscript(&self) -> usize {
        self.shared.script.clear()
    }

    /// Breaks off every stream of notifications that is open.
    pub fn end_streams(&self) {
        self.shared.ended.send_modify(|count| *count += 1);
    }

    /// Every stream of notifications that is open stays so and says nothing any more.
    pub fn hang_streams(&self) {
        self.shared.hung.send_modify(|count| *count += 1);
    }

    /// The names of all operations so far.
    pub fn seen(&self) -> Vec<String> {
        self.shared.script.seen()
    }

    /// From now on a transcript is kept.
    pub fn keep_transcript(&self) {
        lock(&self.shared.transcript).get_or_insert_default();
    }

    /// All that went well since then, or was refused in Exchange's own words.
    pub fn transcript(&self) -> Vec<Exchanged> {
        lock(&self.shared.transcript).clone().unwrap_or_default()
    }
}

impl Drop for EwsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn handle(
    Shares(shared): Shares<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    if let Err(refusal) = shared.let_in(&headers, &line) {
        return shut_out(refusal);
    }
    let text = String::from_utf8_lossy(&body);
    let Ok(document) = Document::parse(&text) else {
        return respond(StatusCode::BAD_REQUEST, String::new().into());
    };
    let Some(operation) = soap::operation(&document) else {
        return fault(soap::fault("ErrorSchemaValidation", None));
    };
    let name = operation.tag_name().name().to_owned();
    let gone_wrong = shared.script.fault(name.clone(), &name);
    let proper = || match name.as_str() {
        "Subscribe" => {
            let id = soap::element("SubscriptionId", Some("JgBleGNo")).replace("t:", "m:");
            Some(soap::answer(&name, &soap::success(&name, &id)))
        }
        _ => operation::perform(&lock(&shared.store.folders), operation),
    };
    match gone_wrong {
        None if name == "GetStreamingEvents" => {
            let ids = child(operation, "SubscriptionIds");
            let id = ids.and_then(|ids| text_of(ids, "SubscriptionId")).unwrap_or_default().to_owned();
            let minutes = text_of(operation, "ConnectionTimeout").and_then(|text| text.parse().ok());
            let limit = Duration::from_secs(minutes.unwrap_or(1) * 60);
            let heard = stream::Heard {
                arrivals: shared.store.arrivals.subscribe(),
                ended: shared.ended.subscribe(),
                hung: shared.hung.subscribe(),
            };
            let request = text.into_owned();
            let noting = shared.clone();
            let parts =
                stream::parts(id, heard, limit).inspect(move |part| noting.note(&name, &request, part));
            let body =
                Body::from_stream(parts.map(|part| Ok::<_, std::convert::Infallible>(Bytes::from(part))));
            respond(StatusCode::OK, body)
        }
        None => match proper() {
            Some(answer) => {
                shared.note(&name, &text, &answer);
                respond(StatusCode::OK, answer.into())
            }
            None => fault(soap::fault("ErrorInvalidRequest", None)),
        },
        Some(Fault::Busy(time)) => {
            let answer = soap::fault("ErrorServerBusy", Some(time));
            shared.note(&name, &text, &answer);
            fault(answer)
        }
        Some(Fault::Unavailable) => respond(StatusCode::SERVICE_UNAVAILABLE, Body::empty()),
        Some(Fault::Refused(code)) => {
            let answer = soap::answer(&name, &soap::error(&name, code));
            shared.note(&name, &text, &answer);
            respond(StatusCode::OK, answer.into())
        }
        Some(Fault::SignedOut) => shut_out(shared.sign_in.sign_out(&line)),
        Some(Fault::CutAt(bytes)) => cut(proper().unwrap_or_default(), bytes),
        Some(Fault::Html) => web_page(),
        Some(Fault::Redirect(to)) => redirect(&to),
    }
}

impl Shared {
    pub(super) fn let_in(&self, headers: &HeaderMap, line: &Line) -> Result<(), Refusal> {
        let secret = lock(&self.secret).clone();
        self.sign_in.let_in(headers, line, &self.username, &secret, self.binding.as_deref())
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.sign_in.is_over_tls() { "https" } else { "http" }
    }

    pub(super) fn note(&self, operation: &str, request: &str, answer: &str) {
        if let Some(transcript) = &mut *lock(&self.transcript) {
            let [operation, request, answer] = [operation, request, answer].map(str::to_owned);
            transcript.push(Exchanged { operation, request, answer });
        }
    }
}
