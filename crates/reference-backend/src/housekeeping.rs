//! Forgets by itself what is old, once an hour. Any number of copies may do it side by side.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::store::{Store, StoreError};

const EVERY: Duration = Duration::from_secs(60 * 60);

/// Works until it is cancelled. `forget_after_days` is how long what people wrote and what was sent is kept.
pub async fn keep_house(store: Store, forget_after_days: Option<u16>, stop: CancellationToken) {
    loop {
        if let Err(error) = clean(&store, forget_after_days, Timestamp::now()).await {
            tracing::warn!(%error, "housekeeping failed and is tried again in an hour");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// One round.
pub async fn clean(store: &Store, forget_after_days: Option<u16>, now: Timestamp) -> Result<(), StoreError> {
    store.forget_spent_tokens(now).await?;
    if let Some(days) = forget_after_days {
        let days = SignedDuration::from_hours(24 * i64::from(days));
        let before = now.checked_sub(days).unwrap_or(Timestamp::MIN);
        let forgotten = store.forget_before(before).await?;
        tracing::info!(
            events = forgotten.events,
            sends = forgotten.sends,
            removals = forgotten.removals,
            "what is old was forgotten"
        );
    }
    Ok(())
}
