//! Webhooks: where events are pushed to, and what could not be delivered.

use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{PageError, Place, empty, page};
use super::session::Session;
use super::words::{theirs, when};
use crate::api::webhooks::push_test;
use crate::problem::ApiError;
use crate::server::App;
use crate::store::deliveries::DeadLetter;
use crate::store::webhooks::{MOST_WEBHOOKS, Webhook, WebhookState};
use crate::webhook::crm::{CRMS, SALESFORCE};
use crate::webhook::schedule::Outcome;

const SHOWN_DEAD: i64 = 20;

/// The endpoints.
pub async fn list(State(app): State<App>, session: Session) -> Result<Response, PageError> {
    show(&app, &session, None).await
}

async fn show(app: &App, session: &Session, notice: Option<Markup>) -> Result<Response, PageError> {
    let mut all = Vec::new();
    for webhook in app.store.webhooks(&session.org).await? {
        let (dead, _) = app.store.dead_letters(&session.org, &webhook.id, 0, SHOWN_DEAD).await?;
        all.push((webhook, dead));
    }
    let body = html! {
        h1 { "Webhooks" }
        p.lead { "Each event is pushed to these addresses, signed, in order for each mail, and tried again for a day and a half." }
        @if let Some(notice) = notice { (notice) }
        @if all.is_empty() { (empty("There are no webhooks.", "Add one below, or have your platform pull events instead.")) }
        @for (webhook, dead) in &all { (endpoint(session, webhook, dead)) }
        h2 { "Add a webhook" }
        form.card.padded method="post" action="/admin/webhooks" {
            (session.field())
            label for="url" { "Address" }
            input #url type="url" name="url" required placeholder="https://crm.example.com/hooks/answerback";
            div.actions { button.main { "Add" } }
        }
    };
    Ok(page(session, Place::Webhooks, "Webhooks", &body))
}

fn endpoint(session: &Session, webhook: &Webhook, dead: &[DeadLetter]) -> Markup {
    let badge = match webhook.state {
        WebhookState::Active => html! { span.badge.good { "active" } },
        WebhookState::Failing => {
            html! { span.badge.warn { "failing" } " " small { "tried again by itself" } }
        }
        WebhookState::Disabled => html! {
            span.badge.bad { "disabled" } " " small { (webhook.disabled_because.as_deref().unwrap_or_default()) }
        },
    };
    // The server's settings make these and take them away.
    let is_crm = CRMS.contains(&webhook.id.as_str());
    let button = |action: &str, class: &str, name: &str, event: Option<&str>| {
        html! {
            form.inline method="post" action={ "/admin/webhooks/" (action) } {
                (session.field())
                input type="hidden" name="id" value=(webhook.id);
                @if let Some(event) = event { input type="hidden" name="event_id" value=(event); }
                button class=(class) { (name) }
            }
        }
    };
    html! {
        div.card.padded {
            h2 { (theirs(&webhook.url)) }
            dl.facts {
                dt { "State" } dd { (badge) }
                dt { "Waiting" } dd { (webhook.pending) }
                dt { "Given up" } dd { (webhook.dead_letters) }
                dt { "Since" } dd { (when(webhook.created_at)) }
            }
            @if webhook.id == SALESFORCE { p { a href="/admin/salesforce" { "Check it, and say what becomes what" } } }
            div.actions {
                @if !is_crm { (button("test", "", "Send a test", None)) }
                @if webhook.dead_letters > 0 { (button("redeliver", "", "Deliver all again", None)) }
                @if !is_crm { (button("remove", "danger", "Remove", None)) }
            }
        }
        @if !dead.is_empty() {
            h2 { "Given up" }
            div.card { table {
                thead { tr { th { "Event" } th { "Mail" } th { "What was wrong" } th { "Last tried" } th {} } }
                tbody { @for letter in dead { tr {
                    td { (letter.event_type) br; small { (letter.event_id) } }
                    td { (theirs(&letter.send_id)) }
                    td.wide { (theirs(letter.problem.as_deref().unwrap_or_default())) " " small { (letter.attempts) " attempts" } }
                    td { (when(letter.tried_at)) }
                    td { (button("redeliver", "", "Deliver again", Some(&letter.event_id))) }
                } } }
            } }
        }
    }
}

/// A new endpoint.
#[derive(Deserialize)]
pub struct Address {
    form_token: String,
    url: String,
}

/// Adds an endpoint and shows its secret this once.
pub async fn add(
    State(app): State<App>,
    session: Session,
    Form(Address { form_token, url }): Form<Address>,
) -> Result<Response, PageError> {
    session.check(&form_token)?;
    let notice = match app.courier.networks().check(&url) {
        Err(problem) => html! { div.notice.bad role="alert" { (problem) "." } },
        Ok(url) => match app.store.add_webhook(&session.org, url.as_str()).await? {
            None => {
                html! { div.notice.bad role="alert" { "An organisation has at most " (MOST_WEBHOOKS) " webhooks." } }
            }
            Some(made) => html! {
                div.notice.good role="status" {
                    "Added. Its secret, which is shown this once:"
                    code.secret { (made.secret) }
                }
            },
        },
    };
    show(&app, &session, Some(notice)).await
}

/// Which endpoint, and for what.
#[derive(Deserialize)]
pub struct Which {
    form_token: String,
    id: String,
    event_id: Option<String>,
}

/// Pushes a test event.
pub async fn test(
    State(app): State<App>,
    session: Session,
    Form(Which { form_token, id, .. }): Form<Which>,
) -> Result<Response, PageError> {
    session.check(&form_token)?;
    let endpoint = app.store.endpoint(&session.org, &id, Timestamp::now()).await?;
    let endpoint = endpoint.ok_or(ApiError::NotFound("There is no such webhook."))?;
    let attempt = push_test(&app.courier, &endpoint).await;
    let notice = if attempt.outcome == Outcome::Delivered {
        html! { div.notice.good role="status" { "The test was delivered." } }
    } else {
        html! { div.notice.bad role="alert" { "The test was not delivered. " (theirs(attempt.problem.as_deref().unwrap_or_default())) } }
    };
    show(&app, &session, Some(notice)).await
}

/// Delivers dead letters again.
pub async fn redeliver(
    State(app): State<App>,
    session: Session,
    Form(Which { form_token, id, event_id }): Form<Which>,
) -> Result<Response, PageError> {
    session.check(&form_token)?;
    app.store.redeliver(&session.org, &id, event_id.as_deref()).await?;
    app.courier.wake();
    Ok(Redirect::to("/admin/webhooks").into_response())
}

/// Removes an endpoint.
pub async fn remove(
    State(app): State<App>,
    session: Session,
    Form(Which { form_token, id, .. }): Form<Which>,
) -> Result<Response, PageError> {
    session.check(&form_token)?;
    app.store.remove_webhook(&session.org, &id).await?;
    Ok(Redirect::to("/admin/webhooks").into_response())
}
