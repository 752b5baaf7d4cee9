//! Which fields a stop, a pause or a suppression changes.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::people::{BOUNCED_DATE, BOUNCED_REASON, OPT_OUT, Person, Sort};
use super::settings::Settings;
use crate::crm::journal::Change;
use crate::event::{Pause, Stop, StopReason, Suppress, SuppressReason};

/// A field and what is to stand in it.
pub type Wish = (String, Value);

/// What a stop writes on the prospect.
pub fn of_stop(stop: &Stop, settings: &Settings) -> Vec<Wish> {
    let reason = serde_json::to_value(stop.reason).unwrap_or_default();
    settings.mapping.fields.stop_reason.iter().map(|field| (field.clone(), reason.clone())).collect()
}

/// Whether the campaign member has answered: a bounce and a complaint are none.
pub const fn is_answer(reason: StopReason) -> bool {
    matches!(reason, StopReason::Reply | StopReason::OptOut | StopReason::CalendarResponse)
}

/// What a pause writes on the prospect.
pub fn of_pause(pause: &Pause, settings: &Settings) -> Vec<Wish> {
    settings
        .mapping
        .fields
        .paused_until
        .iter()
        .map(|field| (field.clone(), json!(pause.until.to_string())))
        .collect()
}

/// What a suppression writes on whoever has the address.
pub fn of_suppress(suppress: &Suppress, at: Timestamp) -> Vec<Wish> {
    match suppress.reason {
        SuppressReason::OptOut | SuppressReason::Complaint => vec![(OPT_OUT.into(), json!(true))],
        SuppressReason::InvalidAddress => vec![
            (BOUNCED_REASON.into(), json!("The address does not exist (Answerback).")),
            (BOUNCED_DATE.into(), json!(at.to_string())),
        ],
    }
}

/// The changes that make a person as wished; none where they are so already.
pub fn of_person(person: &Person, wishes: &[Wish]) -> Vec<Change> {
    let (object, id) = match &person.sort {
        Sort::Contact => ("Contact", &person.id),
        Sort::Lead => ("Lead", &person.id),
        Sort::PersonAccount { account } => ("Account", account),
    };
    let changes = wishes.iter().map(|(field, after)| Change {
        object: object.into(),
        id: id.clone(),
        field: if object == "Account" { on_account(field) } else { field.clone() },
        before: person.fields.get(field).cloned().unwrap_or_default(),
        after: after.clone(),
    });
    changes.filter(|change| change.before != change.after).collect()
}

/// The change of a campaign member's status.
pub fn of_member(member: &Value, status: &str) -> Option<Change> {
    let before = member.get("Status").cloned().unwrap_or_default();
    let id = member.get("Id")?.as_str()?.to_owned();
    let after = json!(status);
    (before != after).then(|| Change {
        object: "CampaignMember".into(),
        id,
        field: "Status".into(),
        before,
        after,
    })
}

/// A contact's field as the person account has it: `X__c` is `X__pc`, and the standard ones begin with Person.
fn on_account(field: &str) -> String {
    field.strip_suffix("__c").map_or_else(|| format!("Person{field}"), |name| format!("{name}__pc"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::SendRef;
    use crate::salesforce::people::people;

    fn about() -> SendRef {
        SendRef { send_id: "s".into(), campaign_id: None, prospect_id: None }
    }

    #[test]
    fn an_opt_out_is_written_once_and_on_a_person_account_by_its_own_name() {
        let suppress = Suppress { about: about(), address: "a@x".into(), reason: SuppressReason::OptOut };
        let wishes = of_suppress(&suppress, Timestamp::UNIX_EPOCH);
        let records = [
            json!({"Id": "003A", OPT_OUT: false}),
            json!({"Id": "003B", OPT_OUT: true}),
            json!({"Id": "003C", OPT_OUT: false, "IsPersonAccount": true, "AccountId": "001C"}),
        ];
        let people = people(&records, &[], &[]);
        let changes: Vec<Change> = people.iter().flat_map(|p| of_person(p, &wishes)).collect();
        let named: Vec<(&str, &str)> = changes.iter().map(|c| (c.id.as_str(), c.field.as_str())).collect();
        assert_eq!(named, [("003A", "HasOptedOutOfEmail"), ("001C", "PersonHasOptedOutOfEmail")]);
        assert_eq!(on_account("Paused__c"), "Paused__pc");
    }

    #[test]
    fn a_bounce_is_no_answer() {
        assert!(is_answer(StopReason::Reply) && is_answer(StopReason::OptOut));
        assert!(!is_answer(StopReason::Bounce) && !is_answer(StopReason::Complaint));
        let member = json!({"Id": "00vA", "Status": "Sent"});
        assert_eq!(of_member(&member, "Responded").unwrap().before, json!("Sent"));
        assert_eq!(of_member(&member, "Sent"), None);
    }
}
