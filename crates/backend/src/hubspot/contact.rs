//! Contacts.

use serde_json::{Value, json};

use crate::crm::journal::Change;
use crate::crm::people::Known;

/// A contact.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    id: String,
    email: String,
    properties: Value,
}

impl Known for Contact {
    fn id(&self) -> &str {
        &self.id
    }

    fn address(&self) -> &str {
        &self.email
    }
}

impl Contact {
    /// From a record as it is read.
    pub fn new(record: &Value) -> Option<Self> {
        let properties = record.get("properties")?;
        let email = properties.get("email").and_then(Value::as_str).unwrap_or_default().to_lowercase();
        Some(Self { id: record.get("id")?.as_str()?.to_owned(), email, properties: properties.clone() })
    }

    /// The changes that make it as wished; none where it is so already. HubSpot writes an empty value as null or as an empty text.
    pub fn changes(&self, wishes: &[(String, String)]) -> Vec<Change> {
        let changes = wishes.iter().map(|(property, value)| Change {
            object: "contacts".into(),
            id: self.id.clone(),
            field: property.clone(),
            before: json!(self.properties.get(property).and_then(Value::as_str).unwrap_or_default()),
            after: json!(value),
        });
        changes.filter(|change| change.before != change.after).collect()
    }
}

/// The one with an address. Primary addresses are unique.
pub fn with_address<'a>(contacts: &'a [Contact], address: &str) -> Option<&'a Contact> {
    let address = address.to_lowercase();
    contacts.iter().find(|contact| contact.email == address)
}
