//! Addresses that are not mailed, in any campaign.

use axum::extract::State;
use axum::response::Response;
use maud::html;

use super::PAGE;
use super::answers::Before;
use super::layout::{PageError, Place, empty, page};
use super::session::Session;
use super::words::{reason, theirs, when};
use crate::extract::Params;
use crate::server::App;

/// The list.
pub async fn list(
    State(app): State<App>,
    session: Session,
    Params(Before { before }): Params<Before>,
) -> Result<Response, PageError> {
    let (list, last) = app.store.suppressions(&session.org, before.unwrap_or(i64::MAX), PAGE).await?;
    let body = html! {
        h1 { "Suppressed addresses" }
        p.lead { "No campaign mails them: somebody asked for it, complained, or the address does not exist. A rep who sees a mistake takes it back on the laptop." }
        @if list.is_empty() {
            (empty("No address is suppressed.", "They appear here when somebody opts out, complains or an address bounces."))
        } @else {
            div.card { table {
                thead { tr { th { "Address" } th { "Why" } th { "Since" } } }
                tbody { @for suppression in &list { tr {
                    td.wide { (theirs(&suppression.address)) }
                    td { (reason(&suppression.reason)) }
                    td { (when(suppression.since)) }
                } } }
            } }
            @if list.len() as i64 == PAGE {
                @if let Some(last) = last {
                    div.pages { span {} a href={ "/admin/suppressed?before=" (last) } rel="next" { "Older →" } }
                }
            }
        }
    };
    Ok(page(&session, Place::Suppressed, "Suppressed addresses", &body))
}
