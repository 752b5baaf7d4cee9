//! Listening, and who may come in.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State as Shares;
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt as _;
use roxmltree::Document;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::soap::{self, child, text_of};
use super::{operation, stream};
use crate::exchange::{Account, Language, Script, Store, lock};

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

/// How one may sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignIn {
    /// User name and password.
    #[default]
    Basic,
    /// An access token.
    Bearer,
    /// Only Windows' own ways, which this server does not speak.
    Negotiate,
}

/// A running server. It stops when this is dropped.
pub struct EwsServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

struct Shared {
    store: Arc<Store>,
    username: String,
    secret: std::sync::Mutex<String>,
    sign_in: SignIn,
    script: Script<String, Fault>,
    /// Streams end when this changes.
    ended: watch::Sender<u64>,
}

impl EwsServer {
    /// Starts with an empty mailbox of `username` that opens to `password`, on a free loopback port without TLS.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(username: &str, password: &str) -> Result<Self> {
        Self::start_with(Language::English, SignIn::Basic, username, password).await
    }

    /// The same with folder names in another language, and another way to sign in.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_with(
        language: Language,
        sign_in: SignIn,
        username: &str,
        secret: &str,
    ) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("Listening on loopback")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            store: Arc::new(Store::new(language)),
            username: username.to_owned(),
            secret: std::sync::Mutex::new(secret.to_owned()),
            sign_in,
            script: Script::default(),
            ended: watch::Sender::new(0),
        });
        let app = Router::new()
            .route("/EWS/Exchange.asmx", post(handle))
            .route("/autodiscover/autodiscover.xml", post(autodiscover))
            .with_state(shared.clone());
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::warn!("The simulated Exchange ended: {error}.");
            }
        });
        Ok(Self { shared, address, task })
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}/EWS/Exchange.asmx", self.address)
    }

    /// Where its Autodiscover service is.
    pub fn autodiscover_url(&self) -> String {
        format!("http://{}/autodiscover/autodiscover.xml", self.address)
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

    /// Nothing goes wrong any more.
    pub fn unscript(&self) {
        self.shared.script.clear();
    }

    /// Breaks off every stream of notifications that is open.
    pub fn end_streams(&self) {
        self.shared.ended.send_modify(|count| *count += 1);
    }

    /// The names of all operations so far.
    pub fn seen(&self) -> Vec<String> {
        self.shared.script.seen()
    }
}

impl Drop for EwsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn handle(Shares(shared): Shares<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    if !shared.lets_in(&headers) {
        return shared.shut_out();
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
            let (arrivals, ended) = (shared.store.arrivals.subscribe(), shared.ended.subscribe());
            respond(StatusCode::OK, stream::body(id, arrivals, ended, limit))
        }
        None => match proper() {
            Some(answer) => respond(StatusCode::OK, answer.into()),
            None => fault(soap::fault("ErrorInvalidRequest", None)),
        },
        Some(Fault::Busy(time)) => fault(soap::fault("ErrorServerBusy", Some(time))),
        Some(Fault::Unavailable) => respond(StatusCode::SERVICE_UNAVAILABLE, Body::empty()),
        Some(Fault::Refused(code)) => {
            respond(StatusCode::OK, soap::answer(&name, &soap::error(&name, code)).into())
        }
        Some(Fault::SignedOut) => shared.shut_out(),
        Some(Fault::CutAt(bytes)) => cut(proper().unwrap_or_default(), bytes),
        Some(Fault::Html) => web_page(),
        Some(Fault::Redirect(to)) => redirect(&to),
    }
}

/// Plain old XML ([MS-OXDSCLI] 3.1.5.3): where the mailbox is, for those inside and those outside.
async fn autodiscover(
    Shares(shared): Shares<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    if !shared.lets_in(&headers) {
        return shared.shut_out();
    }
    match shared.script.fault("Autodiscover".to_owned(), "Autodiscover") {
        Some(Fault::Redirect(to)) => return redirect(&to),
        Some(_) => return web_page(),
        None => {}
    }
    let host = headers.get("Host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let asked =
        String::from_utf8_lossy(&body).contains(&format!("<EMailAddress>{}</EMailAddress>", shared.username));
    let account = if asked {
        format!(
            "<Account><AccountType>email</AccountType><Action>settings</Action><Protocol><Type>EXCH</Type>\
             <EwsUrl>http://inside.invalid/EWS/Exchange.asmx</EwsUrl></Protocol><Protocol><Type>EXPR</Type>\
             <EwsUrl>http://{host}/EWS/Exchange.asmx</EwsUrl></Protocol></Account>"
        )
    } else {
        "<Error><ErrorCode>500</ErrorCode><Message>The e-mail address can't be found.</Message></Error>"
            .to_owned()
    };
    let answer = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006\"><Response \
         xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a\">{account}</Response></Autodiscover>"
    );
    respond(StatusCode::OK, answer.into())
}

fn web_page() -> Response<Body> {
    respond(StatusCode::OK, "<html><body>Welcome to our guest network</body></html>".into())
}

fn redirect(to: &str) -> Response<Body> {
    let mut response = respond(StatusCode::FOUND, Body::empty());
    if let Ok(to) = to.parse() {
        response.headers_mut().insert("Location", to);
    }
    response
}

impl Shared {
    fn lets_in(&self, headers: &HeaderMap) -> bool {
        let given = headers.get("Authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let secret = lock(&self.secret);
        match self.sign_in {
            SignIn::Basic => {
                given == format!("Basic {}", STANDARD.encode(format!("{}:{secret}", self.username)))
            }
            SignIn::Bearer => given == format!("Bearer {secret}"),
            SignIn::Negotiate => false,
        }
    }

    fn shut_out(&self) -> Response<Body> {
        let offers: &[&str] = match self.sign_in {
            SignIn::Basic => &["Basic realm=\"mail.sales.example\""],
            SignIn::Bearer => &["Bearer client_id=\"00000002-0000-0ff1-ce00-000000000000\""],
            SignIn::Negotiate => &["Negotiate", "NTLM"],
        };
        let mut response = respond(StatusCode::UNAUTHORIZED, Body::empty());
        for offer in offers {
            if let Ok(offer) = offer.parse() {
                response.headers_mut().append("WWW-Authenticate", offer);
            }
        }
        response
    }
}

/// Faults come with 500.
fn fault(text: String) -> Response<Body> {
    respond(StatusCode::INTERNAL_SERVER_ERROR, text.into())
}

fn respond(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Ok(kind) = "text/xml; charset=utf-8".parse() {
        response.headers_mut().insert("Content-Type", kind);
    }
    response
}

/// The connection ends in the middle.
fn cut(text: String, at: usize) -> Response<Body> {
    let mut bytes = text.into_bytes();
    bytes.truncate(at.min(bytes.len().saturating_sub(1)));
    let part = futures::stream::once(async move { Ok::<_, std::io::Error>(Bytes::from(bytes)) });
    let end = futures::stream::once(async { Err(std::io::ErrorKind::ConnectionReset.into()) });
    respond(StatusCode::OK, Body::from_stream(part.chain(end)))
}
