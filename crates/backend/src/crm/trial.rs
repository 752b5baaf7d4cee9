//! An entry for trial: written as every other is, and removed again.

use std::sync::{Mutex, PoisonError};

use answerback_reply::{Kind, MessageId, Relation};
use jiff::Timestamp;
use uuid::Uuid;

use super::error::CrmError;
use super::journal::{Journal, JournalError, Record};
use super::{Crm, Wrote};
use crate::event::{Event, EventData, Log, Reply, Retract, SendRef};

/// A trial's entry that could not be removed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The test entry was written and could not be removed ({why}). Delete it by hand: {left}")]
pub struct Left {
    /// Which records stay.
    pub left: String,
    /// Why.
    pub why: CrmError,
}

/// Why a trial failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrialError {
    /// It was not written.
    #[error(transparent)]
    Write(#[from] CrmError),
    /// It was not removed.
    #[error(transparent)]
    Left(#[from] Left),
}

/// Logs a reply of whoever has this address, who must be there, and takes it back; gives the objects that were written.
pub async fn trial(crm: &impl Crm, address: &str, now: Timestamp) -> Result<Vec<String>, TrialError> {
    let crm = crm.for_trial()?;
    let journal = Scratch::default();
    let id = Uuid::new_v4();
    if crm.deliver(&log(id, address, now), None, &journal, now).await? != Wrote::Entry {
        return Err(CrmError::Nobody.into());
    }
    let written = journal.lock().created.clone();
    let retract = Retract { about: about(), event_ids: vec![id], reason: "test".into() };
    let retract = event(Uuid::new_v4(), EventData::Retract(retract), now);
    if let Err(why) = crm.deliver(&retract, None, &journal, now).await {
        let left: Vec<String> =
            written.iter().map(|created| format!("{} {}", created.object, created.id)).collect();
        return Err(Left { left: left.join(", "), why }.into());
    }
    Ok(written.into_iter().map(|created| created.object).collect())
}

fn log(id: Uuid, address: &str, now: Timestamp) -> Event {
    let reply = Reply {
        message_id: MessageId::new(&format!("<test-{id}@answerback.invalid>")),
        from: Some(address.trim().to_lowercase()),
        subject: Some("Answerback test entry".into()),
        text: Some("This entry is removed as soon as it is written.".into()),
        received_at: Some(now),
        ..Reply::default()
    };
    let log = Log {
        about: about(),
        kind: Kind::Reply,
        relation: Some(Relation::Prospect),
        intent: Default::default(),
        reply,
        evidence: Vec::new(),
        confidence: 1.0,
    };
    event(id, EventData::Log(Box::new(log)), now)
}

fn event(id: Uuid, data: EventData, now: Timestamp) -> Event {
    Event { id, source: "answerback:/test".into(), time: now, subject: None, data }
}

fn about() -> SendRef {
    SendRef { send_id: "test".into(), campaign_id: None, prospect_id: None }
}

/// A journal of one event that nobody needs afterwards.
#[derive(Default)]
struct Scratch(Mutex<Record>);

impl Scratch {
    fn lock(&self) -> std::sync::MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for Scratch {
    async fn load(&self, _: Uuid) -> Result<Record, JournalError> {
        Ok(self.lock().clone())
    }

    async fn save(&self, _: Uuid, record: &Record) -> Result<(), JournalError> {
        *self.lock() = record.clone();
        Ok(())
    }
}
