//! A whole judgement against an index of sends.
#![no_main]

use answerback_reply::{Identity, Judge, Message, Policy, SendIndex, TrackedSend};

libfuzzer_sys::fuzz_target!(|raw: &[u8]| {
    let send: TrackedSend = serde_json::from_str(
        r#"{"id":"snd_1","message_ids":["<s1@sales.example>"],"marker":"ab1_9f3c77","to":["flynn@flynnsarcade.com"],
            "subject":"Space Paranoids","sent_at":"2026-11-18T08:00:00Z"}"#,
    )
    .unwrap();
    let mut sends = SendIndex::new();
    sends.insert(&send);
    let (me, policy) = (Identity { addresses: vec!["rep@sales.example".into()], colleagues: vec![] }, Policy::default());
    let judge = Judge { me: &me, sends: &sends, policy: &policy };
    let message = Message::parse(raw);
    judge.triage(&message);
    judge.own_copy(&message);
    let verdict = judge.verdict(&message);
    assert!(verdict.send_id.is_some() || verdict.actions.is_empty());
});
