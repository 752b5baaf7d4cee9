//! What holds for every input.
#![allow(clippy::unwrap_used, reason = "a fixture that cannot be built is a failed test")]

use answerback_reply::message::{HEADER_FIELDS, TRIAGE_FIELDS};
use answerback_reply::{Identity, Judge, Kind, Message, Policy, SendIndex, TrackedSend, Triage};
use proptest::prelude::*;

fn sends() -> SendIndex {
    let send: TrackedSend = serde_json::from_value(serde_json::json!({
        "id": "snd_1", "message_ids": ["<s1@sales.example>"], "to": ["flynn@flynnsarcade.com"], "subject": "Space Paranoids",
        "sent_at": "2026-11-18T08:00:00Z",
    }))
    .unwrap();
    let mut sends = SendIndex::new();
    sends.insert(&send);
    sends
}

/// Header lines that mean something, in any order and number, and lines that mean nothing.
fn message() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "(From|To|Cc|Subject|Date|Message-ID|In-Reply-To|References|Content-Type|Return-Path|Auto-Submitted): \\PC{0,60}",
        Just("In-Reply-To: <s1@sales.example>".to_owned()),
        Just("Content-Type: multipart/report; report-type=delivery-status; boundary=b".to_owned()),
        Just("--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\n".to_owned()),
        Just(String::new()),
        "\\PC{0,80}",
    ];
    prop::collection::vec(line, 0..20).prop_map(|lines| lines.join("\n"))
}

/// Any of the fields that are looked at, with values that mean something in one of them.
fn header() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let value = prop_oneof![
        4 => prop::sample::select(vec![
            "rep@sales.example", "flynn@flynnsarcade.com", "x@y.example", "mailer-daemon@mx.example", "challenge@bluebottle.com",
            "<s1@sales.example>", "<other@y.example>", "<>", "Space Paranoids", "Re: lunch", "Fwd: Space Paranoids",
            "Undelivered Mail Returned to Sender", "auto-replied", "auto-generated", "no", "bulk", "list", "junk",
            "multipart/report; report-type=delivery-status; boundary=b", "multipart/report; report-type=feedback-report; boundary=b",
            "multipart/report; report-type=disposition-notification; boundary=b", "text/calendar; method=REPLY", "text/plain",
            "urn:content-classes:dsn", "true", "Fri, 20 Nov 2026 09:12:00 +0000",
        ]).prop_map(str::to_owned),
        1 => "[ -~]{0,30}",
    ];
    let common = vec!["From", "Subject", "In-Reply-To", "Content-Type", "Return-Path"];
    let name = prop_oneof![prop::sample::select(common), prop::sample::select(HEADER_FIELDS.to_vec())];
    prop::collection::vec((name, value), 0..10)
}

fn written<'a>(fields: impl Iterator<Item = &'a (&'static str, String)>) -> Message {
    let text: String = fields.map(|(name, value)| format!("{name}: {value}\n")).collect();
    Message::from_header(text.as_bytes())
}

proptest! {
    #[test]
    fn the_triage_fields_find_every_candidate_and_every_own_copy(fields in header()) {
        let sends = sends();
        let me = Identity { addresses: vec!["rep@sales.example".into()], ..Identity::default() };
        let policy = Policy::default();
        let judge = Judge { me: &me, sends: &sends, policy: &policy };
        let whole = written(fields.iter());
        let few = written(fields.iter().filter(|(name, _)| TRIAGE_FIELDS.iter().any(|f| f.name() == *name)));
        prop_assert_eq!(whole.key(), few.key());
        prop_assert_eq!(judge.own_copy(&whole), judge.own_copy(&few));
        let triage = judge.triage(&whole);
        if triage != Triage::Unrelated {
            prop_assert_eq!(triage, judge.triage(&few));
        }
    }

    #[test]
    fn what_a_header_is_attributed_by_makes_it_a_candidate(fields in header()) {
        let sends = sends();
        let me = Identity { addresses: vec!["rep@sales.example".into()], ..Identity::default() };
        let policy = Policy::default();
        let judge = Judge { me: &me, sends: &sends, policy: &policy };
        let message = written(fields.iter());
        let verdict = judge.verdict(&message);
        let returns_original = matches!(
            verdict.kind,
            Kind::Bounce | Kind::Delay | Kind::Receipt | Kind::Complaint | Kind::Challenge
        );
        if verdict.kind != Kind::Own && (verdict.send_id.is_some() || returns_original) {
            prop_assert_eq!(judge.triage(&message), Triage::Candidate);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(raw in prop::collection::vec(any::<u8>(), 0..2000)) {
        let message = Message::parse(&raw);
        let sends = sends();
        let (me, policy) = (Identity::default(), Policy::default());
        Judge { me: &me, sends: &sends, policy: &policy }.verdict(&message);
    }

    #[test]
    fn header_and_whole_message_agree_on_the_header(raw in message()) {
        let (header, whole) = (Message::from_header(raw.as_bytes()), Message::parse(raw.as_bytes()));
        prop_assert_eq!(header.key(), whole.key());
        prop_assert_eq!(header.in_reply_to, whole.in_reply_to);
        prop_assert_eq!(header.signs, whole.signs);
    }

    #[test]
    fn what_answers_nothing_does_nothing_and_evidence_comes_with_a_send(raw in message()) {
        let sends = sends();
        let (me, policy) = (Identity::default(), Policy::default());
        let verdict = Judge { me: &me, sends: &sends, policy: &policy }.verdict(&Message::parse(raw.as_bytes()));
        prop_assert_eq!(verdict.send_id.is_some(), !verdict.evidence.is_empty());
        prop_assert_eq!(verdict.send_id.is_some(), verdict.confidence > 0.0);
        prop_assert!(verdict.send_id.is_some() || verdict.actions.is_empty());
    }

    #[test]
    fn a_verdict_survives_json(raw in message()) {
        let sends = sends();
        let (me, policy) = (Identity::default(), Policy::default());
        let verdict = Judge { me: &me, sends: &sends, policy: &policy }.verdict(&Message::parse(raw.as_bytes()));
        let json = serde_json::to_string(&verdict).unwrap();
        prop_assert_eq!(serde_json::from_str::<answerback_reply::Verdict>(&json).unwrap(), verdict);
    }

    #[test]
    fn line_ends_do_not_matter(raw in message()) {
        let dos = raw.replace('\n', "\r\n");
        let (unix, dos) = (Message::parse(raw.as_bytes()), Message::parse(dos.as_bytes()));
        prop_assert_eq!(unix.key(), dos.key());
        prop_assert_eq!(unix.content_type, dos.content_type);
        prop_assert_eq!(unix.body.texts.len(), dos.body.texts.len());
    }
}
