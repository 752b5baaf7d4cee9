//! An account's records, and the rules that they obey.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// The property that the set-up adds.
const KEY: &str = "answerback_key";

/// What an account has.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The key's property on emails and notes, with unique values.
    pub key_property: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { key_property: true }
    }
}

/// An error as HubSpot shapes it.
#[derive(Clone, Debug)]
pub(super) struct ApiError {
    pub(super) status: u16,
    category: &'static str,
    message: String,
    context: Value,
}

impl ApiError {
    pub(super) fn new(status: u16, category: &'static str, message: &str) -> Self {
        Self { status, category, message: message.to_owned(), context: Value::Null }
    }

    pub(super) fn missing_scope(scope: &str) -> Self {
        let message = "This app hasn't been granted all required scopes to make this call.";
        let context = json!({"requiredGranularScopes": [scope]});
        Self { context, ..Self::new(403, "MISSING_SCOPES", message) }
    }

    pub(super) fn json(&self) -> Value {
        let errors = match &self.context {
            Value::Null => json!([]),
            context => json!([{"message": self.message, "context": context}]),
        };
        json!({"status": "error", "message": self.message, "correlationId": "00000000-0000-0000-0000-000000000000",
            "category": self.category, "errors": errors})
    }
}

#[derive(Clone, Debug)]
pub(super) struct Record {
    id: String,
    properties: Map<String, Value>,
    /// The ids of contacts that it is associated with.
    contacts: Vec<String>,
}

impl Record {
    fn json(&self, wanted: &[String]) -> Value {
        let shown: Map<String, Value> = wanted
            .iter()
            .map(|name| (name.clone(), self.properties.get(name).cloned().unwrap_or_default()))
            .chain([("hs_object_id".to_owned(), json!(self.id))])
            .collect();
        json!({"id": self.id, "properties": shown, "createdAt": "2026-11-20T09:12:00Z", "updatedAt": "2026-11-20T09:12:00Z", "archived": false})
    }
}

/// The records of one account.
#[derive(Debug)]
pub(super) struct Account {
    options: Options,
    records: BTreeMap<&'static str, Vec<Record>>,
    made: u64,
    pub(super) unsubscribed: BTreeSet<String>,
}

impl Account {
    pub(super) fn new(options: Options) -> Self {
        Self { options, records: BTreeMap::new(), made: 0, unsubscribed: BTreeSet::new() }
    }

    fn object(name: &str) -> Result<&'static str, ApiError> {
        let known = ["contacts", "emails", "notes"].into_iter().find(|object| *object == name);
        known.ok_or_else(|| ApiError::new(400, "VALIDATION_ERROR", "Unable to infer object type"))
    }

    /// The properties that can be written.
    fn writable(&self, object: &str, property: &str) -> bool {
        let own: &[&str] = match object {
            "contacts" => &["email", "firstname", "lastname", "stop_reason", "paused_until"],
            "emails" => &[
                "hs_timestamp",
                "hs_email_direction",
                "hs_email_subject",
                "hs_email_text",
                "hs_email_headers",
                "hs_email_status",
            ],
            _ => &["hs_timestamp", "hs_note_body"],
        };
        own.contains(&property) || (property == KEY && object != "contacts" && self.options.key_property)
    }

    pub(super) fn property(&self, object: &str, name: &str) -> Result<Value, ApiError> {
        let object = Self::object(object)?;
        if !self.writable(object, name) {
            return Err(ApiError::new(404, "OBJECT_NOT_FOUND", "No property exists with that name"));
        }
        Ok(
            json!({"name": name, "label": name, "type": "string", "fieldType": "text", "hasUniqueValue": name == KEY}),
        )
    }

    /// Puts a record there past the rules.
    pub(super) fn seed(&mut self, object: &'static str, properties: Value, contacts: Vec<String>) -> String {
        self.made += 1;
        let id = (50_000 + self.made).to_string();
        let properties = properties.as_object().cloned().unwrap_or_default();
        self.records.entry(object).or_default().push(Record { id: id.clone(), properties, contacts });
        id
    }

    pub(super) fn all(&self, object: &str) -> Vec<Value> {
        let records = self.records.get(object).into_iter().flatten();
        records.map(|record| json!({"id": record.id, "properties": record.properties, "contacts": record.contacts})).collect()
    }

    fn find(&self, object: &'static str, id: &str) -> Option<&Record> {
        self.records.get(object)?.iter().find(|record| record.id == id)
    }

    pub(super) fn create(&mut self, object: &str, body: &Value) -> Result<Value, ApiError> {
        let object = Self::object(object)?;
        let properties = body.get("properties").cloned().unwrap_or_default();
        let given = properties.as_object().cloned().unwrap_or_default();
        self.check(object, &given)?;
        if object != "contacts" && !given.contains_key("hs_timestamp") {
            return Err(ApiError::new(400, "VALIDATION_ERROR", "hs_timestamp is required"));
        }
        let taken = |property: &str| {
            let value = given.get(property);
            value.is_some()
                && self.records.get(object).into_iter().flatten().any(|r| r.properties.get(property) == value)
        };
        if object == "contacts" && taken("email") {
            return Err(ApiError::new(409, "CONFLICT", "Contact already exists. Existing ID: 1"));
        }
        if taken(KEY) {
            let message = "Property values were not valid: [{\"error\":\"CONFLICTING_UNIQUE_VALUE\",\"name\":\"answerback_key\"}]";
            return Err(ApiError::new(400, "VALIDATION_ERROR", message));
        }
        let mut contacts = Vec::new();
        for association in body.get("associations").and_then(Value::as_array).into_iter().flatten() {
            let type_id = association.pointer("/types/0/associationTypeId").and_then(Value::as_u64);
            let expected = if object == "emails" { 198 } else { 202 };
            let id = association.pointer("/to/id").and_then(Value::as_str).unwrap_or_default();
            if type_id != Some(expected) || self.find("contacts", id).is_none() {
                return Err(ApiError::new(400, "VALIDATION_ERROR", "One or more associations are not valid"));
            }
            contacts.push(id.to_owned());
        }
        let id = self.seed(object, properties, contacts);
        Ok(json!({"id": id, "properties": given, "archived": false}))
    }

    pub(super) fn get(
        &self,
        object: &str,
        id: &str,
        wanted: &[String],
        with: &[String],
    ) -> Result<Value, ApiError> {
        let object = Self::object(object)?;
        let record = self.find(object, id).ok_or_else(not_found)?;
        let mut shown = record.json(wanted);
        let mut associations = Map::new();
        for other in with {
            let other = Self::object(other)?;
            let of_contact = |record: &&Record| record.contacts.iter().any(|contact| contact == id);
            let results: Vec<Value> = self
                .records
                .get(other)
                .into_iter()
                .flatten()
                .filter(of_contact)
                .map(|record| json!({"id": record.id, "type": "contact_to_activity"}))
                .collect();
            // HubSpot leaves out what has no associations.
            if !results.is_empty() {
                associations.insert(other.to_owned(), json!({"results": results}));
            }
        }
        if let (false, Value::Object(shown)) = (associations.is_empty(), &mut shown) {
            shown.insert("associations".into(), Value::Object(associations));
        }
        Ok(shown)
    }

    /// Those that are there, and with 207 what is not.
    pub(super) fn read_many(&self, object: &str, body: &Value) -> Result<(u16, Value), ApiError> {
        let object = Self::object(object)?;
        let strings = |name: &str| -> Vec<String> {
            let list = body.get(name).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let by = body.get("idProperty").and_then(Value::as_str);
        let inputs = body.get("inputs").and_then(Value::as_array).into_iter().flatten();
        let ids: Vec<&str> = inputs.filter_map(|input| input.get("id")?.as_str()).collect();
        if ids.len() > 100 {
            return Err(ApiError::new(400, "VALIDATION_ERROR", "Batch is limited to 100 inputs"));
        }
        let meant = |record: &&Record, id: &str| match by {
            Some(property) => record
                .properties
                .get(property)
                .and_then(Value::as_str)
                .is_some_and(|v| v.eq_ignore_ascii_case(id)),
            None => record.id == id,
        };
        let found: Vec<Value> = ids
            .iter()
            .filter_map(|id| self.records.get(object)?.iter().find(|record| meant(record, id)))
            .map(|record| record.json(&strings("properties")))
            .collect();
        let status = if found.len() == ids.len() { 200 } else { 207 };
        Ok((status, json!({"status": "COMPLETE", "results": found, "numErrors": ids.len() - found.len()})))
    }

    pub(super) fn update(&mut self, object: &str, id: &str, body: &Value) -> Result<Value, ApiError> {
        let object = Self::object(object)?;
        let changes = body.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        self.check(object, &changes)?;
        let record = self.records.entry(object).or_default().iter_mut().find(|record| record.id == id);
        let record = record.ok_or_else(not_found)?;
        record.properties.extend(changes);
        Ok(json!({"id": id}))
    }

    /// Archiving says nothing of whether it was there.
    pub(super) fn delete(&mut self, object: &str, id: &str) -> Result<(), ApiError> {
        self.records.entry(Self::object(object)?).or_default().retain(|record| record.id != id);
        Ok(())
    }

    fn check(&self, object: &str, properties: &Map<String, Value>) -> Result<(), ApiError> {
        match properties.keys().find(|name| !self.writable(object, name)) {
            None => Ok(()),
            Some(name) => Err(ApiError {
                context: json!({"propertyName": [name]}),
                ..ApiError::new(400, "VALIDATION_ERROR", &format!("Property \"{name}\" does not exist"))
            }),
        }
    }
}

fn not_found() -> ApiError {
    ApiError::new(404, "OBJECT_NOT_FOUND", "Object not found")
}
