//! Changes of fields, and taking back what was written.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::Wrote;
use super::error::CrmError;
use super::journal::{Change, Created, Journal, Lookup, Record};
use crate::event::Retract;

/// What a CRM's records are asked and told.
pub trait Records: Sync {
    /// The id of the entry that a lookup means, where it is there.
    fn find(&self, lookup: &Lookup) -> impl Future<Output = Result<Option<String>, CrmError>> + Send;
    /// Deletes an entry.
    fn delete(&self, created: &Created) -> impl Future<Output = Result<(), CrmError>> + Send;
    /// What stands in a change's field now.
    fn read(&self, change: &Change) -> impl Future<Output = Result<Value, CrmError>> + Send;
    /// Writes these values into the changes' fields, each record at once.
    fn write(&self, values: &[(&Change, &Value)]) -> impl Future<Output = Result<(), CrmError>> + Send;
}

/// Makes changes, after what stood there before the first attempt was written down: that is what is put back one day.
pub async fn apply<J: Journal>(
    records: &impl Records,
    journal: &J,
    event: Uuid,
    changes: &[Change],
) -> Result<Wrote, CrmError> {
    if changes.is_empty() {
        return Ok(Wrote::Nothing);
    }
    let mut record = journal.load(event).await?;
    let known = |change: &Change, record: &Record| record.changed.iter().any(|old| same_field(old, change));
    let fresh: Vec<Change> = changes.iter().filter(|change| !known(change, &record)).cloned().collect();
    if !fresh.is_empty() {
        record.changed.extend(fresh);
        journal.save(event, &record).await?;
    }
    let values: Vec<(&Change, &Value)> = changes.iter().map(|change| (change, &change.after)).collect();
    records.write(&values).await?;
    Ok(Wrote::Changes)
}

/// Takes back what was done for events: entries are deleted, fields get back what stood there, unless somebody has changed them since.
pub async fn retract<J: Journal>(
    records: &impl Records,
    journal: &J,
    retract: &Retract,
) -> Result<Wrote, CrmError> {
    let mut wrote = Wrote::Nothing;
    for event in &retract.event_ids {
        let mut record = journal.load(*event).await?;
        if record == Record::default() {
            continue;
        }
        if let (Some(_), Some(lookup)) = (record.began, &record.lookup)
            && let Some(id) = records.find(lookup).await?
        {
            record.created.push(Created { object: lookup.object.clone(), id });
        }
        for created in &record.created {
            match records.delete(created).await {
                Ok(()) | Err(CrmError::Missing(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let mut restored = Vec::new();
        for change in &record.changed {
            match records.read(change).await {
                Ok(now) if same_value(&now, &change.after) => restored.push((change, &change.before)),
                Ok(_) | Err(CrmError::Missing(_)) => {}
                Err(error) => return Err(error),
            }
        }
        records.write(&restored).await?;
        journal.save(*event, &Record::default()).await?;
        wrote = Wrote::TakenBack;
    }
    Ok(wrote)
}

fn same_field(one: &Change, other: &Change) -> bool {
    (&one.object, &one.id, &one.field) == (&other.object, &other.id, &other.field)
}

/// Times come back in another spelling than they went.
fn same_value(one: &Value, other: &Value) -> bool {
    let time = |value: &Value| value.as_str()?.replace("+0000", "Z").parse::<Timestamp>().ok();
    one == other || (time(one).is_some() && time(one) == time(other))
}
