//! Who is who in Salesforce: leads, contacts and person accounts, found by address.

use std::cmp::Reverse;

use answerback_reply::TrackedSend;
use serde_json::Value;

use super::settings::{Settings, is_id};
use super::soql::is_in;
use crate::crm::people::{Known, Role, addresses, in_email, prospect_address};
use crate::event::Log;

/// Fields that opt-outs and bounces are kept in; both objects have them.
pub const OPT_OUT: &str = "HasOptedOutOfEmail";
/// Why mail to somebody came back.
pub const BOUNCED_REASON: &str = "EmailBouncedReason";
/// When it did.
pub const BOUNCED_DATE: &str = "EmailBouncedDate";

/// Somebody in Salesforce.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// The contact's or the lead's id.
    pub id: String,
    /// What they are.
    pub sort: Sort,
    /// Their address, in lower case.
    pub email: String,
    /// The newest open opportunity in which the contact has a role.
    pub opportunity: Option<String>,
    /// The day of the last activity.
    pub last_activity: Option<String>,
    /// When the record was changed last.
    pub modified: String,
    /// The record as it was read.
    pub fields: Value,
}

/// What somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A contact.
    Contact,
    /// A lead that has not been converted.
    Lead,
    /// The contact of a person account: its fields are changed on the account.
    PersonAccount {
        /// The account's id.
        account: String,
    },
}

impl Known for Person {
    fn id(&self) -> &str {
        &self.id
    }

    fn address(&self) -> &str {
        &self.email
    }
}

/// As EmailMessageRelation.RelationType.
pub const fn relation_type(role: Role) -> &'static str {
    match role {
        Role::From => "FromAddress",
        Role::To => "ToAddress",
        Role::Cc => "CcAddress",
    }
}

/// Whom to look for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// By address, in lower case.
    pub addresses: Vec<String>,
    /// The prospect, where the platform's id of them is Salesforce's.
    pub id: Option<String>,
}

impl Wanted {
    /// The prospect of a send, and others.
    pub fn new<'a>(send: Option<&TrackedSend>, others: impl IntoIterator<Item = &'a str>) -> Self {
        let addresses = addresses(send, others);
        let id = send.and_then(|send| send.prospect.as_ref()).map(|prospect| prospect.id.clone());
        Self { addresses, id: id.filter(|id| is_id(id, "003") || is_id(id, "00Q")) }
    }

    /// Everybody in an email.
    pub fn of_log(send: Option<&TrackedSend>, log: &Log) -> Self {
        Self::new(send, in_email(log))
    }

    /// The queries that find contacts, leads, and the open opportunities of the contacts.
    pub fn queries(&self, settings: &Settings, person_accounts: bool, own: &[&str]) -> [String; 3] {
        let by = |prefix: &str| {
            let mut conditions = Vec::new();
            if !self.addresses.is_empty() {
                conditions.push(is_in("Email", self.addresses.iter().map(String::as_str)));
            }
            conditions
                .extend(self.id.iter().filter(|id| id.starts_with(prefix)).map(|id| format!("Id = '{id}'")));
            if conditions.is_empty() {
                "Id = null".to_owned()
            } else {
                format!("({})", conditions.join(" OR "))
            }
        };
        let mut fields = vec!["Id", "Email", "LastActivityDate", "LastModifiedDate"];
        fields.extend(own.iter().chain(settings.mapping.fields.named().collect::<Vec<_>>().iter()));
        let fields = fields.join(", ");
        let account = if person_accounts { ", AccountId, IsPersonAccount" } else { "" };
        let contacts = by("003");
        let roles = contacts.replace("Email IN", "Contact.Email IN").replace("Id =", "ContactId =");
        [
            format!("SELECT {fields}{account} FROM Contact WHERE {contacts} LIMIT 500"),
            format!("SELECT {fields} FROM Lead WHERE {} AND IsConverted = false LIMIT 500", by("00Q")),
            format!(
                "SELECT ContactId, OpportunityId FROM OpportunityContactRole WHERE {roles} AND Opportunity.IsClosed = false \
                 ORDER BY Opportunity.LastModifiedDate DESC LIMIT 500"
            ),
        ]
    }
}

/// Everybody that the queries found.
pub fn people(contacts: &[Value], leads: &[Value], roles: &[Value]) -> Vec<Person> {
    let opportunity = |id: &str| {
        let role = roles.iter().find(|role| text(role, "ContactId") == Some(id))?;
        text(role, "OpportunityId").map(str::to_owned)
    };
    let person = |record: &Value, sort: Sort| {
        let id = text(record, "Id")?;
        Some(Person {
            id: id.to_owned(),
            opportunity: if sort == Sort::Lead { None } else { opportunity(id) },
            sort,
            email: text(record, "Email").unwrap_or_default().to_lowercase(),
            last_activity: text(record, "LastActivityDate").map(str::to_owned),
            modified: text(record, "LastModifiedDate").unwrap_or_default().to_owned(),
            fields: record.clone(),
        })
    };
    let contacts = contacts.iter().filter_map(|record| {
        let of_person = record.get("IsPersonAccount").and_then(Value::as_bool).unwrap_or(false);
        let account = text(record, "AccountId").filter(|_| of_person).map(str::to_owned);
        person(record, account.map_or(Sort::Contact, |account| Sort::PersonAccount { account }))
    });
    contacts.chain(leads.iter().filter_map(|record| person(record, Sort::Lead))).collect()
}

/// Whoever of several records with an address is meant: one with an open opportunity, then the one with the latest activity, a contact
/// before a lead, the one changed last, and then always the same.
pub fn with_address<'a>(people: &'a [Person], address: &str) -> Option<&'a Person> {
    let address = address.to_lowercase();
    people.iter().filter(|person| person.email == address).max_by_key(|person| {
        (
            person.opportunity.is_some(),
            &person.last_activity,
            person.sort != Sort::Lead,
            &person.modified,
            Reverse(&person.id),
        )
    })
}

/// The person whom a send was for.
pub fn prospect<'a>(people: &'a [Person], wanted: &Wanted, send: Option<&TrackedSend>) -> Option<&'a Person> {
    let by_id = wanted.id.as_deref().and_then(|id| people.iter().find(|person| same_id(&person.id, id)));
    by_id.or_else(|| with_address(people, &prospect_address(send)?))
}

/// Ids have 15 characters or the same and three more.
pub fn same_id(one: &str, other: &str) -> bool {
    let short = |id: &str| id.get(..15).unwrap_or(id).to_owned();
    short(one) == short(other)
}

fn text<'a>(record: &'a Value, field: &str) -> Option<&'a str> {
    record.get(field)?.as_str()
}

#[cfg(test)]
mod tests {
    use answerback_reply::Relation;
    use serde_json::json;

    use super::*;
    use crate::crm::people::parties;
    use crate::salesforce::entry::tests::{log, send};

    fn contact(id: &str, email: &str, activity: Option<&str>) -> Value {
        json!({"Id": id, "Email": email, "LastActivityDate": activity, "LastModifiedDate": "2026-01-01T00:00:00.000+0000"})
    }

    #[test]
    fn of_duplicates_the_one_with_an_open_opportunity_then_the_most_active_is_meant() {
        let old = contact("003A", "F@x.example", Some("2025-01-01"));
        let active = contact("003B", "f@x.example", Some("2026-01-01"));
        let idle = contact("003C", "f@x.example", None);
        let lead = contact("00QD", "f@x.example", Some("2026-01-01"));
        let role = json!({"ContactId": "003A", "OpportunityId": "006A"});
        let pick = |contacts: &[Value], leads: &[Value], roles: &[Value]| {
            with_address(&people(contacts, leads, roles), "f@X.example").map(|person| person.id.clone())
        };
        let all = [old.clone(), active.clone(), idle.clone()];
        assert_eq!(pick(&all, &[], &[]).as_deref(), Some("003B"));
        assert_eq!(
            pick(&all, std::slice::from_ref(&lead), &[]).as_deref(),
            Some("003B"),
            "a contact before a lead"
        );
        assert_eq!(pick(&all, &[], &[role]).as_deref(), Some("003A"));
        assert_eq!(pick(std::slice::from_ref(&idle), &[lead], &[]).as_deref(), Some("00QD"));
        assert_eq!(
            pick(&[contact("003Z", "f@x.example", None), idle], &[], &[]).as_deref(),
            Some("003C"),
            "always the same"
        );
        assert_eq!(pick(&[], &[], &[]), None);
    }

    #[test]
    fn another_address_of_the_prospect_s_falls_back_to_the_prospect() {
        let people = people(
            &[contact("003F", "flynn@flynnsarcade.com", None), contact("003A", "alan@encom.com", None)],
            &[],
            &[],
        );
        let send = send();
        let who = |log: &Log| {
            let wanted = Wanted::of_log(Some(&send), log);
            let parties = parties(
                |address| with_address(&people, address),
                prospect(&people, &wanted, Some(&send)),
                log,
            );
            parties.iter().map(|p| (p.person.id.clone(), p.role)).collect::<Vec<_>>()
        };
        let mut reply = log("kevinf@flynnsarcade.com", Relation::SamePersonOtherAddress);
        assert_eq!(who(&reply), [("003F".to_owned(), Role::From)]);
        reply.reply.cc = vec!["alan@encom.com".into()];
        assert_eq!(who(&reply), [("003F".to_owned(), Role::From), ("003A".to_owned(), Role::Cc)]);
        let mut alan = log("alan@encom.com", Relation::Copied);
        alan.reply.cc = vec!["flynn@flynnsarcade.com".into()];
        assert_eq!(who(&alan), [("003A".to_owned(), Role::From), ("003F".to_owned(), Role::Cc)]);
        assert_eq!(
            who(&log("stranger@encom.com", Relation::Other)),
            [("003F".to_owned(), Role::Cc)],
            "never lost"
        );
    }

    #[test]
    fn the_platform_s_id_of_the_prospect_may_be_salesforce_s() {
        let mut send = send();
        if let Some(prospect) = &mut send.prospect {
            prospect.id = "003000000000009AAA".into();
        }
        let wanted = Wanted::new(Some(&send), []);
        let found = people(&[contact("003000000000009", "other@x.example", None)], &[], &[]);
        assert_eq!(prospect(&found, &wanted, Some(&send)).unwrap().id, "003000000000009");
    }

    #[test]
    fn a_person_account_is_told_by_its_contact() {
        let record = json!({"Id": "003A", "Email": "a@x", "IsPersonAccount": true, "AccountId": "001A"});
        assert_eq!(people(&[record], &[], &[])[0].sort, Sort::PersonAccount { account: "001A".into() });
    }
}
