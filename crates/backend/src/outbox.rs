//! What to push when: a state machine without I/O.
//!
//! The caller keeps the events (in its database) and does the sending; the [`Pusher`] says what to do:
//!
//! ```text
//! loop {
//!     match pusher.next(now, &queue) {
//!         Step::Send(ids) => {
//!             count an attempt of each in the database, commit;        // before sending: a crash counts as well
//!             let outcome = Outcome::from(client.push(events of ids).await);
//!             for effect in pusher.answered(outcome, now, jitter) { apply it to the database }
//!         }
//!         Step::Wait(duration) => sleep, or until something new is queued; then ask again
//!         Step::Idle => until something is queued
//!     }
//! }
//! ```
//!
//! - At most one batch is in flight, and events go in the queue's order, so that stop arrives before log.
//! - A batch that is refused as a whole is halved until the event at fault is alone; that one is set aside.
//! - A backend that fails (5xx) on a batch again and again may fail because of one event: the batch is halved as well. When an event
//!   alone still fails, another is tried in its place: only if that one passes is the first set aside. A backend that is
//!   down never costs an event.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::event::{MAX_BATCH_BYTES, MAX_BATCH_EVENTS};
use crate::{BackendError, EventResult, EventStatus};

/// An event that waits in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// The event's id.
    pub id: Uuid,
    /// The send that it is about; events of one send never overtake each other.
    pub send_id: Option<String>,
    /// Length of its JSON text.
    pub bytes: usize,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Count an attempt of each of these, then push them as one batch, in this order.
    Send(Vec<Uuid>),
    /// Nothing for this long.
    Wait(Duration),
    /// Nothing until an event is queued or the batch in flight is answered.
    Idle,
}

/// How a batch fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The backend gave results.
    Results(Vec<EventResult>),
    /// The backend refused the batch as a whole; the same batch would be refused again.
    Refused {
        /// Why, for the rep.
        reason: String,
    },
    /// The backend failed on it.
    Failed {
        /// When to try again, where it said so.
        retry_after: Option<Duration>,
    },
    /// It is to be tried another time, and others go on. Until then the caller leaves it, and what comes after it of its send, out of
    /// the queue.
    Postponed,
    /// It did not get there, or is not wanted now: no fault of the batch's.
    Undelivered {
        /// When to try again, where the backend said so.
        retry_after: Option<Duration>,
    },
}

impl From<Result<Vec<EventResult>, BackendError>> for Outcome {
    fn from(answer: Result<Vec<EventResult>, BackendError>) -> Self {
        match answer {
            Ok(results) => Self::Results(results),
            // 404 and 405 say that the endpoint is not there (yet), nothing of the batch.
            Err(e @ BackendError::Rejected { status, .. }) if !matches!(status, 404 | 405) => {
                Self::Refused { reason: e.to_string() }
            }
            // 503 is said by a proxy or a server that is starting, before it has looked at the batch.
            Err(BackendError::Server { status, retry_after }) if status != 503 => {
                Self::Failed { retry_after }
            }
            Err(e) => Self::Undelivered { retry_after: e.retry_after() },
        }
    }
}

/// What to do to the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The backend has it: take it out of the queue.
    Acknowledge(Uuid),
    /// The backend will never take it: out of the queue, and shown to the rep with the reason.
    SetAside {
        /// The event.
        id: Uuid,
        /// Why.
        reason: String,
    },
}

/// The numbers behind the decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PusherConfig {
    /// Events in a batch at most.
    pub max_events: usize,
    /// Bytes in a batch at most, commas and brackets included.
    pub max_bytes: usize,
    /// The wait after the first failure.
    pub first_wait: Duration,
    /// The longest wait that we choose.
    pub longest_wait: Duration,
    /// The longest wait that a backend can ask for.
    pub longest_retry_after: Duration,
    /// So many failures (5xx) of the same first event before the batch is suspected.
    pub suspect_after: u32,
}

impl Default for PusherConfig {
    fn default() -> Self {
        Self {
            max_events: MAX_BATCH_EVENTS,
            max_bytes: MAX_BATCH_BYTES,
            first_wait: Duration::from_secs(2),
            longest_wait: Duration::from_secs(15 * 60),
            longest_retry_after: Duration::from_secs(60 * 60),
            suspect_after: 3,
        }
    }
}

/// Decides what to push when.
#[derive(Debug)]
pub struct Pusher {
    config: PusherConfig,
    in_flight: Option<Vec<Uuid>>,
    /// Events in the next batch at most: halved to find the one at fault, doubled while all goes well.
    limit: usize,
    failures: u32,
    /// How often in a row the backend failed on batches that begin with this event.
    failing: Option<(Uuid, u32)>,
    /// An event on which the backend fails even when it is alone; another is tried in its place.
    suspect: Option<Uuid>,
    not_before: Option<Timestamp>,
}

impl Default for Pusher {
    fn default() -> Self {
        Self::new(PusherConfig::default())
    }
}

impl Pusher {
    /// A pusher that has not tried anything yet.
    pub fn new(config: PusherConfig) -> Self {
        Self {
            limit: config.max_events,
            config,
            in_flight: None,
            failures: 0,
            failing: None,
            suspect: None,
            not_before: None,
        }
    }

    /// What to do, with the oldest events of the queue (at least as many as a batch holds, where there are).
    pub fn next(&mut self, now: Timestamp, queue: &[Queued]) -> Step {
        if self.in_flight.is_some() || queue.is_empty() {
            return Step::Idle;
        }
        if let Some(wait) = self.remaining(now) {
            return Step::Wait(wait);
        }
        let batch = self.probe(queue).unwrap_or_else(|| self.batch(queue));
        self.in_flight = Some(batch.clone());
        Step::Send(batch)
    }

    /// Takes the answer to the batch in flight. `jitter` is a random number from 0 to 1, so that a thousand laptops don't
    /// come back at once.
    pub fn answered(&mut self, outcome: Outcome, now: Timestamp, jitter: f64) -> Vec<Effect> {
        let Some(batch) = self.in_flight.take() else { return Vec::new() };
        match outcome {
            Outcome::Results(results) => self.results(&batch, results, now, jitter),
            Outcome::Refused { reason } => self.refused(&batch, reason),
            Outcome::Postponed => {
                (self.failures, self.not_before) = (0, None);
                Vec::new()
            }
            Outcome::Failed { retry_after } => {
                self.failed(&batch);
                self.back_off(retry_after, now, jitter);
                Vec::new()
            }
            Outcome::Undelivered { retry_after } => {
                self.back_off(retry_after, now, jitter);
                Vec::new()
            }
        }
    }

    /// Forgets the wait: the network came back, the rep pressed "sync now", a new token was set.
    pub fn hurry(&mut self) {
        self.not_before = None;
    }

    /// How many batches in a row did not get through.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    fn remaining(&mut self, now: Timestamp) -> Option<Duration> {
        let wait = Duration::try_from(self.not_before?.duration_since(now)).ok()?;
        // The clock was set back: a wait is never longer than what could have been asked for.
        let longest = self.config.longest_wait.max(self.config.longest_retry_after);
        if wait.is_zero() || wait > longest {
            self.not_before = None;
            return None;
        }
        Some(wait)
    }

    fn batch(&self, queue: &[Queued]) -> Vec<Uuid> {
        let mut bytes = 2;
        let mut batch = Vec::new();
        for event in queue.iter().take(self.limit) {
            bytes += event.bytes + 1;
            if bytes > self.config.max_bytes && !batch.is_empty() {
                break;
            }
            batch.push(event.id);
        }
        batch
    }

    /// The event to try in place of the suspect: the next of another send.
    fn probe(&self, queue: &[Queued]) -> Option<Vec<Uuid>> {
        let suspect = queue.iter().find(|e| Some(e.id) == self.suspect)?;
        let other = queue
            .iter()
            .find(|e| e.id != suspect.id && (e.send_id != suspect.send_id || e.send_id.is_none()))?;
        Some(vec![other.id])
    }

    fn results(
        &mut self,
        batch: &[Uuid],
        results: Vec<EventResult>,
        now: Timestamp,
        jitter: f64,
    ) -> Vec<Effect> {
        let mut effects: Vec<Effect> = results
            .into_iter()
            .filter_map(|result| {
                let id = result.id.filter(|id| batch.contains(id))?;
                Some(match result.status {
                    EventStatus::Accepted | EventStatus::Duplicate => Effect::Acknowledge(id),
                    EventStatus::Rejected => Effect::SetAside {
                        id,
                        reason: result.reason.unwrap_or_else(|| "The backend rejected it.".into()),
                    },
                })
            })
            .collect();
        if effects.is_empty() {
            // Not what the contract says; to go on at once would turn in a circle.
            self.back_off(None, now, jitter);
            return effects;
        }
        if let Some(id) = self.suspect.take().filter(|id| !batch.contains(id)) {
            let reason = "The backend fails on this event, but not on others.".into();
            effects.push(Effect::SetAside { id, reason });
        }
        self.failures = 0;
        self.failing = None;
        self.not_before = None;
        self.limit = (self.limit * 2).min(self.config.max_events);
        effects
    }

    fn refused(&mut self, batch: &[Uuid], reason: String) -> Vec<Effect> {
        match batch {
            [id] => {
                self.suspect = self.suspect.filter(|suspect| suspect != id);
                vec![Effect::SetAside { id: *id, reason }]
            }
            _ => {
                self.limit = (batch.len() / 2).max(1);
                Vec::new()
            }
        }
    }

    fn failed(&mut self, batch: &[Uuid]) {
        let Some(&first) = batch.first() else { return };
        if self.suspect.is_some_and(|suspect| suspect != first) {
            // The one tried in its place failed too: the backend is down, not the event at fault.
            self.suspect = None;
            self.failing = None;
            return;
        }
        let times = self.failing.filter(|(id, _)| *id == first).map_or(0, |(_, n)| n) + 1;
        self.failing = Some((first, times));
        if times >= self.config.suspect_after {
            match batch.len() {
                1 => self.suspect = Some(first),
                n => self.limit = (n / 2).max(1),
            }
        }
    }

    fn back_off(&mut self, retry_after: Option<Duration>, now: Timestamp, jitter: f64) {
        let doubled =
            self.config.first_wait.saturating_mul(1_u32.checked_shl(self.failures.min(30)).unwrap_or(1));
        let chosen = doubled.min(self.config.longest_wait).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0);
        let asked = retry_after.unwrap_or_default().min(self.config.longest_retry_after);
        self.failures = self.failures.saturating_add(1);
        let wait = SignedDuration::try_from(chosen.max(asked)).unwrap_or_default();
        self.not_before = now.checked_add(wait).ok();
    }
}

#[cfg(test)]
mod tests;
