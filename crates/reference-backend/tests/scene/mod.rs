//! What several test programs stand on: a server on each store, and a platform behind that takes webhooks.
#![allow(dead_code, unused_macros, unused_imports, reason = "each test program uses a part")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use answerback_reference_backend::conformance::Kit;
use answerback_reference_backend::{Config, Handle, Server};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use tempfile::TempDir;
use tokio::net::TcpListener;

pub const REP: &str = "rep@sales.example";
pub const ORG: &str = "acme";

/// Runs a scene on SQLite, and on PostgreSQL where that is installed.
macro_rules! on_both_stores {
    ($($(#[$meta:meta])* $scene:ident,)*) => {
        mod on_sqlite {
            $($(#[$meta])* #[tokio::test(flavor = "multi_thread")]
            async fn $scene() {
                let folder = tempfile::TempDir::new().unwrap();
                let url = format!("sqlite:{}", folder.path().join("backend.db").display());
                super::$scene(url).await;
            })*
        }

        #[cfg(unix)]
        mod on_postgres {
            $($(#[$meta])* #[tokio::test(flavor = "multi_thread")]
            async fn $scene() {
                if answerback_testkit::postgres::Postgres::installed().is_none() {
                    eprintln!("SKIPPED: PostgreSQL is not installed");
                    return;
                }
                let database = answerback_testkit::postgres::Postgres::start().unwrap();
                super::$scene(database.url()).await;
            })*
        }
    };
}
pub(crate) use on_both_stores;

pub async fn start(database: &str) -> Handle {
    Server::start(Config::local(database)).await.unwrap()
}

pub async fn on_sqlite() -> (TempDir, Handle) {
    let folder = TempDir::new().unwrap();
    let server = start(&format!("sqlite:{}", folder.path().join("backend.db").display())).await;
    (folder, server)
}

pub async fn kit(server: &Handle) -> Kit {
    let platform = server.store().issue_token(ORG, None).await.unwrap();
    let laptop = server.store().issue_token(ORG, Some(REP)).await.unwrap();
    Kit::new(&server.url(), platform, laptop, REP).unwrap()
}

/// Waits until `good`; a test that waits in vain says for what.
pub async fn until<F: Future<Output = bool>>(what: &str, mut good: impl FnMut() -> F) {
    let began = Instant::now();
    while !good().await {
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A webhook as it came.
#[derive(Clone, Debug)]
pub struct Hook {
    pub headers: HeaderMap,
    pub body: String,
    pub began: Instant,
    pub ended: Instant,
}

impl Hook {
    pub fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().unwrap()
    }
}

/// A platform behind: answers by script, then 204, and keeps what it took.
#[derive(Clone)]
pub struct Platform {
    pub url: String,
    pub taken: Arc<Mutex<Vec<Hook>>>,
    pub seen: Arc<Mutex<Vec<Hook>>>,
    script: Arc<Mutex<VecDeque<u16>>>,
    always: Arc<Mutex<Option<u16>>>,
    slow: Duration,
}

impl Platform {
    pub async fn start(slow: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let platform = Self {
            url: format!("http://{}/hooks", listener.local_addr().unwrap()),
            taken: Arc::default(),
            seen: Arc::default(),
            script: Arc::default(),
            always: Arc::default(),
            slow,
        };
        let router = Router::new().fallback(take).with_state(platform.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        platform
    }

    /// The next answers.
    pub fn answer(&self, statuses: &[u16]) {
        self.script.lock().unwrap().extend(statuses);
    }

    /// Every answer from now on, where the script has none; `None` is 204.
    pub fn always(&self, status: Option<u16>) {
        *self.always.lock().unwrap() = status;
    }

    pub fn taken(&self) -> Vec<Hook> {
        self.taken.lock().unwrap().clone()
    }

    pub fn seen(&self) -> Vec<Hook> {
        self.seen.lock().unwrap().clone()
    }

    pub async fn takes(&self, count: usize) {
        until(&format!("{count} webhooks"), async || self.taken.lock().unwrap().len() >= count).await;
    }
}

async fn take(State(platform): State<Platform>, headers: HeaderMap, body: String) -> impl IntoResponse {
    let began = Instant::now();
    tokio::time::sleep(platform.slow).await;
    let scripted = platform.script.lock().unwrap().pop_front();
    let status = scripted.or(*platform.always.lock().unwrap()).unwrap_or(204);
    let hook = Hook { headers, body, began, ended: Instant::now() };
    platform.seen.lock().unwrap().push(hook.clone());
    if status < 300 {
        platform.taken.lock().unwrap().push(hook);
    }
    (StatusCode::from_u16(status).unwrap(), [("location", "http://127.0.0.1:1/")])
}

/// A browser of an administrator: keeps the cookie, follows no redirect, and fills in the token of the form that it saw last.
pub struct Browser {
    http: reqwest::Client,
    url: String,
    pub cookie: Option<String>,
    pub form_token: String,
}

pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Page {
    pub fn location(&self) -> &str {
        self.headers.get("location").map_or("", |location| location.to_str().unwrap())
    }
}

impl Browser {
    pub fn new(server: &Handle) -> Self {
        let tls = answerback_backend::client::tls(&answerback_backend::ClientOptions::default()).unwrap();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { http, url: server.url(), cookie: None, form_token: String::new() }
    }

    pub async fn signed_in(server: &Handle, token: &str) -> Self {
        let mut browser = Self::new(server);
        let page = browser.post("/admin/sign-in", &[("token", token)]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
        browser.get("/admin").await;
        browser
    }

    pub async fn get(&mut self, path: &str) -> Page {
        let request = self.http.get(format!("{}{path}", self.url));
        self.send(request).await
    }

    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Page {
        let mut form = form.to_vec();
        let form_token = self.form_token.clone();
        form.push(("form_token", &form_token));
        let request = self.http.post(format!("{}{path}", self.url)).form(&form);
        self.send(request).await
    }

    async fn send(&mut self, mut request: reqwest::RequestBuilder) -> Page {
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("other=1; {cookie}"));
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        if let Some(cookie) = headers.get("set-cookie") {
            self.cookie = cookie.to_str().unwrap().split(';').next().map(str::to_owned);
        }
        let text = response.text().await.unwrap();
        if let Some((_, rest)) = text.split_once("name=\"form_token\" value=\"") {
            self.form_token = rest.split('"').next().unwrap().to_owned();
        }
        Page { status, headers, text }
    }
}
