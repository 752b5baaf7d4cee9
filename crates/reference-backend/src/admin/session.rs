//! Signing in.

use std::net::SocketAddr;

use axum::Form;
use axum::extract::{ConnectInfo, FromRequestParts, Query, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{PageError, plain};
use crate::problem::ApiError;
use crate::server::App;
use crate::store::sessions::SESSION_LIFE;
use crate::store::tokens::{Principal, hash};

const COOKIE_NAME: &str = "answerback_session";

/// An administrator who has signed in.
#[derive(Clone)]
pub struct Session {
    /// The organisation.
    pub org: String,
    token: String,
}

impl Session {
    /// What shows that a form came from a page of this session.
    fn form_token(&self) -> String {
        hash(&format!("form {}", self.token))
    }

    /// The hidden field that every form has.
    pub fn field(&self) -> Markup {
        html! { input type="hidden" name="form_token" value=(self.form_token()); }
    }

    /// Fails where a form came from elsewhere.
    pub fn check(&self, form_token: &str) -> Result<(), PageError> {
        // Hashes are compared, so that how long it takes says nothing about the token.
        if hash(form_token) == hash(&self.form_token()) {
            Ok(())
        } else {
            Err(PageError(ApiError::Invalid(
                "This form is too old. Go back, load the page again and retry.".into(),
            )))
        }
    }
}

impl FromRequestParts<App> for Session {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let Some(token) = cookie(&parts.headers) else { return Err(to_sign_in(parts)) };
        match app.store.session(&token, Timestamp::now()).await {
            Ok(Some(org)) => Ok(Self { org, token }),
            Ok(None) => Err(to_sign_in(parts)),
            Err(error) => Err(PageError::from(error).into_response()),
        }
    }
}

fn to_sign_in(parts: &Parts) -> Response {
    let asked = parts.uri.path_and_query().map_or("/admin", |path| path.as_str());
    let next = if parts.method == Method::GET { asked } else { "/admin" };
    let query: String =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    Redirect::to(&format!("/admin/sign-in?{query}")).into_response()
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';'))
        .find_map(|pair| Some(pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('=')?.to_owned()))
}

/// Where to go after signing in: a page of ours, whatever was asked for.
fn destination(next: Option<&str>) -> &str {
    let ours = |next: &&str| {
        ["/admin", "/pair"].iter().any(|page| {
            next.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        }) && !next.contains(['\\', '\r', '\n'])
            && !next.starts_with("/admin/sign-in")
    };
    next.filter(ours).unwrap_or("/admin")
}

/// Where the way leads on.
#[derive(Debug, Deserialize)]
pub struct Next {
    next: Option<String>,
}

/// What somebody signs in with.
#[derive(Deserialize)]
pub struct Credentials {
    token: String,
    next: Option<String>,
}

/// Asks for the platform's token.
pub async fn ask(Query(Next { next }): Query<Next>) -> Response {
    form(StatusCode::OK, destination(next.as_deref()), None)
}

/// Signs in.
pub async fn sign_in(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(Credentials { token, next }): Form<Credentials>,
) -> Result<Response, PageError> {
    app.strangers(peer, &headers)?;
    from_here(&headers)?;
    let next = destination(next.as_deref());
    let token = token.trim();
    let Some(Principal { org: _, rep: None }) = app.store.principal(token).await? else {
        let problem = "This is not the token of an administrator, or it was revoked.";
        return Ok(form(StatusCode::FORBIDDEN, next, Some(problem)));
    };
    let session = app.store.begin_session(token, Timestamp::now()).await?;
    let cookie = set_cookie(&app, session.expose(), SESSION_LIFE.as_secs());
    Ok(([(SET_COOKIE, cookie)], Redirect::to(next)).into_response())
}

/// What a form that only asks for something carries.
#[derive(Deserialize)]
pub struct Bare {
    pub(super) form_token: String,
}

/// Signs out.
pub async fn sign_out(
    State(app): State<App>,
    session: Session,
    Form(Bare { form_token }): Form<Bare>,
) -> Result<Response, PageError> {
    session.check(&form_token)?;
    app.store.end_session(&session.token).await?;
    Ok(([(SET_COOKIE, set_cookie(&app, "", 0))], Redirect::to("/admin/sign-in")).into_response())
}

fn set_cookie(app: &App, value: &str, seconds: u64) -> String {
    let secure =
        if app.public_url.as_ref().is_some_and(|url| url.starts_with("https://")) { "; Secure" } else { "" };
    format!("{COOKIE_NAME}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// Signing in has no session yet that a form token could belong to; browsers say where a form comes from.
fn from_here(headers: &HeaderMap) -> Result<(), PageError> {
    match headers.get("sec-fetch-site").and_then(|site| site.to_str().ok()) {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) => Err(PageError(ApiError::Invalid("This form came from another site.".into()))),
    }
}

fn form(status: StatusCode, next: &str, problem: Option<&str>) -> Response {
    let body = html! {
        h1 { "Sign in" }
        p.lead { "See which campaigns were answered, pair laptops, and look after webhooks." }
        @if let Some(problem) = problem { div.notice.bad role="alert" { (problem) } }
        form.card.padded method="post" action="/admin/sign-in" {
            input type="hidden" name="next" value=(next);
            label for="token" { "Administrator's token" }
            input #token type="password" name="token" required autocomplete="off" autofocus;
            p.hint { "Whoever runs this server makes one with " code { "answerback-backend token --platform" } "." }
            div.actions { button.main { "Sign in" } }
        }
    };
    plain(status, "Sign in", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_after_signing_in_leads_nowhere_else() {
        for good in ["/admin", "/admin/laptops", "/pair?code=BCDF-GHJK", "/admin/campaign?id=%2F%2Fx"] {
            assert_eq!(destination(Some(good)), good);
        }
        for bad in [
            "//evil.example",
            "https://evil.example/admin",
            "/\\evil.example",
            "/admin\\evil",
            "/administrator",
            "/admin\r\nset-cookie: x",
            "/admin/sign-in?next=/admin/sign-in",
            "",
        ] {
            assert_eq!(destination(Some(bad)), "/admin", "{bad}");
        }
    }
}
