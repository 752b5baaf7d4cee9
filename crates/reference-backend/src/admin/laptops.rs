//! Laptops: which are paired, how far their mailboxes are checked, letting one in, revoking one.

use std::net::SocketAddr;

use axum::Form;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{PageError, Place, empty, page, page_with};
use super::overview::is_silent;
use super::session::Session;
use super::words::{ago, theirs, when};
use crate::extract::Params;
use crate::server::App;

/// The laptops and the mailboxes.
pub async fn list(State(app): State<App>, session: Session) -> Result<Response, PageError> {
    let now = Timestamp::now();
    let laptops = app.store.laptops(&session.org).await?;
    let coverage = app.store.coverage(&session.org).await?;
    let body = html! {
        h1 { "Laptops" }
        p.lead { "Each rep's laptop watches that rep's own mailbox. " a href="/pair" { "Pair a laptop" } }
        h2 { "Paired" }
        @if laptops.is_empty() {
            (empty("No laptop is paired.", "Choose “Pair this laptop” in Answerback on a laptop, then enter its code here."))
        } @else {
            div.card { table {
                thead { tr { th { "Laptop" } th { "Rep" } th { "Paired" } th { "State" } th {} } }
                tbody { @for laptop in &laptops { tr {
                    td { (theirs(&laptop.name)) }
                    td { (theirs(&laptop.rep)) }
                    td { (when(laptop.paired_at)) }
                    td {
                        @if let Some(revoked) = laptop.revoked_at { span.badge.bad { "revoked" } " " small { (when(revoked)) } }
                        @else { span.badge.good { "paired" } }
                    }
                    td { @if laptop.revoked_at.is_none() {
                        form.inline method="post" action="/admin/laptops/revoke" {
                            (session.field())
                            input type="hidden" name="id" value=(laptop.id);
                            button.danger { "Revoke" }
                        }
                    } }
                } } }
            } }
        }
        h2 { "Mailboxes" }
        @if coverage.is_empty() {
            (empty("No mailbox was checked yet.", "A laptop reports once its first check is done."))
        } @else {
            div.card { table {
                thead { tr { th { "Mailbox" } th { "Rep" } th { "Checked up to" } th.number { "Folders" } } }
                tbody { @for mailbox in &coverage { tr {
                    td { (theirs(&mailbox.address)) }
                    td { (theirs(&mailbox.rep)) }
                    td {
                        (when(mailbox.checked_up_to)) " "
                        @if is_silent(mailbox, now) { span.badge.warn { "silent" } " " }
                        small { (ago(mailbox.checked_up_to, now)) }
                    }
                    td.number { (mailbox.folders) }
                } } }
            } }
        }
    };
    Ok(page(&session, Place::Laptops, "Laptops", &body))
}

/// Which laptop.
#[derive(Deserialize)]
pub struct Which {
    form_token: String,
    id: String,
}

/// Revokes a laptop.
pub async fn revoke(
    State(app): State<App>,
    session: Session,
    Form(Which { form_token, id }): Form<Which>,
) -> Result<Response, PageError> {
    session.check(&form_token)?;
    app.store.revoke_laptop(&session.org, &id, Timestamp::now()).await?;
    Ok(Redirect::to("/admin/laptops").into_response())
}

/// A code that came with the link.
#[derive(Debug, Deserialize)]
pub struct Link {
    code: Option<String>,
}

/// What the administrator decided.
#[derive(Deserialize)]
pub struct Decision {
    form_token: String,
    code: String,
    #[serde(default)]
    rep: String,
    decision: String,
}

/// Asks for the code and the rep.
pub async fn ask(
    State(app): State<App>,
    session: Session,
    Params(Link { code }): Params<Link>,
) -> Result<Response, PageError> {
    let code = code.unwrap_or_default();
    let name = app.store.pending_pairing(&code, Timestamp::now()).await?;
    Ok(form(StatusCode::OK, &session, &code, "", name.as_deref(), None))
}

/// Lets the laptop in, or not.
pub async fn decide(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    session: Session,
    Form(decision): Form<Decision>,
) -> Result<Response, PageError> {
    // Codes are short; nobody gets to try them out.
    app.strangers(peer, &headers)?;
    let Decision { form_token, code, rep, decision } = decision;
    session.check(&form_token)?;
    let now = Timestamp::now();
    let again = |status, why: &str| Ok(form(status, &session, &code, &rep, None, Some(why)));
    let allow = decision == "allow";
    if allow && !rep.contains('@') {
        return again(StatusCode::BAD_REQUEST, "Type in the rep's mail address.");
    }
    if !app.store.decide_pairing(&code, &session.org, allow.then_some(rep.as_str()), now).await? {
        return again(
            StatusCode::NOT_FOUND,
            "No laptop waits with this code. It may have taken more than 15 minutes.",
        );
    }
    let text = if allow { "The laptop is paired." } else { "The laptop was turned away." };
    let body = html! {
        h1 { "Pair a laptop" }
        div.notice.good role="status" { (text) }
        // On the laptop itself this brings the rep back to the app, which then asks at once.
        @if allow { p { a href=(format!("answerback://pair?code={}", code_only(&code))) { "Back to Answerback" } } }
        p { a href="/admin/laptops" { "To the laptops" } }
    };
    Ok(page(&session, Place::Laptops, "Pair a laptop", &body))
}

/// What was typed in, as far as a code may hold it.
fn code_only(typed: &str) -> String {
    typed.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

fn form(
    status: StatusCode,
    session: &Session,
    code: &str,
    rep: &str,
    name: Option<&str>,
    problem: Option<&str>,
) -> Response {
    let body = html! {
        h1 { "Pair a laptop" }
        p.lead { "A laptop shows a code and wants to report replies to this organisation. Allow it only if its owner has asked you to." }
        @if let Some(problem) = problem { div.notice.bad role="alert" { (problem) } }
        @if let Some(name) = name { div.notice { "It calls itself " strong { (theirs(name)) } "." } }
        form.card.padded method="post" action="/pair" { (fields(session, code, rep)) }
    };
    page_with(status, session, Place::Laptops, "Pair a laptop", &body)
}

fn fields(session: &Session, code: &str, rep: &str) -> Markup {
    html! {
        (session.field())
        label for="code" { "Code on the laptop" }
        input.code #code type="text" name="code" value=(code) required autocomplete="off" maxlength="12" placeholder="BCDF-GHJK";
        label for="rep" { "Mail address of the rep" }
        input #rep type="email" name="rep" value=(rep) autocomplete="off" placeholder="rep@sales.example";
        p.hint { "The laptop gets this rep's tracked mails and reports answers to them." }
        div.actions {
            button.main name="decision" value="allow" { "Allow" }
            button.danger name="decision" value="deny" { "Turn away" }
        }
    }
}
