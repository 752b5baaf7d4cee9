//! The page on which an administrator lets a laptop in. Plain HTML: no script, no cookie. The administrator's token is typed in with each
//! decision, so that no other site can decide in somebody's name.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;

use crate::problem::ApiError;
use crate::server::App;
use crate::store::tokens::Principal;

const CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}\
    label{display:block;margin:1rem 0 .25rem}input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem}\
    button{font:inherit;padding:.5rem 1rem;margin:1.25rem .5rem 0 0}.code{text-transform:uppercase;letter-spacing:.15em}";

/// A code that came with the link.
#[derive(Debug, Deserialize)]
pub struct Link {
    code: Option<String>,
}

/// What the administrator decided.
#[derive(Debug, Deserialize)]
pub struct Decision {
    code: String,
    #[serde(default)]
    rep: String,
    token: String,
    decision: String,
}

/// Asks for the code, the rep and the administrator's token.
pub async fn ask(State(app): State<App>, Query(link): Query<Link>) -> Result<Response, ApiError> {
    let code = link.code.unwrap_or_default();
    let name = app.store.pending_pairing(&code, Timestamp::now()).await?;
    Ok(form(StatusCode::OK, &code, "", name.as_deref(), None))
}

/// Lets the laptop in, or not.
pub async fn decide(State(app): State<App>, Form(decision): Form<Decision>) -> Result<Response, ApiError> {
    let Decision { code, rep, token, decision } = decision;
    let now = Timestamp::now();
    let again = |status, why: &str| Ok(form(status, &code, &rep, None, Some(why)));
    let Some(Principal { org, rep: None }) = app.store.principal(token.trim()).await? else {
        return again(StatusCode::FORBIDDEN, "This is not the token of an administrator.");
    };
    let allow = decision == "allow";
    if allow && !rep.contains('@') {
        return again(StatusCode::BAD_REQUEST, "Type in the rep's mail address.");
    }
    if !app.store.decide_pairing(&code, &org, allow.then_some(rep.as_str()), now).await? {
        return again(
            StatusCode::NOT_FOUND,
            "No laptop waits with this code. It may have taken more than 15 minutes.",
        );
    }
    let text =
        if allow { "The laptop is paired. You can close this page." } else { "The laptop was turned away." };
    Ok(page(StatusCode::OK, &format!("<p role=status>{text}</p>")))
}

fn form(status: StatusCode, code: &str, rep: &str, name: Option<&str>, problem: Option<&str>) -> Response {
    let problem =
        problem.map(|p| format!("<p role=alert><strong>{}</strong></p>", escape(p))).unwrap_or_default();
    let name =
        name.map(|n| format!("<p>It calls itself <strong>{}</strong>.</p>", escape(n))).unwrap_or_default();
    let (code, rep) = (escape(code), escape(rep));
    page(
        status,
        &format!(
            "{problem}<p>A laptop shows a code and wants to report replies to this organisation. Allow it only if its owner \
             has asked you to.</p>{name}<form method=post action=/pair>\
             <label for=code>Code on the laptop</label>\
             <input id=code name=code class=code value=\"{code}\" required autocomplete=off maxlength=12>\
             <label for=rep>Mail address of the rep</label>\
             <input id=rep name=rep type=email value=\"{rep}\" autocomplete=off>\
             <label for=token>Administrator's token</label>\
             <input id=token name=token type=password required autocomplete=off>\
             <button name=decision value=allow>Allow</button><button name=decision value=deny>Turn away</button></form>"
        ),
    )
}

fn page(status: StatusCode, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Pair a laptop · Answerback</title><style>{STYLE}</style><h1>Pair a laptop</h1>{body}</html>"
    );
    let headers =
        [(CONTENT_SECURITY_POLICY, CSP), (REFERRER_POLICY, "no-referrer"), (CACHE_CONTROL, "no-store")];
    (status, headers, Html(html)).into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
