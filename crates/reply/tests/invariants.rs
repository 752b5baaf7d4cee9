//! What holds for every input.
#![allow(clippy::unwrap_used, reason = "a fixture that cannot be built is a failed test")]

use answerback_reply::{Identity, Judge, Message, Policy, SendIndex, TrackedSend};
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

proptest! {
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
