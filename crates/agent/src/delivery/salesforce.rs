//! One event at a time into Salesforce, and what its answer means for the outbox.

use std::collections::HashMap;

use answerback_backend::crm::{CrmError, Wrote};
use answerback_backend::retry::next_attempt;
use answerback_backend::{Event, EventData, EventResult, EventStatus, Outcome, Queued};
use answerback_store::EventRow;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::Answer;
use crate::backoff::jitter;
use crate::context::Context;
use crate::salesforce::Direct;

/// The sends whose events wait, because Salesforce did not take the first of them for now. In memory only: a restart tries again at once.
#[derive(Debug, Default)]
pub struct Postponed {
    until: HashMap<String, Timestamp>,
}

/// What is to be done about an event.
#[derive(Debug, PartialEq)]
enum Fate {
    /// It is there.
    Settled(EventStatus),
    /// It will not be there.
    SetAside(String),
    /// It is tried again then, and others go on.
    Later(Timestamp),
    /// Nothing can be written now.
    Down,
}

impl Postponed {
    /// Whether an event is left alone for now.
    pub fn holds(&self, event: &Queued, now: Timestamp) -> bool {
        let until = event.send_id.as_ref().and_then(|send_id| self.until.get(send_id));
        // A clock that was set back must not hold it for days.
        let longest = SignedDuration::from_hours(48);
        until.is_some_and(|until| *until > now && until.duration_since(now) < longest)
    }

    /// Writes an event.
    pub async fn write(
        &mut self,
        context: &Context,
        direct: &Direct,
        row: &EventRow,
        waiting: &[EventRow],
    ) -> Result<Answer, answerback_store::Error> {
        let now = Timestamp::now();
        if let Some(error) = direct.held(&context.storage, now).await? {
            let outcome = Outcome::Undelivered { retry_after: error.retry_after };
            return Ok(Answer { outcome, error: Some(error) });
        }
        let Ok(event) = serde_json::from_str::<Event>(&row.json) else {
            let reason = "This event can't be read.".to_owned();
            return Ok(Answer { outcome: Outcome::Refused { reason }, error: None });
        };
        let send_id = row.send_id.clone();
        let send = context.storage.call(move |store| store.send(&send_id)).await?;
        let retracted = is_retracted(event.id, waiting);
        let wrote = direct.write(&context.storage, &event, send.as_ref(), retracted).await;
        let refusals = match &wrote {
            Err(error) if counts(error) => {
                let id = row.id.clone();
                context.storage.call(move |store| store.count_refusal(&id)).await?
            }
            _ => 0,
        };
        self.until.remove(&row.send_id);
        let result = |status, reason| {
            let id = Some(event.id);
            Answer { outcome: Outcome::Results(vec![EventResult { id, status, reason }]), error: None }
        };
        Ok(match fate(&wrote, refusals, now, jitter()) {
            Fate::Settled(status) => result(status, None),
            Fate::SetAside(reason) => result(EventStatus::Rejected, Some(reason)),
            Fate::Later(until) => {
                self.until.insert(row.send_id.clone(), until);
                Answer { outcome: Outcome::Postponed, error: None }
            }
            Fate::Down => {
                let error = wrote.err().map(|error| direct.explain(&error));
                let retry_after = error.as_ref().and_then(|error| error.retry_after);
                Answer { outcome: Outcome::Undelivered { retry_after }, error }
            }
        })
    }
}

/// Whether the rep has taken an event back before it was written.
fn is_retracted(id: Uuid, waiting: &[EventRow]) -> bool {
    let retractions = waiting.iter().filter(|row| row.event_type == "answerback.retract.v1");
    retractions.filter_map(|row| serde_json::from_str::<Event>(&row.json).ok()).any(|event| {
        match event.data {
            EventData::Retract(retract) => retract.event_ids.contains(&id),
            _ => false,
        }
    })
}

/// Whether Salesforce has looked at the event and did not take it.
fn counts(error: &CrmError) -> bool {
    !error.is_general() && !matches!(error, CrmError::Unsettled { .. })
}

/// What becomes of an event that was refused so many times.
fn fate(wrote: &Result<Wrote, CrmError>, refusals: u32, now: Timestamp, jitter: f64) -> Fate {
    let error = match wrote {
        Ok(Wrote::Already) => return Fate::Settled(EventStatus::Duplicate),
        Ok(_) => return Fate::Settled(EventStatus::Accepted),
        Err(error) => error,
    };
    let after = |wait| Fate::Later(now.checked_add(wait).unwrap_or(now));
    match error {
        // The entry of the same answer goes on; the rep sees what is missing.
        error if error.lacks_an_optional_permission() => Fate::SetAside(error.to_string()),
        error if error.is_general() => Fate::Down,
        CrmError::Unsettled { wait } => after(*wait),
        error => match next_attempt(refusals.into(), jitter) {
            Some(wait) => after(wait.max(error.retry_after().unwrap_or_default())),
            None => Fate::SetAside(error.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn forbidden(optional: bool) -> CrmError {
        CrmError::Forbidden {
            code: "INSUFFICIENT_ACCESS".into(),
            needs: "“Edit” on Campaigns".into(),
            optional,
        }
    }

    #[test]
    fn each_answer_has_its_consequence() {
        let now = Timestamp::UNIX_EPOCH;
        let fate = |wrote, refusals| fate(&wrote, refusals, now, 0.5);
        let later = |seconds: u64| Fate::Later(now + Duration::from_secs(seconds));
        assert_eq!(fate(Ok(Wrote::Entry), 0), Fate::Settled(EventStatus::Accepted));
        assert_eq!(fate(Ok(Wrote::Already), 0), Fate::Settled(EventStatus::Duplicate));
        assert_eq!(fate(Ok(Wrote::Skipped), 0), Fate::Settled(EventStatus::Accepted));
        assert_eq!(fate(Err(CrmError::Session), 0), Fate::Down);
        assert_eq!(fate(Err(CrmError::RequestLimit), 0), Fate::Down);
        assert_eq!(fate(Err(forbidden(false)), 0), Fate::Down);
        assert!(matches!(fate(Err(forbidden(true)), 0), Fate::SetAside(why) if why.contains("Campaigns")));
        assert_eq!(fate(Err(CrmError::Locked), 1), later(5));
        assert_eq!(fate(Err(CrmError::Nobody), 2), later(30));
        assert!(matches!(fate(Err(CrmError::Nobody), 10), Fate::SetAside(_)));
        assert_eq!(fate(Err(CrmError::Unsettled { wait: Duration::from_secs(600) }), 0), later(600));
    }

    #[test]
    fn later_events_of_a_send_wait_for_the_first() {
        let now = Timestamp::UNIX_EPOCH;
        let until = HashMap::from([("s1".to_owned(), now + Duration::from_secs(30))]);
        let postponed = Postponed { until };
        let event = |send: &str| Queued { id: Uuid::nil(), send_id: Some(send.into()), bytes: 2 };
        assert!(postponed.holds(&event("s1"), now));
        assert!(!postponed.holds(&event("s2"), now));
        assert!(!postponed.holds(&event("s1"), now + Duration::from_secs(31)));
        assert!(
            !postponed.holds(&event("s1"), now - SignedDuration::from_hours(50)),
            "the clock was set back"
        );
    }
}
