//! Which tracked send a message answers: a ladder of rungs, of which the first that answers wins.

pub(crate) mod content;
mod headers;
mod quoted_id;
mod report;
mod thread;

use crate::{
    Evidence, MessageId, Rung, address,
    index::{Key, Send, SendIndex},
    kind::Classification,
    message::Message,
};

/// The send that a message answers, how sure that is, and every rung that agrees.
pub(crate) struct Attribution<'x> {
    pub send: Send<'x>,
    pub confidence: f64,
    pub evidence: Vec<Evidence>,
}

/// What a rung found: the sends that a value names. One email to several prospects is several sends with one id.
pub(crate) struct Hit<'x> {
    pub rung: Rung,
    pub value: String,
    pub sends: Vec<Send<'x>>,
}

/// How sure a rung is by itself.
///
/// Ids that answers carry in their header, and those that reports return, name the send: what lowers the others is
/// measured on mail archives, see docs/detection.md.
pub(crate) const fn confidence(rung: Rung) -> f64 {
    match rung {
        Rung::InReplyTo | Rung::References | Rung::Report => 1.0,
        Rung::ThreadId | Rung::Chain => 0.995,
        Rung::QuotedId => 0.99,
        Rung::Content => 0.0,
    }
}

/// Whether an id or a thread in the header names a send: the rungs that need no body and say which send it is.
pub(crate) fn is_named_in_header(message: &Message, sends: &SendIndex) -> bool {
    let ids = message.in_reply_to.iter().chain(&message.references);
    // A message that refers to itself answers nothing.
    let mut others = ids.filter(|id| Some(*id) != message.message_id.as_ref()).map(MessageId::as_str);
    others.any(|id| sends.knows(Key::Id(id)) || sends.knows(Key::Chain(id)))
        || message.threads().any(|thread| sends.knows(Key::Thread(thread)))
}

/// Climbs the ladder.
pub(crate) fn attribute<'x>(
    message: &Message,
    kind: &Classification,
    sends: &'x SendIndex,
) -> Option<Attribution<'x>> {
    if sends.is_empty() {
        return None;
    }
    let hits: Vec<Hit<'x>> = [
        headers::in_reply_to(message, sends),
        headers::references(message, sends),
        report::find(message, kind, sends),
        thread::by_thread(message, sends),
        thread::by_chain(message, sends),
        quoted_id::find(message, sends),
    ]
    .into_iter()
    .flatten()
    .collect();
    let winner = hits.iter().find_map(|hit| Some((hit.rung, choose(hit, message, kind)?)));
    let Some((rung, send)) = winner else {
        let (send, confidence, evidence) = content::find(message, kind, sends)?;
        return Some(Attribution { send, confidence, evidence: vec![evidence] });
    };
    let agreeing = hits.iter().filter(|hit| hit.sends.iter().any(|other| other.slot == send.slot));
    let evidence = agreeing.map(|hit| Evidence { rung: hit.rung, value: hit.value.clone() }).collect();
    Some(Attribution { send, confidence: confidence(rung), evidence })
}

/// The send among those of one id that the author, or the failed recipient, was a recipient of; else the newest.
fn choose<'x>(hit: &Hit<'x>, message: &Message, kind: &Classification) -> Option<Send<'x>> {
    let in_time = |send: &&Send<'x>| is_in_time(message, send);
    let recipients = kind.recipients.iter().flat_map(|recipient| {
        recipient.bounce.recipient.iter().chain(&recipient.original_recipient).map(String::as_str)
    });
    let known: Vec<&str> = message.from.as_deref().into_iter().chain(recipients).collect();
    let is_theirs =
        |send: &&Send<'x>| known.iter().any(|address| address::same_mailbox(address, send.prospect));
    let mut sends = hit.sends.iter().filter(in_time);
    sends.clone().find(is_theirs).or_else(|| sends.next()).copied()
}

/// After `track_until` answers no longer matter; a day's grace for clocks and time zones.
pub(crate) fn is_in_time(message: &Message, send: &Send<'_>) -> bool {
    const GRACE: i64 = 24 * 3600;
    match (message.received_at.or(message.date), send.track_until) {
        (Some(at), Some(until)) => at.as_second() <= until.saturating_add(GRACE),
        _ => true,
    }
}
