//! What the connector writes down before and after it writes to a CRM.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// What was done in the CRM for one event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// An entry was about to be created then, and it is not known whether it was.
    pub began: Option<Timestamp>,
    /// How that entry is found.
    pub lookup: Option<Lookup>,
    /// Entries that were created.
    pub created: Vec<Created>,
    /// Fields that were changed.
    pub changed: Vec<Change>,
}

/// How an entry of ours is found again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lookup {
    /// The object's API name.
    #[serde(alias = "sobject")]
    pub object: String,
    /// The entry's key.
    pub key: String,
    /// Where to look for it: a query, or whose it is.
    #[serde(alias = "soql")]
    pub query: String,
}

/// A record of the CRM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// The object's API name.
    #[serde(alias = "sobject")]
    pub object: String,
    /// The record's id.
    pub id: String,
}

/// A field before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The object's API name.
    #[serde(alias = "sobject")]
    pub object: String,
    /// The record's id.
    pub id: String,
    /// The field's API name.
    pub field: String,
    /// What stood there.
    pub before: Value,
    /// What was written.
    pub after: Value,
}

/// The journal could not be read or written; nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what was done in the CRM could not be written down: {0}")]
pub struct JournalError(pub String);

/// Where records are kept; durable when `save` returns.
pub trait Journal: Sync {
    /// The record of an event; an empty one where there is none.
    fn load(&self, event: Uuid) -> impl Future<Output = Result<Record, JournalError>> + Send;
    /// Keeps it.
    fn save(&self, event: Uuid, record: &Record) -> impl Future<Output = Result<(), JournalError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_before_there_was_more_than_salesforce_is_read() {
        let old = r#"{"began": null, "lookup": {"sobject": "Task", "key": "k", "soql": "SELECT"},
            "created": [{"sobject": "Task", "id": "00T"}],
            "changed": [{"sobject": "Lead", "id": "00Q", "field": "X__c", "before": null, "after": "y"}]}"#;
        let record: Record = serde_json::from_str(old).unwrap();
        assert_eq!((record.created[0].object.as_str(), record.changed[0].object.as_str()), ("Task", "Lead"));
        assert_eq!(record.lookup.unwrap().query, "SELECT");
    }
}
