//! An organisation's records, and the rules that they obey.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::oauth::USER;
use super::schema::{KEY, Object, objects};
use crate::personas::REP;

/// What an organisation has.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Enhanced Email.
    pub enhanced_email: bool,
    /// The key's field on EmailMessage and Task.
    pub key_field: bool,
    /// Task.Type has the value `Reply`.
    pub reply_type: bool,
    /// Person accounts.
    pub person_accounts: bool,
    /// The newest version of the API that it has.
    pub newest_version: u16,
    /// Sales Engagement.
    pub sales_engagement: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enhanced_email: true,
            key_field: true,
            reply_type: true,
            person_accounts: false,
            newest_version: 68,
            sales_engagement: false,
        }
    }
}

/// Something that the integration user may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Denied {
    /// See this object.
    Read(&'static str),
    /// Create its records.
    Create(&'static str),
    /// Change them.
    Edit(&'static str),
}

/// An error as Salesforce shapes it.
#[derive(Clone, Debug)]
pub(super) struct ApiError {
    pub(super) status: u16,
    pub(super) code: &'static str,
    message: String,
    fields: Vec<String>,
}

impl ApiError {
    pub(super) fn new(status: u16, code: &'static str, message: &str) -> Self {
        Self { status, code, message: message.to_owned(), fields: Vec::new() }
    }

    fn field(code: &'static str, message: &str, field: &str) -> Self {
        Self { fields: vec![field.to_owned()], ..Self::new(400, code, message) }
    }

    pub(super) fn json(&self) -> Value {
        let mut error = json!({"message": self.message, "errorCode": self.code});
        if let (false, Value::Object(error)) = (self.fields.is_empty(), &mut error) {
            error.insert("fields".into(), json!(self.fields));
        }
        json!([error])
    }

    /// As in the results of collections.
    pub(super) fn in_collection(&self) -> Value {
        json!({"statusCode": self.code, "message": self.message, "fields": self.fields})
    }
}

type Record = Map<String, Value>;

/// Who has made what a test has put there.
const ADMINISTRATOR: &str = "005000000000009AAA";

/// The records of one organisation. A clone is a savepoint.
#[derive(Clone, Debug)]
pub(super) struct Org {
    objects: std::sync::Arc<Vec<Object>>,
    records: BTreeMap<&'static str, Vec<Record>>,
    /// The recycle bin.
    bin: BTreeMap<&'static str, Vec<Record>>,
    made: u64,
    pub(super) denied: HashSet<Denied>,
    /// The next change meets a locked row.
    pub(super) locked: bool,
}

impl Org {
    pub(super) fn new(options: &Options) -> Self {
        let objects = std::sync::Arc::new(objects(options));
        let mut org = Self {
            objects,
            records: BTreeMap::new(),
            bin: BTreeMap::new(),
            made: 0,
            denied: HashSet::new(),
            locked: false,
        };
        let user = json!({"Id": USER, "Username": REP.address, "Name": REP.name});
        for (name, fields) in [("User", user), ("Organization", json!({"Name": "Sales Example"}))] {
            // Both objects are in every organisation.
            let _there = org.seed(name, fields);
        }
        org
    }

    pub(super) fn objects(&self) -> &[Object] {
        &self.objects
    }

    pub(super) fn object(&self, name: &str) -> Result<&Object, ApiError> {
        let object = self.objects.iter().find(|object| object.name.eq_ignore_ascii_case(name));
        object.filter(|object| !self.denied.contains(&Denied::Read(object.name))).ok_or_else(|| {
            ApiError::new(400, "INVALID_TYPE", &format!("sObject type '{name}' is not supported."))
        })
    }

    pub(super) fn creatable(&self, object: &Object) -> bool {
        !self.denied.contains(&Denied::Create(object.name))
    }

    pub(super) fn all(&self, object: &str) -> impl Iterator<Item = &Record> {
        self.records.get(object).into_iter().flatten()
    }

    /// Those in the recycle bin.
    pub(super) fn deleted(&self, object: &str) -> impl Iterator<Item = &Record> {
        self.bin.get(object).into_iter().flatten()
    }

    pub(super) fn find(&self, object: &str, id: &str) -> Option<&Record> {
        self.all(object).find(|record| same_id(record, id))
    }

    pub(super) fn find_by(&self, object: &str, field: &str, value: &str) -> Option<&Record> {
        self.all(object).find(|record| record.get(field).and_then(Value::as_str) == Some(value))
    }

    pub(super) fn get(&self, object: &str, id: &str) -> Result<&Record, ApiError> {
        let name = self.object(object)?.name;
        self.find(name, id)
            .ok_or_else(|| ApiError::new(404, "NOT_FOUND", "The requested resource does not exist"))
    }

    /// Puts a record there as an administrator or a trigger would, past the rules.
    pub(super) fn seed(&mut self, object: &'static str, fields: Value) -> Result<String, ApiError> {
        let prefix = self.object(object)?.prefix;
        self.made += 1;
        let id = long_id(&format!("{prefix}{:012}", self.made));
        let Value::Object(mut record) = fields else {
            return Err(ApiError::new(400, "JSON_PARSER_ERROR", "not an object"));
        };
        let id = record.get("Id").and_then(Value::as_str).map_or(id, str::to_owned);
        record.insert("Id".into(), json!(id));
        record.entry("CreatedDate").or_insert_with(now);
        record.entry("LastModifiedDate").or_insert_with(now);
        record.entry("SystemModstamp").or_insert_with(now);
        record.entry("CreatedById").or_insert(json!(ADMINISTRATOR));
        record.entry("IsDeleted").or_insert(json!(false));
        if matches!(object, "Contact" | "Lead") {
            let part = |name| record.get(name).and_then(Value::as_str);
            let name: Vec<&str> = [part("FirstName"), part("LastName")].into_iter().flatten().collect();
            let name = json!(name.join(" "));
            record.insert("Name".into(), name);
        }
        if object == "Lead" {
            record.entry("IsConverted").or_insert(json!(false));
        }
        self.records.entry(object).or_default().push(record);
        Ok(id)
    }

    pub(super) fn create(&mut self, name: &str, fields: &Record) -> Result<String, ApiError> {
        let object = self.object(name)?;
        let name = object.name;
        if !self.creatable(object) {
            return Err(ApiError::new(
                403,
                "INSUFFICIENT_ACCESS_OR_READONLY",
                "insufficient access rights on object id",
            ));
        }
        for field in object.fields.iter().filter(|field| field.required) {
            if fields.get(field.name).is_none_or(Value::is_null) {
                let message = format!("Required fields are missing: [{}]", field.name);
                return Err(ApiError::field("REQUIRED_FIELD_MISSING", &message, field.name));
            }
        }
        self.check(name, fields, None)?;
        self.unlock()?;
        let mut record = fields.clone();
        record.insert("CreatedById".into(), json!(USER));
        let recipients =
            [("ToIds", "ToAddress"), ("CcIds", "CcAddress")].map(|(ids, kind)| (record.remove(ids), kind));
        let id = self.seed(name, Value::Object(record))?;
        for (ids, kind) in recipients {
            for person in ids.iter().filter_map(Value::as_array).flatten().filter_map(Value::as_str) {
                let address = ["Contact", "Lead"]
                    .iter()
                    .find_map(|o| self.find(o, person))
                    .and_then(|p| p.get("Email").cloned());
                let relation = json!({"EmailMessageId": id, "RelationId": person, "RelationType": kind, "RelationAddress": address});
                self.seed("EmailMessageRelation", relation)?;
            }
        }
        Ok(id)
    }

    pub(super) fn update(&mut self, name: &str, id: &str, fields: &Record) -> Result<(), ApiError> {
        let name = self.object(name)?.name;
        if self.denied.contains(&Denied::Edit(name)) {
            return Err(ApiError::new(
                403,
                "INSUFFICIENT_ACCESS_OR_READONLY",
                "insufficient access rights on object id",
            ));
        }
        self.get(name, id)?;
        self.check(name, fields, Some(id))?;
        self.unlock()?;
        let record =
            self.records.get_mut(name).and_then(|all| all.iter_mut().find(|record| same_id(record, id)));
        if let Some(record) = record {
            record.extend(fields.clone());
            record.insert("LastModifiedDate".into(), now());
            record.insert("SystemModstamp".into(), now());
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, name: &str, id: &str) -> Result<(), ApiError> {
        let name = self.object(name)?.name;
        let id = self.get(name, id)?.get("Id").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.unlock()?;
        let records = self.records.entry(name).or_default();
        for mut record in records.extract_if(.., |record| same_id(record, &id)) {
            record.insert("IsDeleted".into(), json!(true));
            record.insert("SystemModstamp".into(), now());
            self.bin.entry(name).or_default().push(record);
        }
        if name == "EmailMessage" {
            let of_email =
                |record: &Record| record.get("EmailMessageId").and_then(Value::as_str) == Some(&id);
            self.records.entry("EmailMessageRelation").or_default().retain(|record| !of_email(record));
        }
        Ok(())
    }

    /// What the action of this name does for a target: it takes it out of its cadence.
    pub(super) fn remove_from_cadence(&mut self, input: &Value) -> Result<(), ApiError> {
        let text = |name| input.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("completionReasonCode") != "ManuallyRemoved" {
            return Err(ApiError::new(400, "INVALID_API_INPUT", "completionReasonCode: invalid value"));
        }
        let trackers = self.records.get_mut("ActionCadenceTracker").into_iter().flatten();
        let tracker = trackers.into_iter().find(|tracker| {
            let running = tracker.get("CompletionReason").is_none_or(Value::is_null);
            running && same_id(tracker, text("actionCadenceTrackerId"))
        });
        let Some(tracker) = tracker else {
            return Err(ApiError::new(400, "INVALID_API_INPUT", "The target isn't in a cadence."));
        };
        tracker.insert("State".into(), json!("Complete"));
        tracker.insert("CompletionReason".into(), json!("ManuallyRemoved"));
        tracker.insert("CompletionDisposition".into(), json!(text("completionDisposition")));
        Ok(())
    }

    /// What a create (`id` is `None`) or an update may hold.
    fn check(&self, name: &str, fields: &Record, id: Option<&str>) -> Result<(), ApiError> {
        let object = self.object(name)?;
        for (given, value) in fields {
            let Some(field) = object.field(given) else {
                let message = format!("No such column '{given}' on sobject of type {name}");
                return Err(ApiError::new(400, "INVALID_FIELD", &message));
            };
            if !(if id.is_some() { field.update } else { field.create }) {
                let message = format!(
                    "Unable to create/update fields: {given}. Please check the security settings of this field."
                );
                return Err(ApiError::field("INVALID_FIELD_FOR_INSERT_UPDATE", &message, given));
            }
            let Some(text) = value.as_str() else { continue };
            if field.length > 0 && text.encode_utf16().count() > field.length {
                return Err(ApiError::field(
                    "STRING_TOO_LONG",
                    &format!("{given}: data value too large"),
                    given,
                ));
            }
            let restricted = matches!(field.name, "RelationType" | "DeliveryResponse");
            if restricted && !field.values.contains(&text) {
                return Err(ApiError::field(
                    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                    "bad value for restricted picklist field",
                    given,
                ));
            }
            if field.kind == "reference" && !matches!(text.len(), 15 | 18) {
                return Err(ApiError::field(
                    "MALFORMED_ID",
                    &format!("{given}: id value of incorrect type"),
                    given,
                ));
            }
            let other =
                self.find_by(object.name, field.name, text).and_then(|r| r.get("Id")).and_then(Value::as_str);
            if let (true, Some(other)) =
                (field.key, other.filter(|other| id.is_none_or(|id| id.get(..15) != other.get(..15))))
            {
                let message =
                    format!("duplicate value found: {KEY} duplicates value on record with id: {other}");
                return Err(ApiError::new(400, "DUPLICATE_VALUE", &message));
            }
        }
        Ok(())
    }

    fn unlock(&mut self) -> Result<(), ApiError> {
        match std::mem::take(&mut self.locked) {
            true => Err(ApiError::new(
                400,
                "UNABLE_TO_LOCK_ROW",
                "unable to obtain exclusive access to this record",
            )),
            false => Ok(()),
        }
    }
}

fn now() -> Value {
    json!(Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string())
}

fn same_id(record: &Record, id: &str) -> bool {
    let own = record.get("Id").and_then(Value::as_str).unwrap_or_default();
    own.get(..15).is_some_and(|own| Some(own) == id.get(..15))
}

/// The 18 characters of an id of 15: three more tell which letters are capitals.
fn long_id(id: &str) -> String {
    let bytes = id.as_bytes();
    let suffix = bytes.chunks(5).map(|five| {
        let bits =
            five.iter().enumerate().filter(|(_, b)| b.is_ascii_uppercase()).map(|(i, _)| 1 << i).sum::<u8>();
        char::from(if bits < 26 { b'A' + bits } else { b'0' + bits - 26 })
    });
    id.chars().chain(suffix).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ids_have_salesforce_s_checksum() {
        // The example of Salesforce's knowledge article on 15 and 18 characters.
        assert_eq!(long_id("00530000003xqAb"), "00530000003xqAbAAI");
        assert_eq!(long_id("003000000000001"), "003000000000001AAA");
    }
}
