//! What an organisation has: which objects and fields the user can use.

use std::collections::BTreeMap;

use serde_json::Value;

use super::people::{BOUNCED_REASON, OPT_OUT};
use super::settings::{LogAs, Settings};
use crate::crm::CrmError;

/// The objects that are looked at.
pub const OBJECTS: [&str; 7] = [
    "Contact",
    "Lead",
    "EmailMessage",
    "EmailMessageRelation",
    "Task",
    "CampaignMember",
    "ActionCadenceTracker",
];

/// What an organisation has, from its describes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Org {
    /// Emails are logged as EmailMessage: Enhanced Email is on and the user may create them.
    pub emails: bool,
    /// EmailMessage has the key's field.
    pub email_key: bool,
    /// Task has it.
    pub task_key: bool,
    /// Task.Type has the value `Reply`.
    pub reply_type: bool,
    /// A relation of an email says of a bounce or an out-of-office answer that it is one.
    pub delivery_responses: bool,
    /// There are Sales Engagement cadences.
    pub cadences: bool,
    /// An email says for which step of a cadence it was sent.
    pub cadence_steps: bool,
    /// There are person accounts.
    pub person_accounts: bool,
    /// Fields of Contact and Lead that can be read, of those that are ours to change.
    pub own: Vec<&'static str>,
}

/// The describes, by object.
pub type Describes = BTreeMap<&'static str, Result<Value, CrmError>>;

impl Org {
    /// From the describes.
    pub fn new(describes: &Describes, settings: &Settings) -> Self {
        let object = |name: &str| describes.get(name).and_then(|d| d.as_ref().ok());
        let creatable = |name| object(name).is_some_and(|d| flag(d, "createable"));
        let key = |name| object(name).and_then(|d| field(d, &settings.key_field)).is_some_and(is_key);
        let both = |name: &str| {
            ["Contact", "Lead"].iter().all(|o| object(o).is_some_and(|d| field(d, name).is_some()))
        };
        let emails = creatable("EmailMessage") && creatable("EmailMessageRelation");
        Self {
            emails: emails && settings.mapping.log_as == LogAs::Auto,
            email_key: key("EmailMessage"),
            task_key: key("Task"),
            reply_type: object("Task").and_then(|d| field(d, "Type")).is_some_and(|f| has_value(f, "Reply")),
            delivery_responses: object("EmailMessageRelation")
                .and_then(|d| field(d, "DeliveryResponse"))
                .is_some_and(|f| flag(f, "createable") && has_value(f, "OutOfOffice")),
            cadences: object("ActionCadenceTracker").is_some(),
            cadence_steps: object("EmailMessage")
                .is_some_and(|d| field(d, "ActionCadenceStepTrackerId").is_some()),
            person_accounts: object("Contact").is_some_and(|d| field(d, "IsPersonAccount").is_some()),
            own: [OPT_OUT, BOUNCED_REASON].into_iter().filter(|name| both(name)).collect(),
        }
    }
}

/// A field of an object.
pub(super) fn field<'a>(describe: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = describe.get("fields")?.as_array()?;
    fields.iter().find(|f| f.get("name").and_then(Value::as_str) == Some(name))
}

/// Whether a describe says so of an object or a field.
pub(super) fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn is_key(field: &Value) -> bool {
    ["externalId", "unique", "createable"].iter().all(|name| flag(field, name))
}

fn has_value(field: &Value, value: &str) -> bool {
    let values = field.get("picklistValues").and_then(Value::as_array).into_iter().flatten();
    values.into_iter().any(|v| v.get("value").and_then(Value::as_str) == Some(value) && flag(v, "active"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings() -> Settings {
        toml::from_str("url = 'https://acme.my.salesforce.com'\nclient_id = 'x'").unwrap()
    }

    #[test]
    fn an_organisation_without_enhanced_email_gets_tasks() {
        let task = json!({"createable": true, "fields": [
            {"name": "Type", "picklistValues": [{"value": "Reply", "active": true}]},
            {"name": "Answerback_Key__c", "externalId": true, "unique": false, "createable": true}]});
        let describes: Describes = [
            ("Task", Ok(task)),
            ("EmailMessage", Ok(json!({"createable": true, "fields": []}))),
            ("EmailMessageRelation", Err(CrmError::Missing("NOT_FOUND".into()))),
        ]
        .into();
        let org = Org::new(&describes, &settings());
        assert_eq!(org, Org { reply_type: true, ..Org::default() });
    }
}
