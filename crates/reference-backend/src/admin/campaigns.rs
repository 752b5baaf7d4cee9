//! Campaigns, and the people in one.

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::PAGE;
use super::answers::person_path;
use super::layout::{PageError, Place, empty, page, pages};
use super::session::Session;
use super::words::{person, state, theirs, when};
use crate::extract::Params;
use crate::problem::ApiError;
use crate::server::App;
use crate::store::overview::CampaignSummary;

const CAMPAIGNS: i64 = 25;
const LAST_PAGE: i64 = 10_000;

/// Where in the list.
#[derive(Debug, Deserialize)]
pub struct Position {
    page: Option<i64>,
}

/// The campaigns.
pub async fn list(
    State(app): State<App>,
    session: Session,
    Params(Position { page: at }): Params<Position>,
) -> Result<Response, PageError> {
    let at = at.unwrap_or(0).clamp(0, LAST_PAGE);
    let mut campaigns =
        app.store.campaigns(&session.org, at * CAMPAIGNS, CAMPAIGNS + 1, Timestamp::now()).await?;
    let more = campaigns.len() as i64 > CAMPAIGNS;
    campaigns.truncate(CAMPAIGNS as usize);
    let body = html! {
        h1 { "Campaigns" }
        @if campaigns.is_empty() {
            (empty("There are no campaigns yet.", "They appear with the first tracked mail that your platform sends here."))
        } @else {
            div.card { table {
                thead { tr {
                    th { "Campaign" } th.number { "People" } th.number { "Active" } th.number { "Paused" } th.number { "Stopped" } th { "Last step" }
                } }
                tbody { @for campaign in &campaigns { (row(campaign)) } }
            } }
        }
        (pages("/admin/campaigns?", at, more))
    };
    Ok(page(&session, Place::Campaigns, "Campaigns", &body))
}

fn row(campaign: &CampaignSummary) -> Markup {
    let active = (campaign.people - campaign.paused - campaign.stopped).max(0);
    html! {
        tr {
            td.wide {
                a href=(path(&campaign.id, None)) { (theirs(campaign.name.as_deref().unwrap_or(&campaign.id))) }
                @if campaign.finished { " " span.badge { "finished" } }
                @if campaign.name.is_some() { br; small { (theirs(&campaign.id)) } }
            }
            td.number { (campaign.people) }
            td.number { @if campaign.finished { "–" } @else { (active) } }
            td.number { (campaign.paused) }
            td.number { (campaign.stopped) }
            td { @if let Some(sent) = campaign.last_sent_at { (when(sent)) } }
        }
    }
}

/// Whom to show of a campaign.
#[derive(Debug, Deserialize)]
pub struct Shown {
    id: String,
    state: Option<String>,
    page: Option<i64>,
}

/// The people in a campaign.
pub async fn show(
    State(app): State<App>,
    session: Session,
    Params(Shown { id, state: wanted, page: at }): Params<Shown>,
) -> Result<Response, PageError> {
    let (org, now) = (&session.org, Timestamp::now());
    let name = app.store.campaign_name(org, &id).await?;
    let name = name.ok_or(ApiError::NotFound("There is no such campaign."))?;
    let wanted = wanted.as_deref().filter(|state| ["stopped", "paused"].contains(state));
    let at = at.unwrap_or(0).clamp(0, LAST_PAGE);
    let mut people = app.store.people(org, &id, wanted, at * PAGE, PAGE + 1, now).await?;
    let more = people.len() as i64 > PAGE;
    people.truncate(PAGE as usize);
    let filter = |state: Option<&str>, name: &str| {
        html! { a href=(path(&id, state)) aria-current=[(state == wanted).then_some("true")] { (name) } }
    };
    let body = html! {
        h1 { (theirs(name.as_deref().unwrap_or(&id))) }
        @if name.is_some() { p.lead { "Id " (theirs(&id)) } }
        div.filters { (filter(None, "Everybody")) (filter(Some("stopped"), "Stopped")) (filter(Some("paused"), "Paused")) }
        @if people.is_empty() {
            (empty("Nobody.", "There is no one in this state."))
        } @else {
            div.card { table {
                thead { tr { th { "Person" } th { "State" } th { "Last mail" } th { "Sent" } } }
                tbody { @for shown in &people { tr {
                    td.wide { a href=(person_path(&id, &shown.prospect)) { (person(shown)) } }
                    td { (state(&shown.state)) }
                    td.wide { @if let Some(subject) = shown.last_send.as_ref().and_then(|s| s.subject.as_deref()) { (theirs(subject)) } }
                    td { @if let Some(send) = &shown.last_send { (when(send.sent_at)) } }
                } } }
            } }
        }
        (pages(&format!("{}&", path(&id, wanted)), at, more))
    };
    Ok(page(&session, Place::Campaigns, "Campaign", &body))
}

fn path(id: &str, state: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("id", id);
    if let Some(state) = state {
        query.append_pair("state", state);
    }
    format!("/admin/campaign?{}", query.finish())
}
