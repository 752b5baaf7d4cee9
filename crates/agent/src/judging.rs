//! From a message that was found to what is kept of it. Pure: the I/O around it is in [`crate::watch`].

use answerback_backend::{ReplyFacts, account_id, events_for};
use answerback_mailbox::{FoundMessage, MessageRef};
use answerback_reply::{Action, Judge, Message, MessageId, OwnCopy, SendIndex, TrackedSend, Triage, Verdict};
use answerback_store::{Learned, Lesson, NewEvent, NewVerdict};
use jiff::{SignedDuration, Timestamp};

use crate::config::Config;
use crate::context::Rules;

/// How much of a candidate is fetched: enough for the text and for the original inside a report.
pub const BODY_PREFIX: u32 = 256 * 1024;

/// Clocks of mail servers and platforms differ by less than this.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(2);

/// The facts of a message of which the header was fetched.
pub fn header_facts(found: &FoundMessage) -> Message {
    with_envelope(Message::from_header(&found.header), found)
}

/// The facts of a message of which (a prefix of) the whole was fetched.
pub fn whole_facts(found: &FoundMessage, raw: &[u8]) -> Message {
    with_envelope(Message::parse(raw), found)
}

fn with_envelope(mut message: Message, found: &FoundMessage) -> Message {
    message.received_at = found.received_at;
    message.thread_ids.extend(found.thread_ids.iter().cloned());
    message
}

/// Looks at a header under the rules.
pub fn triage(rules: &Rules, sends: &SendIndex, message: &Message) -> Triage {
    Judge { me: &rules.me, sends, policy: &rules.policy }.triage(message)
}

/// Whether what was learned since makes a candidate of a message that was unrelated.
pub fn is_named(rules: &Rules, sends: &SendIndex, message: &Message) -> bool {
    Judge { me: &rules.me, sends, policy: &rules.policy }.is_named(message)
}

/// The verdict under the rules.
pub fn verdict(rules: &Rules, sends: &SendIndex, message: &Message) -> Verdict {
    Judge { me: &rules.me, sends, policy: &rules.policy }.verdict(message)
}

/// Which send one of the rep's own messages is a copy of, and what it teaches.
pub fn own_copy(rules: &Rules, sends: &SendIndex, message: &Message) -> Option<OwnCopy> {
    Judge { me: &rules.me, sends, policy: &rules.policy }.own_copy(message)
}

/// What a copy teaches, as the store keeps it.
pub fn taught_by(copy: &OwnCopy) -> Vec<Learned> {
    let ids = copy.ids.iter().map(|id| Learned::Id(id.to_string()));
    let threads = copy.threads.iter().cloned().map(Learned::Thread);
    let text = copy.text.as_ref().and_then(|text| serde_json::to_string(text).ok()).map(Learned::Text);
    ids.chain(threads).chain(text).collect()
}

/// A message that answers a send.
pub struct Answer {
    /// What was decided.
    pub verdict: Verdict,
    /// What its events tell of the message, with the newly written text where the log level wants it.
    pub facts: ReplyFacts,
    /// Where it was found.
    pub at: MessageRef,
}

/// What is kept of an answer to `send`, with the events that it gives in the name of `event_account`.
pub fn to_keep(
    answer: Answer,
    send: &TrackedSend,
    event_account: &str,
    rules: &Rules,
    now: Timestamp,
) -> NewVerdict {
    let Answer { verdict, facts, at } = answer;
    let events = events_for(&verdict, send, &facts, rules.log_level, account_id(event_account));
    let kept_facts = ReplyFacts { text: None, ..facts.clone() };
    let prospect = send.prospect.as_ref();
    let also_search = [
        prospect.and_then(|p| p.name.clone()),
        prospect.and_then(|p| p.email.clone()),
        send.campaign.as_ref().and_then(|c| c.name.clone()),
    ];
    NewVerdict {
        message_key: facts.key.clone(),
        message_ref: serde_json::to_string(&at).unwrap_or_default(),
        from_name: facts.from_name.clone(),
        subject: facts.subject.clone(),
        received_at: facts.received_at,
        decided_at: now,
        also_search: also_search.into_iter().flatten().collect(),
        facts: serde_json::to_string(&kept_facts).unwrap_or_default(),
        events: events.iter().map(to_outbox).collect(),
        learned: chain(&verdict, facts.message_id.as_ref()).into_iter().collect(),
        verdict,
    }
}

/// What an answer teaches: whatever answers it in turn belongs to the same send. Not so while it is a question to the rep: a
/// certain stop must not follow from an uncertain match.
pub fn chain(verdict: &Verdict, id: Option<&MessageId>) -> Option<Learned> {
    id.filter(|_| !verdict.actions.contains(&Action::Ask)).map(|id| Learned::Chain(id.to_string()))
}

/// An event as the outbox keeps it.
pub fn to_outbox(event: &answerback_backend::Event) -> NewEvent {
    NewEvent {
        id: event.id.to_string(),
        send_id: event.subject.clone().unwrap_or_default(),
        event_type: event.event_type().as_str().to_owned(),
        json: serde_json::to_string(event).unwrap_or_default(),
    }
}

/// The address whose account the events of a send carry: that of the account which it was sent from, whichever
/// mailbox the answer was found in, so that the event is the same after a reinstall in another order.
pub fn event_account<'a>(config: &'a Config, send: &TrackedSend, found_in: &'a str) -> &'a str {
    let sender = send.from.as_deref();
    config
        .accounts
        .iter()
        .find(|account| sender.is_some_and(|from| account.owns(from)))
        .map_or(found_in, |account| account.address.as_str())
}

/// From when on mail must be looked at again because of sends that are new to us: an answer may have been read
/// before its send was known. `newest_read` is when the newest message that was read and not attributed had been received.
pub fn rescan_for(
    sends: &[TrackedSend],
    newest_read: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    sends
        .iter()
        .filter(|send| send.track_until.is_none_or(|until| until > now))
        .map(|send| send.sent_at)
        .filter(|sent_at| *sent_at <= now && may_have_been_read(*sent_at, newest_read))
        .min()
}

/// Whether an answer to something sent then may be among what was read.
fn may_have_been_read(sent_at: Timestamp, newest_read: Option<Timestamp>) -> bool {
    newest_read.is_none_or(|read| read.checked_add(CLOCK_SKEW).is_ok_and(|read| read >= sent_at))
}

/// What one of the rep's own copies teaches about its send.
pub fn lessons(
    send_id: &str,
    sent_at: Timestamp,
    learned: Vec<Learned>,
    newest_read: Option<Timestamp>,
) -> Vec<Lesson> {
    let rescan_since = may_have_been_read(sent_at, newest_read).then_some(sent_at);
    learned.into_iter().map(|learned| Lesson { send_id: send_id.to_owned(), learned, rescan_since }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn send(sent_at: &str) -> TrackedSend {
        serde_json::from_value(
            serde_json::json!({"id": sent_at, "sent_at": sent_at, "from": "Rep@Sales.example"}),
        )
        .unwrap()
    }

    #[test]
    fn a_send_that_is_newer_than_everything_read_needs_no_second_look() {
        let now = at("2026-11-20T12:00:00Z");
        let cases = [
            // (sent at, newest message read, looked at again since)
            ("2026-11-20T11:00:00Z", Some("2026-11-20T10:00:00Z"), None),
            ("2026-11-20T11:00:00Z", Some("2026-11-20T10:59:00Z"), Some("2026-11-20T11:00:00Z")),
            ("2026-11-20T11:00:00Z", Some("2026-11-20T11:30:00Z"), Some("2026-11-20T11:00:00Z")),
            ("2026-11-20T11:00:00Z", None, Some("2026-11-20T11:00:00Z")),
            ("2026-11-20T13:00:00Z", None, None),
        ];
        for (sent_at, read, expected) in cases {
            assert_eq!(
                rescan_for(&[send(sent_at)], read.map(at), now),
                expected.map(at),
                "{sent_at} {read:?}"
            );
        }
    }

    #[test]
    fn the_second_look_goes_back_to_the_oldest_send_that_still_matters() {
        let now = at("2026-11-20T12:00:00Z");
        let mut over = send("2026-01-01T00:00:00Z");
        over.track_until = Some(at("2026-02-01T00:00:00Z"));
        let sends = [send("2026-11-19T00:00:00Z"), send("2026-11-18T00:00:00Z"), over];
        assert_eq!(rescan_for(&sends, None, now), Some(at("2026-11-18T00:00:00Z")));
    }

    #[test]
    fn an_uncertain_answer_draws_nothing_after_it() {
        let id = MessageId::new("<r1@flynnsarcade.com>");
        let verdict = |actions| Verdict { actions, ..Verdict::default() };
        assert_eq!(chain(&verdict(vec![Action::Ask]), id.as_ref()), None);
        let certain = chain(&verdict(vec![Action::Stop, Action::Log]), id.as_ref());
        assert_eq!(certain, id.map(|id| Learned::Chain(id.to_string())));
    }

    #[test]
    fn events_carry_the_account_that_the_send_went_out_from() {
        let config: Config = toml::from_str(
            r#"
            [[account]]
            address = "other@sales.example"
            imap = { host = "h", password = { env = "P" } }
            [[account]]
            address = "rep@sales.example"
            imap = { host = "h", password = { env = "P" } }
            "#,
        )
        .unwrap();
        let mut send = send("2026-11-19T00:00:00Z");
        assert_eq!(event_account(&config, &send, "other@sales.example"), "rep@sales.example");
        send.from = Some("gone@sales.example".into());
        assert_eq!(event_account(&config, &send, "other@sales.example"), "other@sales.example");
    }
}
