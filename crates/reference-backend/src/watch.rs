//! Wakes the long polls: when this process changes something at once, when another does within [`POLL`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::store::Store;

/// How often the database is asked for what other processes changed.
pub const POLL: Duration = Duration::from_secs(1);
/// Clocks of two machines on one database differ by less.
const OVERLAP: SignedDuration = SignedDuration::from_secs(10);

/// One rep's feed in one organisation.
type Feed = (String, String);

/// The feeds that somebody waits for.
#[derive(Clone, Debug, Default)]
pub struct Feeds {
    waiting: Arc<Mutex<HashMap<Feed, watch::Sender<i64>>>>,
}

impl Feeds {
    /// Becomes ready when the feed changes after this call.
    pub fn subscribe(&self, org: &str, rep: &str) -> watch::Receiver<i64> {
        let mut waiting = self.lock();
        let feed = waiting.entry((org.to_owned(), rep.to_owned())).or_insert_with(|| watch::Sender::new(0));
        feed.subscribe()
    }

    /// Wakes those who wait for these reps' feeds.
    pub fn wake(&self, org: &str, reps: &[String]) {
        let waiting = self.lock();
        for rep in reps {
            if let Some(feed) = waiting.get(&(org.to_owned(), rep.clone())) {
                feed.send_modify(|_| ());
            }
        }
    }

    /// Watches the database for what other processes change, until it is cancelled.
    pub async fn follow(self, store: Store, stop: CancellationToken) {
        let mut since = Timestamp::now();
        let mut ticks = tokio::time::interval(POLL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if !self.forget_unwatched() {
                since = Timestamp::now();
                continue;
            }
            let asked = Timestamp::now();
            match store.feeds_changed_since(since.checked_sub(OVERLAP).unwrap_or(since)).await {
                Ok(changed) => {
                    since = asked;
                    for (org, rep, seq) in changed {
                        if let Some(feed) = self.lock().get(&(org, rep)) {
                            feed.send_if_modified(|seen| std::mem::replace(seen, seq) != seq);
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "the feeds could not be watched"),
            }
        }
    }

    /// Drops what nobody waits for; tells whether anything is left.
    fn forget_unwatched(&self) -> bool {
        let mut waiting = self.lock();
        waiting.retain(|_, feed| feed.receiver_count() > 0);
        !waiting.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Feed, watch::Sender<i64>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
