//! Who answered, the newest first.

use answerback_backend::{EventData, EventType};
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::PAGE;
use super::layout::{PageError, Place, empty, page};
use super::session::Session;
use super::words::{headline, relation, theirs, when, why};
use crate::extract::Params;
use crate::server::App;
use crate::store::overview::ReceivedEvent;

/// Where to go on.
#[derive(Debug, Deserialize)]
pub struct Before {
    pub(super) before: Option<i64>,
}

/// A page of answers.
pub async fn list(
    State(app): State<App>,
    session: Session,
    Params(Before { before }): Params<Before>,
) -> Result<Response, PageError> {
    let before = before.unwrap_or(i64::MAX);
    let mut events = app.store.newest_events(&session.org, EventType::Log, before, PAGE + 1).await?;
    let more = events.len() as i64 > PAGE;
    events.truncate(PAGE as usize);
    let last = events.last().map_or(0, |event| event.seq);
    let body = html! {
        h1 { "Answers" }
        p.lead { "Every message that was found to answer a tracked mail, with the reasons. Also those that came after a campaign had ended." }
        (table(&events, Timestamp::now()))
        @if more { div.pages { span {} a href={ "/admin/answers?before=" (last) } rel="next" { "Older →" } } }
    };
    Ok(page(&session, Place::Answers, "Answers", &body))
}

/// Answers as a table.
pub fn table(events: &[ReceivedEvent], now: Timestamp) -> Markup {
    if events.is_empty() {
        return empty("Nobody has answered yet.", "Answers appear here as soon as a laptop finds one.");
    }
    html! {
        div.card { table {
            thead { tr { th { "What came" } th { "Why it is an answer" } th { "Campaign" } th { "When" } } }
            tbody { @for event in events { (row(event, now)) } }
        } }
    }
}

fn row(received: &ReceivedEvent, now: Timestamp) -> Markup {
    let log = received.event.as_ref().and_then(|event| match &event.data {
        EventData::Log(log) => Some(log),
        _ => None,
    });
    let arrived = log.and_then(|log| log.reply.received_at).unwrap_or(received.received_at);
    html! {
        tr {
            td.wide {
                a href=(person_path(&received.campaign, &received.prospect)) { (headline(received)) }
                @if received.retracted { " " span.badge { "taken back" } }
                @if let Some(relation_of) = log.and_then(|log| log.relation) { br; small { (relation(relation_of)) } }
                @if let Some(subject) = log.and_then(|log| log.reply.subject.as_deref()) { br; small { (theirs(subject)) } }
            }
            td.wide { @if let Some(event) = &received.event { (why(event)) } }
            td { @if received.campaign.is_empty() { span.quiet { "none" } } @else { (theirs(&received.campaign)) } }
            td { (when(arrived.min(now))) br; small { (theirs(&received.rep)) } }
        }
    }
}

/// The page of a prospect in a campaign.
pub fn person_path(campaign: &str, prospect: &str) -> String {
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("campaign", campaign)
        .append_pair("prospect", prospect)
        .finish();
    format!("/admin/person?{query}")
}
