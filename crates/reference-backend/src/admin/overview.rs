//! The first page: is all well, and what is new.

use answerback_backend::EventType;
use axum::extract::State;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::answers;
use super::layout::{PageError, Place, page};
use super::session::Session;
use super::words::{ago, reason, theirs};
use crate::server::App;
use crate::store::coverage::{AccountCoverage, SILENT_AFTER};

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
const NEWEST: i64 = 8;
const MOST_SILENT: usize = 10;

/// Shows it.
pub async fn show(State(app): State<App>, session: Session) -> Result<Response, PageError> {
    let (org, now) = (&session.org, Timestamp::now());
    let stops = app.store.stops_since(org, now.checked_sub(WEEK).unwrap_or_default()).await?;
    let coverage = app.store.coverage(org).await?;
    let webhooks = app.store.webhooks(org).await?;
    let newest = app.store.newest_events(org, EventType::Log, i64::MAX, NEWEST).await?;
    let silent: Vec<&AccountCoverage> = coverage.iter().filter(|c| is_silent(c, now)).collect();
    let dead: i64 = webhooks.iter().map(|webhook| webhook.dead_letters).sum();
    let answered: i64 = stops.iter().map(|(_, n)| n).sum();
    let body = html! {
        h1 { "Overview" }
        div.tiles {
            (tile("/admin/answers", answered, "campaigns stopped in 7 days", ""))
            (tile("/admin/laptops", coverage.len() as i64, "mailboxes watched", ""))
            (tile("/admin/laptops", silent.len() as i64, "mailboxes silent for a day", "warn"))
            (tile("/admin/webhooks", dead, "webhooks given up", "bad"))
        }
        @if !stops.is_empty() {
            p.quiet {
                "Why they were stopped: "
                @for (n, (why, count)) in stops.iter().enumerate() {
                    @if n > 0 { " · " }
                    (reason(why)) " " (count)
                }
            }
        }
        h2 { "Newest answers" }
        (answers::table(&newest, now))
        @if !silent.is_empty() {
            h2 { "Mailboxes that nobody checks" }
            p.lead { "The next step to their prospects is held, at most for the campaign's longest hold. Is the laptop off, or its password changed?" }
            div.card { table {
                thead { tr { th { "Mailbox" } th { "Rep" } th { "Checked up to" } } }
                tbody { @for coverage in silent.iter().take(MOST_SILENT) {
                    tr {
                        td { (theirs(&coverage.address)) }
                        td { (theirs(&coverage.rep)) }
                        td { (ago(coverage.checked_up_to, now)) }
                    }
                } }
            } }
        }
    };
    Ok(page(&session, Place::Overview, "Overview", &body))
}

/// Whether a mailbox has not been checked for too long.
pub fn is_silent(coverage: &AccountCoverage, now: Timestamp) -> bool {
    now.duration_since(coverage.checked_up_to).unsigned_abs() > SILENT_AFTER && coverage.checked_up_to < now
}

fn tile(path: &str, count: i64, what: &str, alarm: &str) -> Markup {
    let class = if count > 0 && !alarm.is_empty() { format!("tile {alarm}") } else { "tile".to_owned() };
    html! { a class=(class) href=(path) { strong { (count) } span { (what) } } }
}
