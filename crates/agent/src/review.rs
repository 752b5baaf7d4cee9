//! What the rep says of a verdict, and the events that follow from it.

use answerback_backend::{ReplyFacts, account_id, events_for, retract};
use answerback_reply::{Kind, Policy, TrackedSend, Verdict};
use answerback_store::{EventRow, Learned, Lesson, NewEvent, Review, VerdictRow};
use jiff::Timestamp;
use uuid::Uuid;

use crate::context::Rules;
use crate::judging::to_outbox;

const RETRACT: &str = "answerback.retract.v1";

/// "That is no answer": takes back everything that the verdict caused, whether the backend has it already or not; the
/// events go out in order, so that it never sees them the other way round.
pub fn take_back(
    row: &VerdictRow,
    send: &TrackedSend,
    events: &[EventRow],
    account: &str,
    now: Timestamp,
) -> Option<NewEvent> {
    let ids: Vec<Uuid> = events
        .iter()
        .filter(|event| event.event_type != RETRACT)
        .filter_map(|event| Uuid::parse_str(&event.id).ok())
        .collect();
    if ids.is_empty() || row.review == Review::Retracted {
        return None;
    }
    Some(to_outbox(&retract(account_id(account), send.into(), ids, "not_a_reply", now)))
}

/// "Yes, it answers that": the verdict as if the match had been certain, and its events.
pub fn confirm(
    row: &VerdictRow,
    send: &TrackedSend,
    account: &str,
    rules: &Rules,
) -> (Verdict, Vec<NewEvent>) {
    let verdict = confirmed(&row.verdict, &rules.policy);
    let facts: ReplyFacts = serde_json::from_str(&row.facts).unwrap_or_default();
    let events = events_for(&verdict, send, &facts, rules.log_level, account_id(account));
    (verdict, events.iter().map(to_outbox).collect())
}

/// "It was an answer": of something that was judged to be of another kind, or that the rep had taken back. What was sent
/// before is taken back where it still stands, and what an answer gives is sent under ids of its own: the backend drops
/// an id that it has seen.
pub fn affirm(
    row: &VerdictRow,
    send: &TrackedSend,
    events: &[EventRow],
    account: &str,
    rules: &Rules,
    now: Timestamp,
) -> (Verdict, Vec<NewEvent>) {
    let mut verdict = row.verdict.clone();
    if verdict.kind != Kind::CalendarResponse {
        verdict.kind = Kind::Reply;
    }
    let verdict = confirmed(&verdict, &rules.policy);
    let mut facts: ReplyFacts = serde_json::from_str(&row.facts).unwrap_or_default();
    let mut to_send: Vec<NewEvent> = take_back(row, send, events, account, now).into_iter().collect();
    let taken_back = events.iter().filter(|event| event.event_type == RETRACT).count() + to_send.len();
    if taken_back > 0 {
        facts.key = format!("{}#{taken_back}", facts.key);
    }
    let events = events_for(&verdict, send, &facts, rules.log_level, account_id(account));
    to_send.extend(events.iter().map(to_outbox));
    (verdict, to_send)
}

/// What an answer that the rep stands by teaches, and from when on mail is to be looked at again for it; what one that is
/// none has taught wrongly.
pub fn taught_by(row: &VerdictRow, send: &TrackedSend) -> Option<Lesson> {
    let facts: ReplyFacts = serde_json::from_str(&row.facts).ok()?;
    let learned = Learned::Chain(facts.message_id?.to_string());
    Some(Lesson { send_id: send.id.clone(), learned, rescan_since: Some(send.sent_at) })
}

fn confirmed(verdict: &Verdict, policy: &Policy) -> Verdict {
    let mut verdict = verdict.clone();
    verdict.confidence = 1.0;
    policy.decide(&mut verdict);
    verdict
}
