//! Keeps the tracked sends and the organisation's policy in step with the backend.

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
use crate::view::Problem;

/// Sends a page.
const PAGE: u32 = 1000;
/// How long the backend may hold a request open until something changes.
const LONG_POLL: Duration = Duration::from_secs(50);
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// How often the policy is asked for; with its ETag that costs next to nothing.
const POLICY_EVERY: Duration = Duration::from_secs(600);

/// Follows the feed until it is stopped.
pub async fn follow_feed(context: Arc<Context>, client: Client, url: String, stop: CancellationToken) {
    let mut backoff = Backoff::up_to(LONGEST_WAIT);
    let mut policy = PolicyWatch::default();
    let mut resync: Option<HashSet<String>> = None;
    loop {
        let mut hurry = context.hurry.subscribe();
        let step = async {
            policy.refresh(&context, &client).await?;
            read_page(&context, &client, &mut resync).await
        };
        let failed = tokio::select! {
            () = stop.cancelled() => return,
            // A request that was sent before the laptop slept would hang until its timeout.
            _ = hurry.changed() => { backoff.reset(); continue }
            result = step => result.err(),
        };
        let Some(failure) = failed else {
            backoff.reset();
            connection::answered(&context, &client, &url);
            continue;
        };
        let (problem, wait) = match &failure {
            Failure::Backend(error) => (Problem::of_backend(error, &url), error.retry_after()),
            Failure::Store(error) => (Problem::of_store(error, &context.store_file), None),
        };
        let give_up = connection::failed(&context, &url, problem);
        let wait = backoff.next(jitter(), wait);
        let again =
            async { if give_up { std::future::pending().await } else { tokio::time::sleep(wait).await } };
        tokio::select! {
            () = stop.cancelled() => return,
            () = again => {}
            _ = hurry.changed() => backoff.reset(),
        }
    }
}

enum Failure {
    Backend(BackendError),
    Store(answerback_store::Error),
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}

impl From<answerback_store::Error> for Failure {
    fn from(error: answerback_store::Error) -> Self {
        Self::Store(error)
    }
}

/// Reads one page and applies it. `resync` holds the ids seen while everything is read anew; when that is through,
/// sends that the backend no longer names are removed.
async fn read_page(
    context: &Context,
    client: &Client,
    resync: &mut Option<HashSet<String>>,
) -> Result<(), Failure> {
    let cursor = context.storage.call(|store| store.sends_cursor()).await?;
    // Held open, the first answer after a start or a failure would come only with news, and the rep would read
    // "connecting" until then; after a wake-up coverage waits for the backend's clock.
    let in_touch = context.live().backend.is_in_touch();
    let wait = if in_touch && *context.sends_known.borrow() { LONG_POLL } else { Duration::ZERO };
    if cursor.is_none() && resync.is_none() {
        *resync = Some(HashSet::new());
    }
    let page = match client.sends(cursor.as_deref(), PAGE, wait).await {
        Err(BackendError::Gone) => {
            // The cursor is too old for the backend. Reading everything anew repeats no verdict and loses none.
            context.storage.call(|store| store.forget_sends_cursor()).await?;
            *resync = Some(HashSet::new());
            return Ok(());
        }
        page => page?,
    };
    let has_more = page.has_more;
    if let Some(seen) = resync {
        seen.extend(page.sends.iter().map(|send| send.id.clone()));
    }
    apply(context, page).await?;
    if !has_more {
        if let Some(seen) = resync.take() {
            let gone = context.storage.call(move |store| store.retain_sends(&seen)).await?;
            context.change_sends(|sends| gone.iter().for_each(|id| sends.remove(id)));
        }
        context.sends_known.send_replace(true);
    }
    Ok(())
}

/// On disk first, then in memory, then the accounts look again where an answer may have been read already.
async fn apply(context: &Context, page: SendsPage) -> Result<(), Failure> {
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
