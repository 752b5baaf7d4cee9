//! Mail of many products and languages, in `verdicts.txt`, each with the verdict that it should get.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a case that cannot be read is a failed test")]

use answerback_reply::{Identity, Intent, Judge, Message, Policy, SendIndex, TrackedSend, Verdict};

fn verdict(raw: &str) -> Verdict {
    let send: TrackedSend = serde_json::from_value(serde_json::json!({
        "id": "snd_1", "message_ids": ["<s1@sales.example>"], "to": ["flynn@flynnsarcade.com"], "subject": "Space Paranoids",
        "sent_at": "2026-11-18T08:00:00Z", "prospect": {"id": "p_1", "email": "flynn@flynnsarcade.com", "name": "Kevin Flynn"},
    }))
    .unwrap();
    let mut sends = SendIndex::new();
    sends.insert(&send);
    let me = Identity { addresses: vec!["rep@sales.example".into()], colleagues: vec![] };
    let policy = Policy::default();
    Judge { me: &me, sends: &sends, policy: &policy }.verdict(&Message::parse(raw.as_bytes()))
}

fn name(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap_or_default().to_owned()
}

/// The verdict as the headings of the cases write it.
fn short(verdict: &Verdict) -> String {
    let mut parts = vec![name(verdict.kind)];
    if let Some(bounce) = &verdict.bounce {
        parts.extend([name(bounce.class), name(bounce.reason)]);
        parts.extend(
            [&bounce.status, &bounce.recipient].map(|text| text.clone().unwrap_or_else(|| "-".into())),
        );
    }
    parts.extend(verdict.returns_on.map(|day| day.to_string()));
    parts.extend(verdict.alternative_contact.clone());
    parts.extend((verdict.intent == Intent::OptOut).then(|| "opt_out".to_owned()));
    parts.extend(verdict.partstat.clone());
    parts.join("/")
}

#[test]
fn every_mail_gets_its_verdict() {
    let file = include_str!("verdicts.txt");
    let (mut cases, mut wrong) = (0, Vec::new());
    for case in file.split("\n===== ").skip(1) {
        let (heading, raw) = case.split_once('\n').unwrap();
        let (expected, title) = heading.split_once(' ').unwrap();
        let verdict = verdict(raw);
        let found = short(&verdict);
        cases += 1;
        let agrees = match expected.strip_suffix('*') {
            Some(beginning) => found.starts_with(beginning),
            None => found == expected,
        };
        if !agrees {
            wrong.push(format!("{title}: {found}, not {expected} ({:?})", verdict.because));
        }
    }
    assert!(cases > 200, "{cases}");
    assert!(wrong.is_empty(), "{} of {cases}\n{}", wrong.len(), wrong.join("\n"));
}
