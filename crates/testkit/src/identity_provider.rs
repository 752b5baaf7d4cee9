//! An OpenID provider of our own: discovery, a sign-in page that says yes at once, tokens with PKCE and rotation, and
//! the question of a mail server whose token it is (RFC 7662). Microsoft's addresses are there as well, for every tenant.
//!
//! [`IdentityProvider::visit`] plays the rep's browser.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use axum::extract::{Form, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::Digest as _;

/// The client that is registered.
pub const CLIENT_ID: &str = "answerback-test";
/// What it asks for.
pub const SCOPE: &str = "imap";

/// What the rep does on the sign-in page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Consent {
    /// Signs in and agrees.
    #[default]
    Agree,
    /// Agrees, and leaves out the permission to read mail.
    AgreeInPart,
    /// The page sends back this error and description.
    Refuse(&'static str, &'static str),
    /// The same to whoever asks for a scope that contains the first; others may come in.
    RefuseScope(&'static str, &'static str, &'static str),
}

/// What the token endpoint does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// Answers with this status and no JSON.
    Status(u16),
    /// Answers with an OAuth error.
    Error(&'static str),
    /// Answers after this time.
    Slow(Duration),
    /// Answers with something that is no JSON.
    Garbage,
}

/// A running provider. It ends with the process's runtime.
#[derive(Clone, Debug)]
pub struct IdentityProvider {
    base: String,
    state: Arc<Mutex<Book>>,
}

#[derive(Debug)]
struct Book {
    base: String,
    user: String,
    secret: Option<String>,
    consent: Consent,
    life: Duration,
    faults: Vec<TokenFault>,
    codes: HashMap<String, Code>,
    /// Whether each is good, and what for.
    refresh_tokens: HashMap<String, (bool, String)>,
    /// Until when each is good, and what for.
    access_tokens: HashMap<String, (Instant, String)>,
    count: u32,
    refreshes: u32,
}

#[derive(Debug)]
struct Code {
    challenge: String,
    redirect: String,
    scope: String,
    used: bool,
}

type Shared = State<Arc<Mutex<Book>>>;
type Fields = HashMap<String, String>;

impl IdentityProvider {
    /// Starts one at which `user` has an account.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(user: &str) -> Result<Self> {
        let listener =
            tokio::net::TcpListener::bind("127.0.0.1:0").await.context("Looking for a free port")?;
        let base = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(Mutex::new(Book {
            base: base.clone(),
            user: user.to_owned(),
            secret: None,
            consent: Consent::default(),
            life: Duration::from_secs(3600),
            faults: Vec::new(),
            codes: HashMap::new(),
            refresh_tokens: HashMap::new(),
            access_tokens: HashMap::new(),
            count: 0,
            refreshes: 0,
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/introspect", post(introspect))
            .route("/{tenant}/oauth2/v2.0/authorize", get(authorize))
            .route("/{tenant}/oauth2/v2.0/token", post(token))
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { base, state })
    }

    /// Its issuer URL.
    pub fn issuer(&self) -> &str {
        &self.base
    }

    /// Where a mail server asks about a token.
    pub fn introspection(&self) -> String {
        format!("{}/introspect", self.base)
    }

    /// What the rep does on the page from now on.
    pub fn consent(&self, consent: Consent) {
        self.book().consent = consent;
    }

    /// Whose account the rep signs in to from now on.
    pub fn belongs_to(&self, user: &str) {
        self.book().user = user.to_owned();
    }

    /// How long access tokens live from now on.
    pub fn token_life(&self, life: Duration) {
        self.book().life = life;
    }

    /// Refuses whoever doesn't send this with the client id, as Google does.
    pub fn require_secret(&self, secret: &str) {
        self.book().secret = Some(secret.to_owned());
    }

    /// The next answer of the token endpoint goes wrong; more of them queue up.
    pub fn fault_once(&self, fault: TokenFault) {
        self.book().faults.push(fault);
    }

    /// No access token that was given out is good any more.
    pub fn expire_access_tokens(&self) {
        self.book().access_tokens.clear();
    }

    /// No refresh token that was given out is good any more: the rep has changed the password.
    pub fn revoke(&self) {
        self.book().refresh_tokens.clear();
        self.expire_access_tokens();
    }

    /// How often somebody asked for a new access token, with or without success.
    pub fn refreshes(&self) -> u32 {
        self.book().refreshes
    }

    /// Whether an access token is one that was given out, for something whose name contains `scope`.
    pub fn accepts(&self, token: &str, scope: &str) -> bool {
        let book = self.book();
        let known = book.access_tokens.get(token);
        known.is_some_and(|(until, given)| Instant::now() < *until && given.contains(scope))
    }

    /// Plays the browser: opens the page, and follows it to where it sends the rep. The page seen last is returned.
    ///
    /// # Errors
    /// When a page can't be loaded.
    pub async fn visit(&self, url: &str) -> Result<String> {
        browse(url).await
    }

    /// Loads a page as the browser does.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn get(&self, url: &str) -> Result<String> {
        Ok(browser()?.get(url).send().await.context("Loading a page")?.text().await?)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.state)
    }
}

/// Loads a sign-in page as the rep's browser does, and what it leads back to.
///
/// # Errors
/// When nobody answers, or the page leads nowhere.
pub async fn browse(url: &str) -> Result<String> {
    let page = browser()?.get(url).send().await.context("Loading the sign-in page")?;
    let Some(back) = page.headers().get(header::LOCATION) else {
        bail!("The sign-in page answered {}: {}", page.status(), page.text().await.unwrap_or_default());
    };
    let back = back.to_str()?.to_owned();
    Ok(browser()?.get(back).send().await.context("Loading a page")?.text().await?)
}

/// Only plain http to this computer is visited, so no certificate is trusted.
fn browser() -> Result<reqwest::Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let browser = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
    Ok(browser.redirect(reqwest::redirect::Policy::none()).build()?)
}

fn lock(state: &Mutex<Book>) -> MutexGuard<'_, Book> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn describe(State(state): Shared) -> Json<serde_json::Value> {
    let base = lock(&state).base.clone();
    Json(json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
        "introspection_endpoint": format!("{base}/introspect"),
        "code_challenge_methods_supported": ["S256"],
    }))
}

async fn authorize(State(state): Shared, Query(asked): Query<Fields>) -> Response {
    let mut book = lock(&state);
    let field = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let wrong = |what: &str| (StatusCode::BAD_REQUEST, what.to_owned()).into_response();
    if field("client_id") != CLIENT_ID {
        return wrong("This client id is not known here.");
    }
    if field("response_type") != "code" || field("code_challenge_method") != "S256" {
        return wrong("A code with PKCE must be asked for.");
    }
    let redirect = field("redirect_uri");
    if !redirect.starts_with("http://127.0.0.1:") && !redirect.starts_with("http://localhost:") {
        return wrong("This address to return to is not allowed.");
    }
    let scope = match book.consent {
        Consent::AgreeInPart => "openid".to_owned(),
        _ => field("scope"),
    };
    let answer = match book.consent {
        Consent::Refuse(error, description) => refused(error, description),
        Consent::RefuseScope(part, error, description) if field("scope").contains(part) => {
            refused(error, description)
        }
        _ => {
            let code = book.fresh("code");
            let kept =
                Code { challenge: field("code_challenge"), redirect: redirect.clone(), scope, used: false };
            book.codes.insert(code.clone(), kept);
            vec![("code", code)]
        }
    };
    let fields = answer.into_iter().chain([("state", field("state")), ("iss", book.base.clone())]);
    match reqwest::Url::parse_with_params(&redirect, fields) {
        Ok(url) => Redirect::to(url.as_str()).into_response(),
        Err(_) => wrong("This address to return to is none."),
    }
}

fn refused(error: &str, description: &str) -> Vec<(&'static str, String)> {
    vec![("error", error.to_owned()), ("error_description", description.to_owned())]
}

async fn token(State(state): Shared, Form(asked): Form<Fields>) -> Response {
    let fault = {
        let mut book = lock(&state);
        if asked.get("grant_type").is_some_and(|kind| kind == "refresh_token") {
            book.refreshes += 1;
        }
        if book.faults.is_empty() { None } else { Some(book.faults.remove(0)) }
    };
    match fault {
        Some(TokenFault::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return (status, "<html>trouble</html>").into_response();
        }
        Some(TokenFault::Error(error)) => return refuse(error),
        Some(TokenFault::Garbage) => return "<html>secret-words</html>".into_response(),
        Some(TokenFault::Slow(wait)) => tokio::time::sleep(wait).await,
        None => {}
    }
    let mut book = lock(&state);
    let field = |name: &str| asked.get(name).cloned().unwrap_or_default();
    if field("client_id") != CLIENT_ID
        || book.secret.as_ref().is_some_and(|secret| *secret != field("client_secret"))
    {
        return refuse("invalid_client");
    }
    match field("grant_type").as_str() {
        "authorization_code" => book.redeem(&field("code"), &field("code_verifier"), &field("redirect_uri")),
        "refresh_token" => book.refresh(&field("refresh_token")),
        _ => refuse("unsupported_grant_type"),
    }
}

async fn introspect(State(state): Shared, Form(asked): Form<Fields>) -> Json<serde_json::Value> {
    let book = lock(&state);
    let until = asked.get("token").and_then(|token| book.access_tokens.get(token));
    Json(match until.is_some_and(|(until, _)| Instant::now() < *until) {
        true => json!({"active": true, "username": book.user, "scope": SCOPE}),
        false => json!({"active": false}),
    })
}

fn refuse(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error, "error_description": "secret-words"})))
        .into_response()
}

impl Book {
    fn fresh(&mut self, what: &str) -> String {
        self.count += 1;
        // Long enough to need more than one entry of the Windows keychain, as Microsoft's are.
        format!("{what}-{}-{}", self.count, "x".repeat(1500))
    }

    fn redeem(&mut self, code: &str, verifier: &str, redirect: &str) -> Response {
        let digest = URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(verifier.as_bytes()));
        let Some(kept) = self.codes.get_mut(code) else { return refuse("invalid_grant") };
        if std::mem::replace(&mut kept.used, true) {
            // Somebody has stolen it: what it was redeemed for is no good any more (RFC 6749 §4.1.2).
            self.refresh_tokens.clear();
            self.access_tokens.clear();
            return refuse("invalid_grant");
        }
        if kept.challenge != digest || kept.redirect != redirect {
            return refuse("invalid_grant");
        }
        let scope = kept.scope.clone();
        self.give(&scope)
    }

    fn refresh(&mut self, token: &str) -> Response {
        let known = self.refresh_tokens.get_mut(token);
        match known.map(|(good, scope)| (std::mem::replace(good, false), scope.clone())) {
            Some((true, scope)) => self.give(&scope),
            // An old one: either we forgot the new one, or somebody else has it.
            Some((false, _)) => {
                self.refresh_tokens.clear();
                refuse("invalid_grant")
            }
            None => refuse("invalid_grant"),
        }
    }

    fn give(&mut self, scope: &str) -> Response {
        let (access, refresh) = (self.fresh("access"), self.fresh("refresh"));
        self.access_tokens.insert(access.clone(), (Instant::now() + self.life, scope.to_owned()));
        self.refresh_tokens.insert(refresh.clone(), (true, scope.to_owned()));
        let life = self.life.as_secs();
        Json(json!({
            "token_type": "Bearer", "access_token": access, "expires_in": life, "refresh_token": refresh, "scope": scope,
        }))
        .into_response()
    }
}
