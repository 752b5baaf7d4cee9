//! Keeps the tracked sends and the organisation's policy in step with the backend, or the sends with Salesforce.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use answerback_backend::{BackendError, Client, SendsPage};
use answerback_reply::TrackedSend;
use answerback_store::Store;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Change;
use crate::backoff::{Backoff, jitter};
use crate::connection;
use crate::context::Context;
use crate::judging::rescan_for;
use crate::link::{Link, LinkError};

/// Sends a page.
const PAGE: u32 = 1000;
/// How long the backend may hold a request open until something changes.
const LONG_POLL: Duration = Duration::from_secs(50);
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// How often the policy is asked for; with its ETag that costs next to nothing.
const POLICY_EVERY: Duration = Duration::from_secs(600);

/// Follows the feed until it is stopped.
pub async fn follow_feed(context: Arc<Context>, link: Link, url: String, stop: CancellationToken) {
    let mut backoff = Backoff::up_to(LONGEST_WAIT);
    let mut policy = PolicyWatch::default();
    let mut resync: Option<HashSet<String>> = None;
    let mut at_once = true;
    loop {
        let mut hurry = context.hurry.subscribe();
        let step = async {
            if let Link::Backend(client) = &link {
                let asked = policy.refresh(&context, client).await;
                asked.map_err(|error| LinkError::of_backend(&error, &url))?;
            }
            read_page(&context, &link, &url, at_once, &mut resync).await
        };
        let result = tokio::select! {
            () = stop.cancelled() => return,
            // A request that was sent before the laptop slept would hang until its timeout.
            _ = hurry.changed() => { backoff.reset(); at_once = true; continue }
            result = step => result,
        };
        let LinkError { problem, retry_after } = match result {
            Ok(has_more) => {
                backoff.reset();
                at_once = has_more;
                connection::answered(&context, link.clock_offset(), &url);
                continue;
            }
            Err(error) => error,
        };
        let give_up = connection::failed(&context, &url, problem);
        let wait = backoff.next(jitter(), retry_after);
        // A sign-in to Salesforce may be made by another program; looking for it asks nobody but the keychain.
        let give_up = give_up && matches!(link, Link::Backend(_));
        let again =
            async { if give_up { std::future::pending().await } else { tokio::time::sleep(wait).await } };
        tokio::select! {
            () = stop.cancelled() => return,
            () = again => {}
            _ = hurry.changed() => backoff.reset(),
        }
    }
}

/// Reads one page and applies it; gives whether there is more at once. `resync` holds the ids seen while everything is read anew; when that is through,
/// sends that are no longer named are removed.
async fn read_page(
    context: &Context,
    link: &Link,
    url: &str,
    at_once: bool,
    resync: &mut Option<HashSet<String>>,
) -> Result<bool, LinkError> {
    let of_store = |error| LinkError::of_store(&error, &context.store_file);
    let cursor = context.storage.call(|store| store.sends_cursor()).await.map_err(of_store)?;
    // Held open, the first answer after a start or a failure would come only with news, and the rep would read
    // "connecting" until then; after a wake-up coverage waits for the backend's clock.
    let in_touch = context.live().backend.is_in_touch();
    let hold = in_touch && !at_once && *context.sends_known.borrow();
    let wait = if hold { LONG_POLL } else { Duration::ZERO };
    if cursor.is_none() && resync.is_none() {
        *resync = Some(HashSet::new());
    }
    let Some(page) = link.sends(context, url, cursor.as_deref(), PAGE, wait).await? else {
        // Reading everything anew repeats no verdict and loses none.
        context.storage.call(|store| store.forget_sends_cursor()).await.map_err(of_store)?;
        *resync = Some(HashSet::new());
        return Ok(true);
    };
    let has_more = page.has_more;
    if let Some(seen) = resync {
        seen.extend(page.sends.iter().map(|send| send.id.clone()));
    }
    apply(context, page).await.map_err(of_store)?;
    if !has_more {
        if let Some(seen) = resync.take() {
            let gone =
                context.storage.call(move |store| store.retain_sends(&seen)).await.map_err(of_store)?;
            context.change_sends(|sends| gone.iter().for_each(|id| sends.remove(id)));
        }
        context.sends_known.send_replace(true);
    }
    Ok(has_more)
}

/// On disk first, then in memory, then the accounts look again where an answer may have been read already.
async fn apply(context: &Context, page: SendsPage) -> Result<(), answerback_store::Error> {
    let SendsPage { sends, removed, next_cursor, .. } = page;
    let now = Timestamp::now();
    let read: Vec<(String, Option<Timestamp>)> =
        context.live().accounts.iter().map(|(id, live)| (id.clone(), live.newest_read)).collect();
    let (sends, removed, rescans) = context
        .storage
        .call(move |store| {
            let new = news(store, &sends)?;
            let rescans: Vec<(String, Timestamp)> = read
                .into_iter()
                .filter_map(|(account, newest_read)| Some((account, rescan_for(&new, newest_read, now)?)))
                .collect();
            store.apply_sends(&sends, &removed, &next_cursor, &rescans)?;
            Ok((sends, removed, rescans.len()))
        })
        .await?;
    context.change_sends(|index| {
        sends.iter().for_each(|send| index.insert(send));
        removed.iter().for_each(|id| index.remove(id));
    });
    if rescans > 0 {
        context.rescans.send_modify(|count| *count += 1);
    }
    if !sends.is_empty() || !removed.is_empty() {
        context.changed(Change::Backend);
    }
    Ok(())
}

/// The sends that are new, or that mail can be recognised by in a new way.
fn news(store: &Store, sends: &[TrackedSend]) -> Result<Vec<TrackedSend>, answerback_store::Error> {
    let mut news = Vec::new();
    for send in sends {
        let known = store.send(&send.id)?;
        let same = known.is_some_and(|known| {
            known.message_ids == send.message_ids
                && known.marker == send.marker
                && known.sent_at == send.sent_at
        });
        if !same {
            news.push(send.clone());
        }
    }
    Ok(news)
}

/// Asks for the organisation's policy now and then.
#[derive(Default)]
struct PolicyWatch {
    etag: Option<String>,
    asked: Option<Instant>,
}

impl PolicyWatch {
    async fn refresh(&mut self, context: &Context, client: &Client) -> Result<(), BackendError> {
        if self.asked.is_some_and(|asked| asked.elapsed() < POLICY_EVERY) {
            return Ok(());
        }
        if let Some(answer) = client.policy(self.etag.as_deref()).await? {
            context.set_organisation(answer.policy);
            self.etag = answer.etag;
        }
        self.asked = Some(Instant::now());
        Ok(())
    }
}
