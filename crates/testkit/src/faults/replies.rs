//! The replies of a story, and what the backend must have of them in the end.

use std::collections::BTreeMap;

use answerback_reply::send::{Campaign, Prospect};
use answerback_reply::{MessageId, TrackedSend};
use anyhow::{Result, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::mail::Mail;
use crate::personas::{Person, REP};

const PROSPECT: Person = Person { name: "Kevin Flynn", address: "flynn@flynnsarcade.com" };

/// Each reply has a send, a campaign and a prospect of its own.
pub(super) fn send(n: usize, now: Timestamp) -> TrackedSend {
    TrackedSend {
        id: send_id(n),
        message_ids: MessageId::new(&sent_message_id(n)).into_iter().collect(),
        marker: None,
        from: Some(REP.address.to_owned()),
        to: vec![PROSPECT.address.to_owned()],
        cc: Vec::new(),
        bcc: Vec::new(),
        subject: Some(format!("Space Paranoids {n}")),
        sent_at: now - SignedDuration::from_hours(48),
        track_until: Some(now + SignedDuration::from_hours(24 * 30)),
        campaign: Some(Campaign { id: format!("cmp_{n}"), name: None, step: Some(1) }),
        prospect: Some(Prospect {
            id: format!("p_{n}"),
            email: Some(PROSPECT.address.to_owned()),
            name: None,
        }),
    }
}

/// The `n`th reply as it comes over the wire.
pub(super) fn reply(n: usize, now: Timestamp) -> Vec<u8> {
    Mail::new(&PROSPECT, &message_id(n), now)
        .received(Some(PROSPECT.address), "mail.flynnsarcade.com", now)
        .to(&[&REP])
        .subject(&format!("Re: Space Paranoids {n}"))
        .answering(&[&sent_message_id(n)])
        .text("Yes, please come by on Thursday.\n\nKevin\n")
        .build()
}

/// Each reply gave one stop and one log, and nothing is there twice. `delivered` are the replies' ids, in their order.
pub(super) fn check<'a>(events: &[Value], delivered: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut ids = BTreeMap::<&str, u32>::new();
    for event in events {
        *ids.entry(text(event, "id")).or_default() += 1;
    }
    if let Some((id, _)) = ids.iter().find(|(_, count)| **count > 1) {
        bail!("Event {id} is there twice");
    }
    for (n, id) in delivered.enumerate() {
        let logs = events.iter().filter(|event| logged_id(event) == Some(id)).count();
        let stop = |event: &&Value| {
            text(event, "type").starts_with("answerback.stop.") && text(event, "subject") == send_id(n)
        };
        let stops = events.iter().filter(stop).count();
        ensure!(logs == 1 && stops == 1, "{id} gave {logs} logs and {stops} stops");
    }
    Ok(())
}

/// The Message-ID of the reply that an event tells of.
pub(super) fn logged_id(event: &Value) -> Option<&str> {
    let id = event.get("data")?.get("reply")?.get("message_id")?.as_str()?;
    Some(id.trim_matches(['<', '>']))
}

pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The `n`th reply's Message-ID.
pub(super) fn message_id(n: usize) -> String {
    format!("reply-{n}@flynnsarcade.com")
}

fn send_id(n: usize) -> String {
    format!("snd_{n}")
}

fn sent_message_id(n: usize) -> String {
    format!("send-{n}@sales.example")
}
