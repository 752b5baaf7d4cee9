//! Tells the backend how far each mailbox has been checked, at most once a minute and after a wake-up.
//!
//! A coverage report lets the backend clear the next step of a campaign, so it must never overtake an event: it is
//! read before the outbox is looked at, and sent only when the outbox was empty then.

use std::time::Duration;

use answerback_backend::{BackendError, Client, EventStatus, account_id};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::context::Context;
use crate::event::AgentEvent;

const EVERY: Duration = Duration::from_secs(60);

/// How far a mailbox has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The account's id.
    pub id: String,
    /// Its address.
    pub address: String,
    /// Everything received before this has been judged.
    pub up_to: Timestamp,
    /// How many folders that covers.
    pub folders: u32,
}

/// The mailboxes that are checked further than the backend knows.
pub async fn checked(context: &Context) -> Result<Vec<Checked>, answerback_store::Error> {
    let accounts: Vec<(String, String)> =
        context.config().accounts.iter().map(|account| (account.id(), account.address.clone())).collect();
    context
        .storage
        .call(move |store| {
            let mut all = Vec::new();
            for (id, address) in accounts {
                let state = store.account(&id)?;
                if let Some(up_to) =
                    state.checked_up_to.filter(|up_to| state.reported_up_to.is_none_or(|r| r < *up_to))
                {
                    all.push(Checked { id, address, up_to, folders: state.folders });
                }
            }
            Ok(all)
        })
        .await
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
        checked: Vec<Checked>,
    ) -> Result<Result<(), BackendError>, answerback_store::Error> {
        if checked.is_empty() || self.last.is_some_and(|last| last.elapsed() < EVERY) {
            return Ok(Ok(()));
        }
        let events: Vec<String> = checked
            .iter()
            .map(|c| answerback_backend::coverage(account_id(&c.address), &c.address, c.up_to, c.folders))
            .filter_map(|event| serde_json::to_string(&event).ok())
            .collect();
        // A failure waits its turn as well: coverage is no news when the backend is down.
        self.last = Some(Instant::now());
        let results = match client.push(&events).await {
            Ok(results) => results,
            Err(error) => return Ok(Err(error)),
        };
        for (checked, result) in checked.into_iter().zip(results) {
            if result.status == EventStatus::Rejected {
                tracing::warn!(account = checked.address, "The backend rejected a coverage report.");
                continue;
            }
            let (id, up_to) = (checked.id.clone(), checked.up_to);
            context.storage.call(move |store| store.set_reported_up_to(&id, up_to)).await?;
            context.tell(AgentEvent::Coverage {
                account: checked.address,
                checked_up_to: checked.up_to.to_string(),
                folders: checked.folders,
            });
        }
        Ok(Ok(()))
    }
}
