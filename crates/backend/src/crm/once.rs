//! An entry that is made once, whatever is interrupted.
//!
//! That it is about to be made is written down first. Where the CRM itself refuses a second one with the same key, that is enough; elsewhere a
//! request that was cut off may still be carried out later, so after one nothing is made until the CRM has given it up for certain.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::Wrote;
use super::error::CrmError;
use super::journal::{Created, Journal, Lookup, Record};

/// An entry on its way.
#[derive(Debug)]
pub struct Once<'a, J> {
    journal: &'a J,
    event: Uuid,
    record: Record,
}

impl<'a, J: Journal> Once<'a, J> {
    /// Looks whether the event's entry was made before: then there is nothing to do.
    pub async fn begin(journal: &'a J, event: Uuid) -> Result<Option<Self>, CrmError> {
        let record = journal.load(event).await?;
        Ok(record.created.is_empty().then_some(Self { journal, event, record }))
    }

    /// The entry is there. It is ours where we had begun to make it; somebody else's, of another program or of another rep's copy of the
    /// email, is not ours to take back.
    pub async fn found(mut self, object: &str, id: String) -> Result<Wrote, CrmError> {
        if self.record.began.take().is_some() {
            self.record.created.push(Created { object: object.to_owned(), id });
            self.journal.save(self.event, &self.record).await?;
        }
        Ok(Wrote::Already)
    }

    /// Makes the entry by a request that gives its id. `settle` is after which time a request that was cut off is certain to have been given
    /// up, where the CRM does not refuse a second entry.
    pub async fn make(
        mut self,
        lookup: Lookup,
        now: Timestamp,
        settle: Option<Duration>,
        request: impl Future<Output = Result<Option<String>, CrmError>> + Send,
    ) -> Result<Wrote, CrmError> {
        let earlier = self.record.began;
        if let (Some(settle), Some(began)) = (settle, earlier) {
            let passed = Duration::try_from(now.duration_since(began)).unwrap_or_default();
            if let Some(wait) = settle.checked_sub(passed).filter(|wait| !wait.is_zero()) {
                return Err(CrmError::Unsettled { wait });
            }
        }
        let object = lookup.object.clone();
        self.record.began = Some(now);
        self.record.lookup = Some(lookup);
        self.journal.save(self.event, &self.record).await?;
        let result = request.await;
        match &result {
            Ok(id) => {
                self.record.began = None;
                self.record.created.extend(id.clone().map(|id| Created { object, id }));
            }
            Err(error) if error.is_uncertain() => return result.map(|_| Wrote::Entry),
            // Of a second one, another was faster, or an earlier request of ours that was cut off: the journal knows which.
            Err(_) => self.record.began = earlier,
        }
        self.journal.save(self.event, &self.record).await?;
        match result {
            Ok(_) => Ok(Wrote::Entry),
            Err(CrmError::Duplicate) => Ok(Wrote::Already),
            Err(error) => Err(error),
        }
    }
}
