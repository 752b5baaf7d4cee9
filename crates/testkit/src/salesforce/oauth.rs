//! Signing in: the External Client Apps that the organisation knows, and what their flows answer (RFC 6749, RFC 7636).

use std::collections::{BTreeMap, HashMap};

use axum::body::Body;
use axum::extract::{Form, Query, State};
use axum::http::{Response, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::server::{Shared, json_answer, lock};

/// The consumer key of the server's app.
pub const CLIENT_ID: &str = "3MVG9simulator";
/// Its secret.
pub const CLIENT_SECRET: &str = "simulator-secret";
/// The consumer key of the laptops' app, which has no secret.
pub const DESKTOP_CLIENT_ID: &str = "3MVG9simulator.desktop";
/// The refresh token of the server's app that is known at first. Each is good for one use: it gives another.
pub const REFRESH_TOKEN: &str = "5Aep861.simulator.0";
/// The user who signs in.
pub const USER: &str = "005000000000001AAA";

const SERVER_CALLBACKS: &[&str] = &["https://login.salesforce.com/services/oauth2/success"];
const DESKTOP_CALLBACKS: &[&str] = &[
    "http://localhost:27171/salesforce",
    "http://localhost:27172/salesforce",
    "http://localhost:27173/salesforce",
];

/// An app as it is set up.
struct App {
    id: &'static str,
    secret: Option<&'static str>,
    callbacks: &'static [&'static str],
    client_credentials: bool,
}

const APPS: [App; 2] = [
    App { id: CLIENT_ID, secret: Some(CLIENT_SECRET), callbacks: SERVER_CALLBACKS, client_credentials: true },
    App { id: DESKTOP_CLIENT_ID, secret: None, callbacks: DESKTOP_CALLBACKS, client_credentials: false },
];

/// What has been given out.
#[derive(Debug)]
pub(super) struct Book {
    count: u32,
    /// Codes that the browser carries, each good for once.
    codes: HashMap<String, Code>,
    /// Which app each refresh token is of.
    refresh_tokens: HashMap<String, &'static str>,
    /// What sign-ins are answered.
    pub(super) refuse: Option<(&'static str, &'static str)>,
}

#[derive(Debug)]
struct Code {
    app: &'static str,
    redirect_uri: String,
    challenge: String,
}

impl Default for Book {
    fn default() -> Self {
        let refresh_tokens = HashMap::from([(REFRESH_TOKEN.to_owned(), CLIENT_ID)]);
        Self { count: 0, codes: HashMap::new(), refresh_tokens, refuse: None }
    }
}

impl Book {
    /// Ends every sign-in of users, as an administrator does.
    pub(super) fn revoke(&mut self) {
        self.refresh_tokens.clear();
        self.codes.clear();
    }

    fn next(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    /// Whether a token is given: the app, and whether a refresh token comes with it.
    fn check(
        &mut self,
        form: &BTreeMap<String, String>,
    ) -> Result<(&'static str, bool), (&'static str, &'static str)> {
        let given = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if let Some(refused) = self.refuse {
            return Err(refused);
        }
        let app = APPS.iter().find(|app| app.id == given("client_id"));
        let app = app.ok_or(("invalid_client_id", "client identifier invalid"))?;
        if app.secret.is_some_and(|secret| secret != given("client_secret")) {
            return Err(("invalid_client", "invalid client credentials"));
        }
        match given("grant_type") {
            "client_credentials" if app.client_credentials => Ok((app.id, false)),
            "refresh_token" => match self.refresh_tokens.remove(given("refresh_token")) {
                Some(id) if id == app.id => Ok((app.id, true)),
                _ => Err(("invalid_grant", "expired access/refresh token")),
            },
            "authorization_code" => {
                let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(given("code_verifier")));
                let code = self.codes.remove(given("code"));
                let code = code.ok_or(("invalid_grant", "invalid authorization code"))?;
                if code.app != app.id || code.redirect_uri != given("redirect_uri") {
                    return Err(("redirect_uri_mismatch", "redirect_uri must match configuration"));
                }
                match code.challenge == proof {
                    true => Ok((app.id, true)),
                    false => Err(("invalid_grant", "invalid code verifier")),
                }
            }
            _ => Err(("unsupported_grant_type", "grant type not supported")),
        }
    }
}

pub(super) async fn token(
    State(shared): State<Shared>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Response<Body> {
    let mut inner = lock(&shared);
    let (app, refreshable) = match inner.book.check(&form) {
        Ok(given) => given,
        Err((error, description)) => {
            return json_answer(400, &json!({"error": error, "error_description": description}));
        }
    };
    let number = inner.book.next();
    let session = format!("00D000000000001!simulator.{number}");
    inner.sessions.insert(session.clone());
    let mut answer = json!({
        "access_token": session, "instance_url": inner.url, "id": format!("{}/id/00D000000000001EAA/{USER}", inner.url),
        "token_type": "Bearer", "issued_at": "1763542800000", "signature": "simulated", "scope": "api",
    });
    if let (true, Value::Object(answer)) = (refreshable, &mut answer) {
        let successor = format!("5Aep861.simulator.{number}");
        inner.book.refresh_tokens.insert(successor.clone(), app);
        answer.insert("refresh_token".into(), json!(successor));
        answer.insert("scope".into(), json!("refresh_token api"));
    }
    json_answer(200, &answer)
}

/// Somebody signs in and allows it at once: the browser goes where the app's callback is. What the app has not registered is an error
/// page and goes nowhere.
pub(super) async fn authorize(
    State(shared): State<Shared>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response<Body> {
    let given = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let page = |error: &str| {
        let body = Body::from(format!("error={error}"));
        Response::builder().status(400).body(body).unwrap_or_default()
    };
    let Some(app) = APPS.iter().find(|app| app.id == given("client_id")) else {
        return page("invalid_client_id");
    };
    if !app.callbacks.contains(&given("redirect_uri")) {
        return page("redirect_uri_mismatch&error_description=redirect_uri%20must%20match%20configuration");
    }
    let back = |what: &str| {
        let at = format!("{}?{what}&state={}", given("redirect_uri"), given("state"));
        Response::builder().status(302).header(header::LOCATION, at).body(Body::empty()).unwrap_or_default()
    };
    let mut inner = lock(&shared);
    if let Some((error, _)) = inner.book.refuse {
        return back(&format!("error={error}&error_description=refused"));
    }
    if given("response_type") != "code" {
        return back("error=unsupported_response_type");
    }
    if given("code_challenge_method") != "S256" || given("code_challenge").len() != 43 {
        return back("error=invalid_request&error_description=missing%20required%20code%20challenge");
    }
    let code = format!("aPrx.simulator.{}==", inner.book.next());
    let kept = Code {
        app: app.id,
        redirect_uri: given("redirect_uri").to_owned(),
        challenge: given("code_challenge").to_owned(),
    };
    inner.book.codes.insert(code.clone(), kept);
    back(&format!("code={}", code.replace('=', "%3D")))
}
