//! What mail systems, mail programs and people write, product by product: the kind of each, and of bounces the class,
//! reason, status and recipient.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a fixture that cannot be read is a failed test")]

use std::{fs, path::Path};

use answerback_reply::{
    Bounce,
    BounceClass::{self, Permanent, Transient},
    BounceReason::{self, Address, Blocked, Content, Expired, MailboxFull},
    Identity, Judge,
    Kind::{
        self, Acknowledgement, AutoReply, Bulk, CalendarResponse, Challenge, Complaint, Delay, Receipt, Reply,
    },
    Message, Policy, SendIndex, TrackedSend, Verdict,
};

fn verdict(name: &str) -> Verdict {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail").join(format!("{name}.eml"));
    let raw = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let send: TrackedSend = serde_json::from_value(serde_json::json!({
        "id": "snd_1", "message_ids": ["<s1@sales.example>"], "to": ["flynn@flynnsarcade.com"], "subject": "Space Paranoids",
        "sent_at": "2026-11-18T08:00:00Z", "prospect": {"id": "p_1", "email": "flynn@flynnsarcade.com", "name": "Kevin Flynn"},
    }))
    .unwrap();
    let mut sends = SendIndex::new();
    sends.insert(&send);
    let me = Identity { addresses: vec!["rep@sales.example".into()], colleagues: vec![] };
    let policy = Policy::default();
    let judge = Judge { me: &me, sends: &sends, policy: &policy };
    judge.verdict(&Message::parse(&raw))
}

#[test]
fn every_product_is_told_apart() {
    let rows: &[(&str, Kind)] = &[
        ("postfix-delay-warning", Delay),
        ("postfix-delivered", Receipt),
        ("two-recipients", Delay),
        ("exim-warning", Delay),
        ("arf-complaint", Complaint),
        ("mdn-displayed", Receipt),
        ("itip-declined", CalendarResponse),
        ("exchange-online-oof", AutoReply),
        ("exchange-2007-oof", AutoReply),
        ("exchange-german-oof", AutoReply),
        ("gmail-vacation", AutoReply),
        ("icloud-vacation", AutoReply),
        ("sieve-vacation", AutoReply),
        ("notes-oof", AutoReply),
        ("cpanel-autorespond", AutoReply),
        ("zendesk-acknowledgement", Acknowledgement),
        ("rt-acknowledgement", Acknowledgement),
        ("boxtrapper-challenge", Challenge),
        ("newsletter", Bulk),
        ("dmarc-aggregate", Bulk),
        ("person-answers", Reply),
        ("person-about-bounces", Reply),
        ("person-about-absence", Reply),
        ("person-forwards-bounce", Reply),
        ("list-answer", Reply),
        ("notification-quotes-person", Bulk),
    ];
    for (name, kind) in rows {
        assert_eq!(verdict(name).kind, *kind, "{name}");
    }
}

#[test]
fn every_bounce_gives_class_reason_status_and_recipient() {
    type Row = (&'static str, BounceClass, BounceReason, Option<&'static str>, &'static str);
    let rows: &[Row] = &[
        ("postfix-unknown-user", Permanent, Address, Some("5.1.1"), "flynn@flynnsarcade.com"),
        ("postfix-expired", Transient, Expired, Some("4.4.1"), "flynn@flynnsarcade.com"),
        ("sendmail-host-unknown", Permanent, Address, Some("5.1.2"), "flynn@flynnsarcade.com"),
        ("exchange-online-spam", Permanent, Content, Some("5.7.1"), "flynn@flynnsarcade.com"),
        ("exchange-mailbox-full", Permanent, MailboxFull, Some("5.2.2"), "flynn@flynnsarcade.com"),
        ("gmail-blocked", Permanent, Blocked, Some("5.7.1"), "flynn@flynnsarcade.com"),
        ("qmail-failure-notice", Permanent, Address, Some("5.1.1"), "flynn@flynnsarcade.com"),
        ("exim-failure", Permanent, Address, None, "flynn@flynnsarcade.com"),
        ("exchange-2003-system-administrator", Permanent, Address, Some("5.1.1"), "flynn@flynnsarcade.com"),
        ("notes-delivery-failure", Permanent, Address, None, "flynn@flynnsarcade.com"),
        ("gmx-full", Transient, MailboxFull, None, "flynn@gmx.net"),
        ("yahoo-failure", Permanent, Address, None, "flynn@yahoo.com"),
        ("netease-163", Permanent, Address, None, "flynn@163.com"),
        ("undelivered-german", Permanent, Address, Some("5.1.1"), "flynn@flynnsarcade.com"),
    ];
    for (name, class, reason, status, recipient) in rows {
        let verdict = verdict(name);
        assert_eq!(verdict.kind, Kind::Bounce, "{name}");
        let Some(Bounce {
            class: found_class,
            reason: found_reason,
            status: found_status,
            recipient: found,
            ..
        }) = verdict.bounce
        else {
            panic!("{name} has no bounce");
        };
        assert_eq!((found_class, found_reason), (*class, *reason), "{name}");
        assert_eq!(found_status.as_deref(), *status, "{name}");
        assert_eq!(found.as_deref(), Some(*recipient), "{name}");
    }
}

#[test]
fn what_returns_or_answers_the_send_is_attributed_to_it() {
    for name in [
        "postfix-unknown-user",
        "exchange-online-spam",
        "gmail-blocked",
        "qmail-failure-notice",
        "exim-failure",
        "yahoo-failure",
        "arf-complaint",
        "mdn-displayed",
        "itip-declined",
        "person-answers",
        "exchange-2007-oof",
        "exchange-german-oof",
    ] {
        assert_eq!(verdict(name).send_id.as_deref(), Some("snd_1"), "{name}");
    }
}

#[test]
fn a_verdict_says_what_decided() {
    for (name, english, spanish) in [
        ("exchange-online-oof", "Auto-Submitted", "Auto-Submitted"),
        ("postfix-unknown-user", "message/delivery-status", "message/delivery-status"),
        ("person-answers", "In-Reply-To", "In-Reply-To"),
    ] {
        let verdict = verdict(name);
        use answerback_reply::explanation::Language;
        let (en, es) = (verdict.explain(Language::English), verdict.explain(Language::Spanish));
        assert!(en.contains(english), "{en}");
        assert!(es.contains(spanish), "{es}");
        assert_ne!(en, es);
    }
}
