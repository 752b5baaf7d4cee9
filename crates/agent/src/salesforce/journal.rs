//! The connector's journal in the agent's store: each record beside the outbox's row that it belongs to.

use answerback_backend::crm::{Journal, JournalError, Record};
use uuid::Uuid;

use crate::storage::Storage;

/// What was written for which event of the outbox.
#[derive(Clone, Copy, Debug)]
pub struct StoreJournal<'a>(pub &'a Storage);

impl StoreJournal<'_> {
    /// Whether nothing was begun for an event.
    pub async fn is_untouched(&self, event: Uuid) -> Result<bool, JournalError> {
        Ok(self.load(event).await? == Record::default())
    }
}

impl Journal for StoreJournal<'_> {
    async fn load(&self, event: Uuid) -> Result<Record, JournalError> {
        let text = self.0.call(move |store| store.crm_record(&event.to_string())).await.map_err(failed)?;
        text.map_or_else(|| Ok(Record::default()), |text| serde_json::from_str(&text).map_err(failed))
    }

    async fn save(&self, event: Uuid, record: &Record) -> Result<(), JournalError> {
        let text = serde_json::to_string(record).map_err(failed)?;
        self.0.call(move |store| store.keep_crm_record(&event.to_string(), &text)).await.map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> JournalError {
    JournalError(error.to_string())
}
