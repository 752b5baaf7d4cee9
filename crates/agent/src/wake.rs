//! Notices that the laptop slept: every connection is dead then, though nothing has said so. Ends a pause in time.

use std::time::{Duration, Instant};

use answerback_mailbox::{WakeDetector, until_next_look};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::agent::pause;
use crate::context::Context;

const TICK: Duration = Duration::from_secs(10);

/// Watches the clocks until it is stopped.
pub async fn watch_clock(context: &Context, stop: CancellationToken) {
    let mut detector = WakeDetector::new(Timestamp::now(), Instant::now());
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(until_next_look(Timestamp::now(), TICK)) => {}
        }
        pause::resume_when_due(context, Timestamp::now()).await;
        if detector.slept(Timestamp::now(), Instant::now()).is_some() {
            tracing::info!("The laptop woke up; connecting anew.");
            context.live().forget_clocks();
            context.hurry.send_modify(|count| *count += 1);
        }
    }
}
