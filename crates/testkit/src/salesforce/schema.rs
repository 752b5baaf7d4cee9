//! The objects and their fields, as far as the connector and the story use them.

use serde_json::{Value, json};

use super::org::Options;

/// An object.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) name: &'static str,
    /// The first three characters of its ids.
    pub(super) prefix: &'static str,
    pub(super) fields: Vec<Field>,
}

/// A field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) length: usize,
    pub(super) create: bool,
    pub(super) update: bool,
    pub(super) required: bool,
    /// A unique external id.
    pub(super) key: bool,
    pub(super) values: &'static [&'static str],
}

/// The name of the field that the metadata folder installs.
pub(super) const KEY: &str = "Answerback_Key__c";

/// Name, type, length, and c(reate) u(pdate) r(equired).
type Row = (&'static str, &'static str, usize, &'static str);

const SYSTEM: &[Row] = &[
    ("Id", "id", 18, ""),
    ("IsDeleted", "boolean", 0, ""),
    ("CreatedById", "reference", 18, ""),
    ("CreatedDate", "datetime", 0, ""),
    ("LastModifiedDate", "datetime", 0, ""),
    ("SystemModstamp", "datetime", 0, ""),
];
const PERSON: &[Row] = &[
    ("FirstName", "string", 40, "cu"),
    ("LastName", "string", 80, "cur"),
    ("Name", "string", 121, ""),
    ("Email", "email", 80, "cu"),
    ("HasOptedOutOfEmail", "boolean", 0, "cu"),
    ("EmailBouncedReason", "string", 255, "cu"),
    ("EmailBouncedDate", "datetime", 0, "cu"),
    ("LastActivityDate", "date", 0, ""),
    ("Stop_Reason__c", "string", 80, "cu"),
    ("Paused_Until__c", "date", 0, "cu"),
];
const DELIVERY_RESPONSES: &[&str] = &["SoftBounce", "HardBounce", "OutOfOffice"];
const RELATION_TYPES: &[&str] = &["ToAddress", "CcAddress", "BccAddress", "FromAddress"];

const OBJECTS: &[(&str, &str, &[Row])] = &[
    ("Contact", "003", &[("AccountId", "reference", 18, "cu")]),
    (
        "Lead",
        "00Q",
        &[
            ("Company", "string", 255, "cur"),
            ("IsConverted", "boolean", 0, ""),
            ("LeadSource", "picklist", 255, "cu"),
        ],
    ),
    (
        "Account",
        "001",
        &[
            ("Name", "string", 255, "cur"),
            ("PersonHasOptedOutOfEmail", "boolean", 0, "cu"),
            ("Stop_Reason__pc", "string", 80, "cu"),
        ],
    ),
    ("Opportunity", "006", &[("Name", "string", 120, "cur"), ("IsClosed", "boolean", 0, "c")]),
    (
        "OpportunityContactRole",
        "00K",
        &[("OpportunityId", "reference", 18, "cr"), ("ContactId", "reference", 18, "cur")],
    ),
    ("User", "005", &[("Username", "string", 80, ""), ("Name", "string", 121, "")]),
    ("Organization", "00D", &[("Name", "string", 80, "")]),
    ("Campaign", "701", &[("Name", "string", 80, "cur")]),
    (
        "CampaignMember",
        "00v",
        &[
            ("CampaignId", "reference", 18, "cr"),
            ("ContactId", "reference", 18, "c"),
            ("LeadId", "reference", 18, "c"),
            ("Status", "picklist", 40, "cu"),
        ],
    ),
    (
        "EmailMessage",
        "02s",
        &[
            ("Incoming", "boolean", 0, "c"),
            ("Status", "picklist", 40, "c"),
            ("MessageDate", "datetime", 0, "c"),
            ("FromAddress", "email", 1000, "c"),
            ("FromName", "string", 1000, "c"),
            ("ToAddress", "string", 4000, "c"),
            ("CcAddress", "string", 4000, "c"),
            ("BccAddress", "string", 4000, "c"),
            ("ToIds", "junctionidlist", 0, "c"),
            ("CcIds", "junctionidlist", 0, "c"),
            ("Subject", "string", 3000, "c"),
            ("TextBody", "textarea", 32_000, "c"),
            ("MessageIdentifier", "string", 765, "c"),
            ("ThreadIdentifier", "string", 765, "c"),
            ("ReplyToEmailMessageId", "reference", 18, "c"),
            ("RelatedToId", "reference", 18, "c"),
        ],
    ),
    (
        "EmailMessageRelation",
        "0CZ",
        &[
            ("EmailMessageId", "reference", 18, "cr"),
            ("RelationId", "reference", 18, "cu"),
            ("RelationType", "picklist", 255, "cr"),
            ("RelationAddress", "string", 4000, "c"),
        ],
    ),
    (
        "ActionCadenceTracker",
        "77T",
        &[
            ("ActionCadenceId", "reference", 18, ""),
            ("TargetId", "reference", 18, ""),
            ("State", "picklist", 255, ""),
            ("CompletionReason", "picklist", 255, ""),
            ("CompletionDisposition", "picklist", 255, ""),
        ],
    ),
    (
        "ActionCadenceStepTracker",
        "8HF",
        &[("ActionCadenceId", "reference", 18, ""), ("ActionCadenceName", "string", 255, "")],
    ),
    (
        "Task",
        "00T",
        &[
            ("TaskSubtype", "picklist", 40, "c"),
            ("Status", "picklist", 255, "cu"),
            ("Subject", "combobox", 255, "cu"),
            ("Type", "picklist", 255, "cu"),
            ("ActivityDate", "date", 0, "cu"),
            ("Description", "textarea", 32_000, "cu"),
            ("WhoId", "reference", 18, "cu"),
            ("WhatId", "reference", 18, "cu"),
        ],
    ),
];

/// The objects of an organisation with these options.
pub(super) fn objects(options: &Options) -> Vec<Object> {
    let mut objects: Vec<Object> = OBJECTS
        .iter()
        .map(|(name, prefix, own)| {
            let person = if matches!(*name, "Contact" | "Lead") { PERSON } else { &[] };
            let fields = SYSTEM.iter().chain(person).chain(*own).map(field).collect();
            Object { name, prefix, fields }
        })
        .collect();
    for object in &mut objects {
        if options.key_field && matches!(object.name, "EmailMessage" | "Task") {
            object.fields.push(Field { key: true, ..field(&(KEY, "string", 36, "cu")) });
        }
        match object.name {
            "EmailMessageRelation" if options.newest_version >= 67 => {
                object.fields.push(field(&("DeliveryResponse", "picklist", 255, "cu")));
            }
            "EmailMessage" if options.sales_engagement => {
                object.fields.push(field(&("ActionCadenceStepTrackerId", "reference", 18, "")));
            }
            "Contact" if options.person_accounts => {
                object.fields.push(field(&("IsPersonAccount", "boolean", 0, "c")))
            }
            _ => {}
        }
        for field in &mut object.fields {
            field.values = match (object.name, field.name) {
                ("Task", "Type") if options.reply_type => &["Call", "Email", "Reply"],
                ("Task", "Type") => &["Call", "Email"],
                ("EmailMessageRelation", "RelationType") => RELATION_TYPES,
                ("EmailMessageRelation", "DeliveryResponse") => DELIVERY_RESPONSES,
                _ => &[],
            };
        }
    }
    // Without Enhanced Email there are only the emails of Email-to-Case, which nobody else creates.
    objects.retain(|object| match object.name {
        "EmailMessageRelation" => options.enhanced_email,
        "ActionCadenceTracker" | "ActionCadenceStepTracker" => options.sales_engagement,
        _ => true,
    });
    objects
}

const fn field(row: &Row) -> Field {
    let (name, kind, length, flags) = *row;
    let flags = flags.as_bytes();
    Field {
        name,
        kind,
        length,
        create: has(flags, b'c'),
        update: has(flags, b'u'),
        required: has(flags, b'r'),
        key: false,
        values: &[],
    }
}

const fn has(mut flags: &[u8], flag: u8) -> bool {
    while let [first, rest @ ..] = flags {
        if *first == flag {
            return true;
        }
        flags = rest;
    }
    false
}

impl Object {
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// As `GET sobjects/NAME/describe` says it.
    pub(super) fn describe(&self, creatable: bool) -> Value {
        let fields = self.fields.iter().map(|f| {
            let values = f.values.iter().map(|value| json!({"value": value, "label": value, "active": true, "defaultValue": false}));
            json!({
                "name": f.name, "label": f.name, "type": f.kind, "length": f.length, "createable": f.create, "updateable": f.update,
                "nillable": !f.required, "externalId": f.key, "unique": f.key, "idLookup": f.key || f.name == "Id",
                "picklistValues": values.collect::<Vec<_>>(), "custom": f.name.ends_with("__c"),
            })
        });
        json!({
            "name": self.name, "label": self.name, "keyPrefix": self.prefix, "createable": creatable, "updateable": true,
            "deletable": true, "queryable": true, "custom": false, "fields": fields.collect::<Vec<_>>(),
        })
    }
}
