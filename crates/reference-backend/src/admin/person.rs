//! One prospect in one campaign: what was sent, what came back, and what that led to.

use answerback_backend::{EventData, GateState};
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{PageError, Place, page};
use super::session::Session;
use super::words::{headline, person, reason, relation, theirs, when, why};
use crate::extract::Params;
use crate::problem::ApiError;
use crate::server::App;
use crate::store::overview::{Person, ReceivedEvent};
use answerback_reply::TrackedSend;

const MOST: i64 = 200;

/// Who, and in which campaign.
#[derive(Debug, Deserialize)]
pub struct Who {
    campaign: String,
    prospect: String,
}

enum Entry<'a> {
    Sent(&'a TrackedSend),
    Came(&'a ReceivedEvent),
}

impl Entry<'_> {
    fn at(&self) -> Timestamp {
        match self {
            Self::Sent(send) => send.sent_at,
            Self::Came(event) => event.received_at,
        }
    }
}

/// Shows it.
pub async fn show(
    State(app): State<App>,
    session: Session,
    Params(Who { campaign, prospect }): Params<Who>,
) -> Result<Response, PageError> {
    let (org, now) = (&session.org, Timestamp::now());
    let sends = app.store.sends_to(org, &campaign, &prospect, MOST).await?;
    let events = app.store.events_about(org, &campaign, &prospect, MOST).await?;
    if sends.is_empty() && events.is_empty() {
        return Err(ApiError::NotFound("There is nobody of that id in that campaign.").into());
    }
    let gate = app.store.look_at_gate(org, &campaign, &prospect, now).await?;
    let (badge, words) = match gate.state {
        GateState::Clear => ("badge good", "may go out"),
        GateState::Hold => ("badge warn", "is held"),
        GateState::Paused => ("badge warn", "is paused"),
        GateState::Stopped => ("badge bad", "will not go out"),
    };
    let mut entries: Vec<Entry<'_>> =
        sends.iter().map(Entry::Sent).chain(events.iter().map(Entry::Came)).collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at()));
    let shown = Person {
        prospect: prospect.clone(),
        state: crate::enrolment::State::Active,
        last_send: sends.first().cloned(),
    };
    let name = sends.first().and_then(|s| s.campaign.as_ref()).and_then(|c| c.name.clone());
    let body = html! {
        h1 { (person(&shown)) }
        div.card.padded { dl.facts {
            dt { "Next step" }
            dd {
                span class=(badge) { (words) } " " span.quiet { (reason(&gate.because)) }
                @if let Some(until) = gate.until { " " span.quiet { "until " (when(until)) } }
            }
            dt { "Campaign" }
            dd { @if campaign.is_empty() { "none" } @else { (theirs(name.as_deref().unwrap_or(&campaign))) } }
            dt { "Mailbox checked up to" }
            dd { @if let Some(checked) = gate.checked_up_to { (when(checked)) } @else { span.quiet { "never" } } }
        } }
        h2 { "What happened" }
        div.card { ol.timeline { @for entry in &entries { (item(entry)) } } }
    };
    Ok(page(&session, Place::Campaigns, "Person", &body))
}

fn item(entry: &Entry<'_>) -> Markup {
    match entry {
        Entry::Sent(send) => html! {
            li {
                div.head {
                    strong { "Sent" @if let Some(step) = send.campaign.as_ref().and_then(|c| c.step) { " · step " (step) } }
                    @if let Some(from) = &send.from { span.quiet { "by " (theirs(from)) } }
                    (when(send.sent_at))
                }
                @if let Some(subject) = &send.subject { (theirs(subject)) }
            }
        },
        Entry::Came(received) => html! {
            li.undone[received.retracted] {
                div.head {
                    span { (headline(received)) }
                    @if received.retracted { span.badge { "taken back" } }
                    (when(received.received_at))
                }
                @if let Some(event) = &received.event {
                    @if let EventData::Log(log) = &event.data {
                        @if let Some(who) = log.relation { small { (relation(who)) } }
                        @if let Some(subject) = &log.reply.subject { div { (theirs(subject)) } }
                        @if let Some(text) = &log.reply.text { div.quiet { (theirs(text)) } }
                    }
                    (why(event))
                }
            }
        },
    }
}
