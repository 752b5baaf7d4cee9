//! What the CRM connectors' tests stand on: a journal that can be killed, and the events of the seed's story.
#![allow(clippy::unwrap_used, reason = "what tests share may panic like the tests")]

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use answerback_backend::Event;
use answerback_backend::crm::{Journal, JournalError, Record};
use answerback_reply::TrackedSend;
use serde_json::{Value, json};
use uuid::Uuid;

/// The prospect.
pub const FLYNN: &str = "flynn@flynnsarcade.com";
/// Who was in CC.
pub const ALAN: &str = "alan@encom.com";

/// A journal in memory that can be "killed" at its nth save.
#[derive(Default)]
pub struct Memory {
    records: Mutex<HashMap<Uuid, Record>>,
    saves_left: Option<AtomicI64>,
}

impl Memory {
    /// One that saves so often, and then never again.
    pub fn killed_after(saves: i64) -> Self {
        Self { saves_left: Some(AtomicI64::new(saves)), ..Self::default() }
    }

    /// As the next process finds it.
    pub fn revived(self) -> Self {
        Self { records: self.records, saves_left: None }
    }
}

impl Journal for Memory {
    async fn load(&self, event: Uuid) -> Result<Record, JournalError> {
        Ok(self.records.lock().unwrap().get(&event).cloned().unwrap_or_default())
    }

    async fn save(&self, event: Uuid, record: &Record) -> Result<(), JournalError> {
        if self.saves_left.as_ref().is_some_and(|left| left.fetch_sub(1, Ordering::Relaxed) <= 0) {
            return Err(JournalError("killed".into()));
        }
        self.records.lock().unwrap().insert(event, record.clone());
        Ok(())
    }
}

/// The send to Flynn, with Alan in CC.
pub fn send() -> TrackedSend {
    serde_json::from_value(json!({
        "id": "snd_1", "message_ids": ["<s1@sales.example>"], "from": "rep@sales.example", "to": [FLYNN], "cc": [ALAN],
        "subject": "Space Paranoids", "sent_at": "2026-11-18T08:00:00Z", "campaign": {"id": "cmp_1"},
        "prospect": {"id": "p_1", "email": FLYNN, "name": "Kevin Flynn"}
    }))
    .unwrap()
}

/// An event about the send, of this type (`stop`), with this data; its id follows from the name.
pub fn event(name: &str, event_type: &str, more: Value) -> Event {
    let mut data = json!({"send_id": "snd_1", "campaign_id": "cmp_1", "prospect_id": "p_1"});
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
    serde_json::from_value(json!({"specversion": "1.0", "id": id, "source": "answerback:/accounts/x",
        "type": format!("answerback.{event_type}.v1"), "time": "2026-11-20T09:12:00Z", "subject": "snd_1", "data": data}))
    .unwrap()
}

/// The log of an answer with this Message-ID, by this author.
pub fn log(id: &str, from: &str, relation: &str, cc: &[&str]) -> Event {
    let reply = json!({"message_id": id, "from": from, "to": ["rep@sales.example"], "cc": cc, "received_at": "2026-11-20T09:12:00Z"});
    event(id, "log", json!({"kind": "reply", "relation": relation, "reply": reply, "confidence": 1.0}))
}

/// The log of Flynn's answer, from his other address.
pub fn flynns() -> Event {
    log("<r1@flynnsarcade.com>", "kevinf@flynnsarcade.com", "same_person_other_address", &[])
}

/// The log of an answer of a machine.
pub fn automatic() -> Event {
    let reply = json!({"message_id": "<o@x>", "from": FLYNN, "received_at": "2026-11-20T09:12:00Z"});
    let data = json!({"kind": "auto_reply", "relation": "prospect", "confidence": 1.0, "reply": reply});
    event("ooo", "log", data)
}

/// The campaign ends because of an answer.
pub fn stop() -> Event {
    event("stop", "stop", json!({"reason": "reply"}))
}

/// These events were wrong.
pub fn retract(events: &[&Event]) -> Event {
    let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
    event("retract", "retract", json!({"event_ids": ids, "reason": "not_a_reply"}))
}
