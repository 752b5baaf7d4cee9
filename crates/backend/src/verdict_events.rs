//! From a verdict to the events that it gives.

use answerback_reply::{Action, Intent, Kind, MessageId, TrackedSend, Verdict};
use jiff::Timestamp;
use uuid::Uuid;

use crate::event::{
    Coverage, Event, EventData, Log, Pause, PauseReason, Reply, Retract, SendRef, Stop, StopReason, Suppress,
    SuppressReason,
};
use crate::{LogLevel, ReplyFacts, coverage_id, event_id, retract_id, source};

/// Characters of the newly written text at [`LogLevel::Snippet`].
pub const SNIPPET_CHARS: usize = 200;
/// Characters of the newly written text at [`LogLevel::Full`], so that an event always fits into a batch.
pub const TEXT_CHARS: usize = 64 * 1024;
/// Addresses kept of To and of CC, for the same reason.
const ADDRESSES: usize = 500;

/// The events of a verdict about a send, stop before pause, suppress and log. The same verdict gives the same events,
/// byte for byte, whenever and wherever it is reached.
pub fn events_for(
    verdict: &Verdict,
    send: &TrackedSend,
    facts: &ReplyFacts,
    log_level: LogLevel,
    account: Uuid,
) -> Vec<Event> {
    let time = facts.received_at.or(verdict.date).unwrap_or(send.sent_at);
    let mut events: Vec<Event> = verdict
        .actions
        .iter()
        .filter_map(|action| match action {
            Action::Stop => Some(EventData::Stop(stop(verdict, send))),
            Action::Pause => pause(verdict, send).map(EventData::Pause),
            Action::Suppress => suppress(verdict, send, facts).map(EventData::Suppress),
            Action::Log => Some(EventData::Log(Box::new(log(verdict, send, facts, log_level)))),
            Action::Ask => None,
        })
        .map(|data| Event {
            id: event_id(account, &send.id, &facts.key, data.event_type()),
            source: source(account),
            time,
            subject: Some(send.id.clone()),
            data,
        })
        .collect();
    events.sort_by_key(Event::event_type);
    events.dedup_by_key(|event| event.id);
    events
}

/// The event that takes these events of a send back.
pub fn retract(account: Uuid, about: SendRef, event_ids: Vec<Uuid>, reason: &str, now: Timestamp) -> Event {
    Event {
        id: retract_id(account, &about.send_id, &event_ids),
        source: source(account),
        time: now,
        subject: Some(about.send_id.clone()),
        data: EventData::Retract(Retract { about, event_ids, reason: reason.into() }),
    }
}

/// The event that says that everything received before `checked_up_to` has been judged.
pub fn coverage(account: Uuid, address: &str, checked_up_to: Timestamp, folders: u32) -> Event {
    Event {
        id: coverage_id(account, checked_up_to),
        source: source(account),
        time: checked_up_to,
        subject: None,
        data: EventData::Coverage(Coverage { account: address.into(), checked_up_to, folders }),
    }
}

impl From<&TrackedSend> for SendRef {
    fn from(send: &TrackedSend) -> Self {
        Self {
            send_id: send.id.clone(),
            campaign_id: send.campaign.as_ref().map(|c| c.id.clone()),
            prospect_id: send.prospect.as_ref().map(|p| p.id.clone()),
        }
    }
}

fn stop(verdict: &Verdict, send: &TrackedSend) -> Stop {
    let reason = match (verdict.kind, verdict.intent) {
        (_, Intent::OptOut) => StopReason::OptOut,
        (Kind::CalendarResponse, _) => StopReason::CalendarResponse,
        (Kind::Bounce | Kind::Delay, _) => StopReason::Bounce,
        (Kind::Complaint, _) => StopReason::Complaint,
        // A policy may let any other kind stop as well; the log event tells which it was.
        _ => StopReason::Reply,
    };
    Stop { about: send.into(), reason }
}

fn pause(verdict: &Verdict, send: &TrackedSend) -> Option<Pause> {
    Some(Pause { about: send.into(), until: verdict.pause_until?, reason: PauseReason::AutoReply })
}

fn suppress(verdict: &Verdict, send: &TrackedSend, facts: &ReplyFacts) -> Option<Suppress> {
    let mailed = |address: &&String| {
        [&send.to, &send.cc, &send.bcc].into_iter().flatten().any(|a| a.eq_ignore_ascii_case(address))
    };
    let prospect = send.prospect.as_ref().and_then(|p| p.email.as_ref()).or(send.to.first());
    let author = facts.from.as_ref().or(verdict.from.as_ref());
    let (reason, address) = match verdict.kind {
        Kind::Bounce => {
            let bounced = verdict.bounce.as_ref().and_then(|b| b.recipient.as_ref());
            (SuppressReason::InvalidAddress, bounced.or(prospect))
        }
        // The reporter's address is often struck out, and its author is the provider.
        Kind::Complaint => (SuppressReason::Complaint, prospect),
        // Somebody who was mailed is not mailed again. Who answers from an address that was never mailed speaks for
        // the one that was.
        _ => (SuppressReason::OptOut, author.filter(mailed).or(prospect).or(author)),
    };
    Some(Suppress { about: send.into(), address: address?.to_lowercase(), reason })
}

fn log(verdict: &Verdict, send: &TrackedSend, facts: &ReplyFacts, level: LogLevel) -> Log {
    let text_chars = match level {
        LogLevel::Metadata => None,
        LogLevel::Snippet => Some(SNIPPET_CHARS),
        LogLevel::Full => Some(TEXT_CHARS),
    };
    let in_reply_to = facts.in_reply_to.iter().map(MessageId::to_string).collect::<Vec<_>>().join(" ");
    Log {
        about: send.into(),
        kind: verdict.kind,
        relation: verdict.relation,
        intent: verdict.intent,
        reply: Reply {
            message_id: facts.message_id.clone(),
            in_reply_to: Some(in_reply_to).filter(|ids| !ids.is_empty()),
            from: facts.from.clone(),
            from_name: facts.from_name.clone(),
            to: facts.to.iter().take(ADDRESSES).cloned().collect(),
            cc: facts.cc.iter().take(ADDRESSES).cloned().collect(),
            subject: facts.subject.clone().filter(|_| text_chars.is_some()),
            received_at: facts.received_at,
            text: text_chars.and_then(|n| Some(facts.text.as_ref()?.chars().take(n).collect())),
            bounce: verdict.bounce.clone(),
            partstat: verdict.partstat.clone(),
            returns_on: verdict.returns_on,
        },
        evidence: verdict.evidence.clone(),
        confidence: verdict.confidence,
    }
}

#[cfg(test)]
mod tests {
    use answerback_reply::{Bounce, BounceClass, BounceReason, Evidence, Relation, Rung};

    use super::*;
    use crate::{EventType, account_id};

    fn send() -> TrackedSend {
        serde_json::from_str(
            r#"{"id":"snd_1","message_ids":["<s1@sales.example>"],"to":["flynn@flynnsarcade.com"],
                "cc":["alan@encom.com"],"subject":"Space Paranoids","sent_at":"2026-11-18T08:00:00Z",
                "campaign":{"id":"cmp_1"},"prospect":{"id":"p_1","email":"Flynn@FlynnsArcade.com"}}"#,
        )
        .unwrap()
    }

    fn verdict(kind: Kind, actions: &[Action]) -> Verdict {
        Verdict {
            message_id: Some("<r1@flynnsarcade.com>".into()),
            kind,
            send_id: Some("snd_1".into()),
            relation: Some(Relation::SamePersonOtherAddress),
            intent: Intent::None,
            confidence: 1.0,
            evidence: vec![Evidence { rung: Rung::InReplyTo, value: "<s1@sales.example>".into() }],
            actions: actions.to_vec(),
            from: Some("kevinf@flynnsarcade.com".into()),
            ..Verdict::default()
        }
    }

    fn facts() -> ReplyFacts {
        ReplyFacts {
            key: "r1@flynnsarcade.com".into(),
            message_id: MessageId::new("<r1@flynnsarcade.com>"),
            in_reply_to: vec![MessageId::new("<s1@sales.example>").unwrap()],
            from: Some("kevinf@flynnsarcade.com".into()),
            to: vec!["rep@sales.example".into()],
            subject: Some("Re: Space Paranoids".into()),
            received_at: Some("2026-11-20T09:12:00Z".parse().unwrap()),
            text: Some("ä".repeat(300)),
            ..ReplyFacts::default()
        }
    }

    fn events(verdict: &Verdict) -> Vec<Event> {
        events_for(verdict, &send(), &facts(), LogLevel::Metadata, account_id("rep@sales.example"))
    }

    #[test]
    fn stop_goes_before_pause_suppress_and_log_in_whatever_order_the_policy_names_them() {
        let mut verdict = verdict(Kind::Reply, &[Action::Log, Action::Suppress, Action::Pause, Action::Stop]);
        verdict.pause_until = Some("2026-12-01".parse().unwrap());
        let types: Vec<EventType> = events(&verdict).iter().map(Event::event_type).collect();
        assert_eq!(types, [EventType::Stop, EventType::Pause, EventType::Suppress, EventType::Log]);
    }

    #[test]
    fn the_same_verdict_gives_the_same_events() {
        let verdict = verdict(Kind::Reply, &[Action::Stop, Action::Log]);
        let again = events(&verdict);
        assert_eq!(events(&verdict), again);
        assert_eq!(again[0].id.to_string(), "be08173f-6425-5534-8786-50979a6410ca");
        assert_eq!(again[0].subject.as_deref(), Some("snd_1"));
        assert_eq!(again[0].time.to_string(), "2026-11-20T09:12:00Z");
    }

    #[test]
    fn each_kind_stops_for_its_own_reason() {
        let cases = [
            (Kind::Reply, Intent::None, StopReason::Reply),
            (Kind::Reply, Intent::OptOut, StopReason::OptOut),
            (Kind::CalendarResponse, Intent::None, StopReason::CalendarResponse),
            (Kind::Bounce, Intent::None, StopReason::Bounce),
            (Kind::Complaint, Intent::None, StopReason::Complaint),
            (Kind::AutoReply, Intent::None, StopReason::Reply),
        ];
        for (kind, intent, reason) in cases {
            let verdict = Verdict { intent, ..verdict(kind, &[Action::Stop]) };
            let expected = EventData::Stop(Stop { about: (&send()).into(), reason });
            assert_eq!(events(&verdict)[0].data, expected, "{kind:?}");
        }
    }

    #[test]
    fn the_address_that_was_mailed_is_suppressed() {
        let bounce = Bounce {
            class: BounceClass::Permanent,
            reason: BounceReason::Address,
            status: Some("5.1.1".into()),
            recipient: Some("Alan@encom.com".into()),
            diagnostic: None,
        };
        let cases = [
            (
                "from another address",
                Kind::Reply,
                None,
                None,
                "flynn@flynnsarcade.com",
                SuppressReason::OptOut,
            ),
            ("copied", Kind::Reply, Some("alan@encom.com"), None, "alan@encom.com", SuppressReason::OptOut),
            (
                "ARF",
                Kind::Complaint,
                Some("fbl@isp.example"),
                None,
                "flynn@flynnsarcade.com",
                SuppressReason::Complaint,
            ),
            ("DSN", Kind::Bounce, None, Some(bounce), "alan@encom.com", SuppressReason::InvalidAddress),
            (
                "DSN without",
                Kind::Bounce,
                None,
                None,
                "flynn@flynnsarcade.com",
                SuppressReason::InvalidAddress,
            ),
        ];
        for (name, kind, from, bounce, address, reason) in cases {
            let mut facts = facts();
            facts.from = from.map(str::to_owned).or(facts.from);
            let verdict = Verdict { intent: Intent::OptOut, bounce, ..verdict(kind, &[Action::Suppress]) };
            let events = events_for(&verdict, &send(), &facts, LogLevel::Metadata, Uuid::nil());
            let expected = Suppress { about: (&send()).into(), address: address.into(), reason };
            assert_eq!(events[0].data, EventData::Suppress(expected), "{name}");
        }
    }

    #[test]
    fn subject_and_text_leave_the_laptop_only_as_far_as_the_log_level_allows() {
        for (level, subject, chars) in [
            (LogLevel::Metadata, false, None),
            (LogLevel::Snippet, true, Some(200)),
            (LogLevel::Full, true, Some(300)),
        ] {
            let events =
                events_for(&verdict(Kind::Reply, &[Action::Log]), &send(), &facts(), level, Uuid::nil());
            let EventData::Log(log) = &events[0].data else { panic!("{events:?}") };
            assert_eq!(log.reply.subject.is_some(), subject, "{level:?}");
            assert_eq!(log.reply.text.as_ref().map(|t| t.chars().count()), chars, "{level:?}");
            let json = serde_json::to_value(&events[0]).unwrap();
            assert_eq!(json.pointer("/data/reply/text").is_some(), chars.is_some(), "{level:?}");
            assert_eq!(json["data"]["reply"]["in_reply_to"], "<s1@sales.example>");
        }
    }

    #[test]
    fn asking_and_pausing_without_a_date_send_nothing() {
        assert_eq!(events(&verdict(Kind::AutoReply, &[Action::Ask, Action::Pause])), []);
    }
}
