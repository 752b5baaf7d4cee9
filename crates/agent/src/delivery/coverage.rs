//! Tells the backend how far each mailbox has been checked, at most once a minute and after a wake-up.
//!
//! A coverage report lets the backend clear the next step of a campaign, so it must never overtake an event: it is
//! read before the outbox is looked at, and sent only when the outbox was empty then.

use std::time::Duration;

use answerback_backend::{BackendError, Client, EventStatus, account_id};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::context::Context;
use crate::event::AgentEvent;
use crate::live::Check;

const EVERY: Duration = Duration::from_secs(60);

/// What the backend is to be told of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The account's id.
    id: String,
    /// Its address.
    address: String,
    /// What it is about.
    check: Check,
    /// Everything received before this has been judged; by the backend's clock.
    up_to: Timestamp,
}

/// The mailboxes that are checked further than the backend knows.
pub async fn due(context: &Context) -> Result<Vec<Report>, answerback_store::Error> {
    let (accounts, offset) = {
        let config = context.config();
        let live = context.live();
        let checked = |id: &str| live.accounts.get(id).and_then(|account| account.checked);
        let accounts: Vec<(String, String, Check)> = config
            .accounts
            .iter()
            .filter_map(|account| Some((account.id(), account.address.clone(), checked(&account.id())?)))
            .collect();
        (accounts, live.backend.clock_offset)
    };
    context
        .storage
        .brief(move |store| {
            let mut reports = Vec::new();
            for (id, address, check) in accounts {
                let rescan_due = store.account(&id)?.rescan_since.is_some();
                if let Some(up_to) = by_the_backends_clock(&check, rescan_due, offset) {
                    reports.push(Report { id, address, check, up_to });
                }
            }
            Ok(reports)
        })
        .await
}

/// What can be said of a check, by the backend's clock, whose lead over this computer's is `offset`. Nothing while mail is to be
/// looked at again for the sake of a send that became known after it was read, and nothing before the backend's clock
/// is known: a laptop whose clock is ahead would claim to have read what has not arrived yet.
fn by_the_backends_clock(
    check: &Check,
    rescan_due: bool,
    offset: Option<SignedDuration>,
) -> Option<Timestamp> {
    let offset = offset.filter(|_| !rescan_due)?;
    // Where they differ one of the clocks was set in between, and the smaller one claims less.
    let offset = check.clock_offset.map_or(offset, |then| then.min(offset));
    check.up_to.checked_add(offset).ok()
}

/// Remembers when it reported last.
#[derive(Debug, Default)]
pub struct Reporter {
    last: Option<Instant>,
}

impl Reporter {
    /// Reports at the next chance.
    pub fn hurry(&mut self) {
        self.last = None;
    }

    /// Reports, if the last report is long enough ago.
    pub async fn report(
        &mut self,
        context: &Context,
        client: &Client,
        reports: Vec<Report>,
    ) -> Result<Result<(), BackendError>, answerback_store::Error> {
        if reports.is_empty() || self.last.is_some_and(|last| last.elapsed() < EVERY) {
            return Ok(Ok(()));
        }
        let events: Vec<String> = reports
            .iter()
            .map(|r| {
                answerback_backend::coverage(account_id(&r.address), &r.address, r.up_to, r.check.folders)
            })
            .filter_map(|event| serde_json::to_string(&event).ok())
            .collect();
        // A failure waits its turn as well: coverage is no news when the backend is down.
        self.last = Some(Instant::now());
        let results = match client.push(&events).await {
            Ok(results) => results,
            Err(error) => return Ok(Err(error)),
        };
        for (report, result) in reports.into_iter().zip(results) {
            if result.status == EventStatus::Rejected {
                tracing::warn!(account = report.address, "The backend rejected a coverage report.");
                continue;
            }
            context.update_account(&report.id, |live| {
                live.checked = live.checked.filter(|newer| *newer != report.check);
            });
            context.tell(AgentEvent::Coverage {
                account: report.address,
                checked_up_to: report.up_to.to_string(),
                folders: report.check.folders,
            });
        }
        Ok(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_reported_by_the_backends_clock_or_not_at_all() {
        let at = |time: &str| -> Timestamp { format!("2026-11-20T{time}:00Z").parse().unwrap() };
        let minutes = |m: Option<i64>| m.map(SignedDuration::from_mins);
        let cases = [
            // (checked up to, the backend's lead then, and now, mail is looked at again, reported)
            ("12:00", Some(0), Some(0), false, Some("12:00")),
            ("12:00", Some(0), Some(0), true, None),
            ("12:00", None, None, false, None),
            ("12:00", None, Some(-60), false, Some("11:00")),
            // A laptop ahead or behind all the time.
            ("12:00", Some(-60), Some(-60), false, Some("11:00")),
            ("12:00", Some(60), Some(60), false, Some("13:00")),
            // Its clock was set right in between.
            ("12:00", Some(-60), Some(0), false, Some("11:00")),
            ("12:00", Some(60), Some(0), false, Some("12:00")),
        ];
        for (up_to, then, now, rescan_due, expected) in cases {
            let check = Check { up_to: at(up_to), folders: 3, clock_offset: minutes(then) };
            let said = by_the_backends_clock(&check, rescan_due, minutes(now));
            assert_eq!(said, expected.map(at), "{up_to} {then:?} {now:?} {rescan_due}");
        }
    }
}
