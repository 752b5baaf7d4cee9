//! Pushes the outbox, in order, until the backend has acknowledged it; then says how far the mailboxes are checked.

mod coverage;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use answerback_backend::{Client, Effect, EventStatus, Outcome, Pusher, Queued, Step};
use answerback_store::EventRow;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Change;
use crate::backoff::jitter;
use crate::connection;
use crate::context::Context;
use crate::event::AgentEvent;
use crate::view::Problem;

/// More than a batch holds, so that the pusher can choose.
const LOOK_AHEAD: u32 = 600;
/// Looks at the outbox and the coverage at least this often, whatever was or wasn't told.
const TICK: Duration = Duration::from_secs(15);

/// Delivers until it is stopped.
pub async fn deliver(context: Arc<Context>, client: Client, url: String, stop: CancellationToken) {
    let mut pusher = Pusher::default();
    let mut coverage = coverage::Reporter::default();
    loop {
        let mut hurry = context.hurry.subscribe();
        let wait = match step(&context, &client, &url, &mut pusher, &mut coverage).await {
            Ok(wait) => wait,
            Err(error) => {
                let problem = Problem::of_store(&error, &context.store_file);
                connection::failed(&context, &url, problem);
                TICK
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            // While the backend asks for a pause, new events don't shorten it.
            () = context.outbox.notified(), if pusher.failures() == 0 => {}
            _ = hurry.changed() => { pusher.hurry(); coverage.hurry(); }
        }
    }
}

/// One look at the outbox: pushes a batch, or reports coverage, or has nothing to do. How long to wait then.
async fn step(
    context: &Context,
    client: &Client,
    url: &str,
    pusher: &mut Pusher,
    coverage: &mut coverage::Reporter,
) -> Result<Duration, answerback_store::Error> {
    // Read before the outbox: what was checked up to this time has its events in the outbox already.
    let reports = coverage::due(context).await?;
    let waiting = context.storage.call(|store| store.waiting_events(LOOK_AHEAD)).await?;
    let queue: Vec<Queued> = waiting.iter().filter_map(queued).collect();
    match pusher.next(Timestamp::now(), &queue) {
        Step::Send(ids) => {
            let by_id = waiting.iter().filter_map(|event| Some((Uuid::parse_str(&event.id).ok()?, event)));
            push(context, client, url, pusher, &by_id.collect(), &ids).await
        }
        Step::Wait(wait) => Ok(wait.min(TICK)),
        Step::Idle if queue.is_empty() => {
            if let Err(error) = coverage.report(context, client, reports).await? {
                connection::failed(context, url, Problem::of_backend(&error, url));
            }
            Ok(TICK)
        }
        Step::Idle => Ok(TICK),
    }
}

fn queued(event: &EventRow) -> Option<Queued> {
    Some(Queued {
        id: Uuid::parse_str(&event.id).ok()?,
        send_id: Some(event.send_id.clone()).filter(|id| !id.is_empty()),
        bytes: event.json.len(),
    })
}

async fn push(
    context: &Context,
    client: &Client,
    url: &str,
    pusher: &mut Pusher,
    waiting: &HashMap<Uuid, &EventRow>,
    ids: &[Uuid],
) -> Result<Duration, answerback_store::Error> {
    let batch: Vec<&EventRow> = ids.iter().filter_map(|id| waiting.get(id).copied()).collect();
    let counted: Vec<String> = batch.iter().map(|event| event.id.clone()).collect();
    context.storage.call(move |store| store.count_attempt(&counted)).await?;
    let bodies: Vec<&str> = batch.iter().map(|event| event.json.as_str()).collect();
    let answer = client.push(&bodies).await;
    match &answer {
        Ok(_) => connection::answered(context, client, url),
        Err(error) => {
            connection::failed(context, url, Problem::of_backend(error, url));
        }
    }
    let results = answer.iter().flatten();
    let duplicates: HashSet<Uuid> = results
        .filter(|result| result.status == EventStatus::Duplicate)
        .filter_map(|result| result.id)
        .collect();
    let effects = pusher.answered(Outcome::from(answer), Timestamp::now(), jitter());
    let outcomes: Vec<(Uuid, answerback_store::Outcome)> = effects
        .into_iter()
        .map(|effect| match effect {
            Effect::Acknowledge(id) => (id, answerback_store::Outcome::Delivered),
            Effect::SetAside { id, reason } => (id, answerback_store::Outcome::Rejected(reason)),
        })
        .collect();
    let settled: Vec<_> = outcomes.iter().map(|(id, outcome)| (id.to_string(), outcome.clone())).collect();
    context.storage.call(move |store| store.settle(&settled, Timestamp::now())).await?;
    for (id, outcome) in outcomes {
        let Some(event) = waiting.get(&id) else { continue };
        tell(context, event, duplicates.contains(&id), outcome);
    }
    context.changed(Change::Backend);
    Ok(Duration::ZERO)
}

fn tell(context: &Context, event: &EventRow, duplicate: bool, outcome: answerback_store::Outcome) {
    let (status, reason) = match outcome {
        answerback_store::Outcome::Rejected(reason) => ("rejected", Some(reason)),
        answerback_store::Outcome::Delivered if duplicate => ("duplicate", None),
        answerback_store::Outcome::Delivered => ("accepted", None),
    };
    context.tell(AgentEvent::Pushed {
        id: event.id.clone(),
        event_type: event.event_type.clone(),
        send_id: event.send_id.clone(),
        status: status.to_owned(),
        reason,
    });
}
