//! Salesforce: how it is, what is missing there, a test entry, and what becomes what.

use answerback_backend::crm::Finding;
use answerback_backend::salesforce::Settings;
use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{PageError, Place, empty, page};
use super::mapping::{self, Sent};
use super::session::{Bare, Session};
use super::words::theirs;
use crate::problem::ApiError;
use crate::server::App;
use crate::store::webhooks::{Webhook, WebhookState};
use crate::webhook::crm::Endpoint;
use crate::webhook::crm::SALESFORCE;

/// Campaigns whose ids are offered at most.
const OFFERED: i64 = 20;

/// The page.
pub async fn show(State(app): State<App>, session: Session) -> Result<Response, PageError> {
    if app.courier.crm(&session.org, SALESFORCE).is_none() {
        return Ok(page(&session, Place::Salesforce, "Salesforce", &not_connected(&session)));
    }
    render(&app, &session, None, &html! {}).await
}

/// Looks at what the integration user can do.
pub async fn check(
    State(app): State<App>,
    session: Session,
    Form(Bare { form_token }): Form<Bare>,
) -> Result<Response, PageError> {
    session.check(&form_token)?;
    let told = findings(&connected(&app, &session)?.0.check().await?);
    render(&app, &session, None, &told).await
}

/// Whose contact or lead the test entry is for.
#[derive(Deserialize)]
pub struct Trial {
    form_token: String,
    address: String,
}

/// Writes a test entry and removes it again.
pub async fn test(
    State(app): State<App>,
    session: Session,
    Form(Trial { form_token, address }): Form<Trial>,
) -> Result<Response, PageError> {
    session.check(&form_token)?;
    let told = match connected(&app, &session)?.0.trial(&address).await? {
        Ok(objects) => html! {
            div.notice.good role="status" { "A test entry was written (" (objects.join(", ")) ") and removed again." }
        },
        Err(problem) => html! { div.notice.bad role="alert" { (theirs(&problem)) } },
    };
    render(&app, &session, None, &told).await
}

/// Keeps what becomes what.
pub async fn save(
    State(app): State<App>,
    session: Session,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    session.check(&sent.form_token)?;
    let (salesforce, _) = connected(&app, &session)?;
    match sent.mapping() {
        Err(problem) => {
            let told = html! { div.notice.bad role="alert" { "Nothing was saved. " (theirs(&problem)) } };
            render(&app, &session, Some(sent), &told).await
        }
        Ok(mapping) => {
            app.store.keep_salesforce_mapping(&session.org, Some(&mapping)).await?;
            let told = html! {
                div.notice.good role="status" { "Saved. It holds from the next event on." }
                (findings(&salesforce.check().await?))
            };
            render(&app, &session, None, &told).await
        }
    }
}

/// Goes back to what the server's settings say.
pub async fn reset(
    State(app): State<App>,
    session: Session,
    Form(Bare { form_token }): Form<Bare>,
) -> Result<Response, PageError> {
    session.check(&form_token)?;
    app.store.keep_salesforce_mapping(&session.org, None).await?;
    Ok(Redirect::to("/admin/salesforce").into_response())
}

fn connected<'a>(app: &'a App, session: &Session) -> Result<(&'a Endpoint, &'a Settings), PageError> {
    let endpoint = app.courier.crm(&session.org, SALESFORCE);
    let connected = endpoint.and_then(|endpoint| Some((endpoint, endpoint.salesforce_settings()?)));
    Ok(connected.ok_or(ApiError::NotFound("Salesforce is not connected."))?)
}

async fn render(
    app: &App,
    session: &Session,
    sent: Option<Sent>,
    told: &Markup,
) -> Result<Response, PageError> {
    let ((salesforce, settings), now) = (connected(app, session)?, Timestamp::now());
    let endpoint =
        app.store.webhooks(&session.org).await?.into_iter().find(|webhook| webhook.id == SALESFORCE);
    let stored = app.store.salesforce_mapping(&session.org).await?.map(|(mapping, _)| mapping);
    let changed = stored.is_some();
    let filled = sent.unwrap_or_else(|| Sent::of(stored.as_ref().unwrap_or(&settings.mapping)));
    let (used, budget) = salesforce.requests(now).await?;
    let known = app.store.campaigns(&session.org, 0, OFFERED, now).await?;
    let body = html! {
        h1 { "Salesforce" }
        p.lead { "Answers are logged at whoever sent them, stops end campaigns and cadences, opt-outs are kept." }
        (told)
        div.card.padded {
            h2 { (theirs(&settings.url)) }
            dl.facts {
                @if let Some(endpoint) = &endpoint { (facts(endpoint)) }
                dt { "Requests today" } dd { (used) " of " (budget) }
            }
            div.actions {
                form.inline method="post" action="/admin/salesforce/check" { (session.field()) button.main { "Check permissions and fields" } }
            }
        }
        h2 { "Test entry" }
        form.card.padded method="post" action="/admin/salesforce/test" {
            (session.field())
            label for="address" { "Address of a contact or lead, your own for instance" }
            input #address type="email" name="address" required;
            p.hint { "An answer is logged there as any other would be, and removed at once. Automation of yours that starts with a new email or task starts with this one, too." }
            div.actions { button { "Write and remove" } }
        }
        h2 { "What becomes what" }
        (mapping::form(session, &filled, &known))
        @if changed {
            form.inline method="post" action="/admin/salesforce/reset" { (session.field()) div.actions { button { "Back to the server's settings" } } }
        }
    };
    Ok(page(session, Place::Salesforce, "Salesforce", &body))
}

fn facts(endpoint: &Webhook) -> Markup {
    html! {
        dt { "State" }
        dd { @match endpoint.state {
            WebhookState::Active => span.badge.good { "active" },
            WebhookState::Failing => { span.badge.warn { "failing" } " " small { "tried again by itself; the check says why" } },
            WebhookState::Disabled => { span.badge.bad { "disabled" } " " small { (endpoint.disabled_because.as_deref().unwrap_or_default()) } },
        } }
        dt { "Waiting" } dd { (endpoint.pending) }
        dt { "Given up" } dd { (endpoint.dead_letters) @if endpoint.dead_letters > 0 { " " a href="/admin/webhooks" { "See why" } } }
    }
}

fn findings(checked: &Result<Vec<Finding>, String>) -> Markup {
    match checked {
        Err(problem) => html! { div.notice.bad role="alert" { (theirs(problem)) } },
        Ok(findings) => html! {
            div.card role="status" { ul.findings { @for finding in findings { li {
                @if finding.good { span.badge.good { "ok" } } @else { span.badge.bad { "missing" } }
                span { (finding.text) }
            } } } }
            br;
        },
    }
}

fn not_connected(session: &Session) -> Markup {
    html! {
        h1 { "Salesforce" }
        (empty("Salesforce is not connected.", "Whoever runs this server adds it to its settings and starts it again:"))
        div.card.padded { pre { code {
            "[salesforce." (session.org) "]\n"
            "url = \"https://acme.my.salesforce.com\"\n"
            "client_id = \"3MVG9…\"\n"
            "client_secret = { file = \"/etc/answerback/salesforce-secret\" }"
        } } }
        p { "How to make the External Client App stands in the guide (docs/salesforce.md). Afterwards this page checks it." }
    }
}
