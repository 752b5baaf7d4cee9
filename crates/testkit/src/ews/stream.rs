//! Streamed notifications.

use std::time::Duration;

use futures::Stream;
use tokio::sync::watch;

use super::soap::{answer, success};

/// How often a stream says that it is still there.
const ALIVE_EVERY: Duration = Duration::from_secs(30);

/// What a stream listens to.
pub(super) struct Heard {
    /// Something came.
    pub(super) arrivals: watch::Receiver<u64>,
    /// The connection is to break off.
    pub(super) ended: watch::Receiver<u64>,
    /// The stream is to fall silent.
    pub(super) hung: watch::Receiver<u64>,
}

enum Turn {
    First,
    Later,
    Over,
}

/// Says at once that the stream is open, and then of each arrival. It ends after `limit`.
pub(super) fn parts(subscription: String, heard: Heard, limit: Duration) -> impl Stream<Item = String> {
    let until = tokio::time::Instant::now() + limit;
    futures::stream::unfold((Turn::First, heard), move |(turn, mut heard)| {
        let subscription = subscription.clone();
        async move {
            let (part, turn) = match turn {
                Turn::Over => return None,
                Turn::First => (status("OK"), Turn::Later),
                Turn::Later => tokio::select! {
                    biased;
                    // The connection breaks off, without a word.
                    _ = heard.ended.changed() => return None,
                    _ = heard.hung.changed() => std::future::pending().await,
                    () = tokio::time::sleep_until(until) => (status("Closed"), Turn::Over),
                    changed = heard.arrivals.changed() => match changed {
                        Ok(()) => (news(&subscription), Turn::Later),
                        Err(_) => return None,
                    },
                    () = tokio::time::sleep(ALIVE_EVERY) => (status("OK"), Turn::Later),
                },
            };
            Some((part, (turn, heard)))
        }
    })
}

fn status(status: &str) -> String {
    let content = format!("<m:ConnectionStatus>{status}</m:ConnectionStatus>");
    answer("GetStreamingEvents", &success("GetStreamingEvents", &content))
}

fn news(subscription: &str) -> String {
    let about = "<t:TimeStamp>2026-11-24T08:00:00Z</t:TimeStamp><t:ItemId Id=\"AAMk\" ChangeKey=\"CQ==\"/>\
        <t:ParentFolderId Id=\"AQMk\" ChangeKey=\"AQ==\"/>";
    let content = format!(
        "<m:Notifications><m:Notification><t:SubscriptionId>{subscription}</t:SubscriptionId><t:CreatedEvent>{about}</t:CreatedEvent>\
         <t:NewMailEvent>{about}</t:NewMailEvent></m:Notification></m:Notifications>"
    );
    answer("GetStreamingEvents", &success("GetStreamingEvents", &content))
}
