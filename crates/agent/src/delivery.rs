//! Pushes the outbox, in order, until it has been acknowledged; then tells the backend how far the mailboxes are checked.

mod coverage;
mod salesforce;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use answerback_backend::{Client, Effect, EventStatus, Outcome, Pusher, PusherConfig, Queued, Step};
use answerback_mailbox::until_next_look;
use answerback_store::EventRow;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::salesforce::Postponed;
use crate::Change;
use crate::backoff::jitter;
use crate::connection;
use crate::context::Context;
use crate::event::AgentEvent;
use crate::link::{Link, LinkError};
use crate::view::Problem;

/// More than a batch holds, so that the pusher can choose.
const LOOK_AHEAD: u32 = 600;
/// Looks at the outbox and the coverage at least this often, whatever was or wasn't told.
const TICK: Duration = Duration::from_secs(20);

fn until_next_tick() -> Duration {
    until_next_look(Timestamp::now(), TICK)
}

/// Delivers until it is stopped.
pub async fn deliver(context: Arc<Context>, link: Link, url: String, stop: CancellationToken) {
    let mut delivery = Delivery::new(link, url);
    loop {
        let mut hurry = context.hurry.subscribe();
        let wait = match delivery.step(&context).await {
            Ok(wait) => wait,
            Err(error) => {
                let problem = Problem::of_store(&error, &context.store_file);
                connection::failed(&context, &delivery.url, problem);
                until_next_tick()
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            // While the other side asks for a pause, new events don't shorten it.
            () = context.outbox.notified(), if delivery.pusher.failures() == 0 => {}
            _ = hurry.changed() => delivery.hurry(),
        }
    }
}

struct Delivery {
    link: Link,
    url: String,
    pusher: Pusher,
    coverage: coverage::Reporter,
    postponed: Postponed,
}

/// What came of a batch.
struct Answer {
    outcome: Outcome,
    error: Option<LinkError>,
}

impl Delivery {
    fn new(link: Link, url: String) -> Self {
        let pusher = match link {
            Link::Backend(_) => Pusher::default(),
            // Each event is several requests of its own there.
            Link::Salesforce(_) => Pusher::new(PusherConfig { max_events: 1, ..PusherConfig::default() }),
        };
        Self { link, url, pusher, coverage: coverage::Reporter::default(), postponed: Postponed::default() }
    }

    fn hurry(&mut self) {
        self.pusher.hurry();
        self.coverage.hurry();
        self.postponed = Postponed::default();
    }

    /// One look at the outbox: pushes a batch, or reports coverage, or has nothing to do. How long to wait then.
    async fn step(&mut self, context: &Context) -> Result<Duration, answerback_store::Error> {
        // Read before the outbox: what was checked up to this time has its events in the outbox already.
        let reports = coverage::due(context).await?;
        let waiting = context.storage.brief(|store| store.waiting_events(LOOK_AHEAD)).await?;
        let now = Timestamp::now();
        let mut queue: Vec<Queued> = waiting.iter().filter_map(queued).collect();
        queue.retain(|event| !self.postponed.holds(event, now));
        match (self.pusher.next(now, &queue), &self.link) {
            (Step::Send(ids), _) => self.push(context, &waiting, &ids).await,
            (Step::Wait(wait), _) => Ok(wait.min(until_next_tick())),
            (Step::Idle, Link::Backend(client)) if queue.is_empty() => {
                if let Err(error) = self.coverage.report(context, client, reports).await? {
                    connection::failed(context, &self.url, Problem::of_backend(&error, &self.url));
                }
                Ok(until_next_tick())
            }
            (Step::Idle, _) => Ok(until_next_tick()),
        }
    }

    async fn push(
        &mut self,
        context: &Context,
        waiting: &[EventRow],
        ids: &[Uuid],
    ) -> Result<Duration, answerback_store::Error> {
        let by_id: HashMap<Uuid, &EventRow> =
            waiting.iter().filter_map(|event| Some((Uuid::parse_str(&event.id).ok()?, event))).collect();
        let batch: Vec<&EventRow> = ids.iter().filter_map(|id| by_id.get(id).copied()).collect();
        let counted: Vec<String> = batch.iter().map(|event| event.id.clone()).collect();
        context.storage.brief(move |store| store.count_attempt(&counted)).await?;
        let Answer { outcome, error } = match (&self.link, batch.as_slice()) {
            (Link::Backend(client), _) => push_batch(client, &batch, &self.url).await,
            (Link::Salesforce(direct), [event]) => {
                self.postponed.write(context, direct, event, waiting).await?
            }
            (Link::Salesforce(_), _) => Answer { outcome: Outcome::Postponed, error: None },
        };
        match error {
            None => connection::answered(context, self.link.clock_offset(), &self.url),
            Some(error) => drop(connection::failed(context, &self.url, error.problem)),
        }
        let duplicates = duplicates(&outcome);
        let effects = self.pusher.answered(outcome, Timestamp::now(), jitter());
        let outcomes: Vec<(Uuid, answerback_store::Outcome)> = effects
            .into_iter()
            .map(|effect| match effect {
                Effect::Acknowledge(id) => (id, answerback_store::Outcome::Delivered),
                Effect::SetAside { id, reason } => (id, answerback_store::Outcome::Rejected(reason)),
            })
            .collect();
        let settled: Vec<_> =
            outcomes.iter().map(|(id, outcome)| (id.to_string(), outcome.clone())).collect();
        context.storage.brief(move |store| store.settle(&settled, Timestamp::now())).await?;
        for (id, outcome) in outcomes {
            let Some(event) = by_id.get(&id) else { continue };
            tell(context, event, duplicates.contains(&id), outcome);
        }
        context.changed(Change::Backend);
        Ok(Duration::ZERO)
    }
}

async fn push_batch(client: &Client, batch: &[&EventRow], url: &str) -> Answer {
    let bodies: Vec<&str> = batch.iter().map(|event| event.json.as_str()).collect();
    let answer = client.push(&bodies).await;
    let error = answer.as_ref().err().map(|error| LinkError::of_backend(error, url));
    Answer { outcome: Outcome::from(answer), error }
}

fn queued(event: &EventRow) -> Option<Queued> {
    Some(Queued {
        id: Uuid::parse_str(&event.id).ok()?,
        send_id: Some(event.send_id.clone()).filter(|id| !id.is_empty()),
        bytes: event.json.len(),
    })
}

/// Those that were there already.
fn duplicates(outcome: &Outcome) -> HashSet<Uuid> {
    let Outcome::Results(results) = outcome else { return HashSet::new() };
    let there = results.iter().filter(|result| result.status == EventStatus::Duplicate);
    there.filter_map(|result| result.id).collect()
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
