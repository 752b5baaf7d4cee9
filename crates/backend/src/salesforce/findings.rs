//! What the set-up's check says of an organisation.

use serde_json::Value;

use super::error::Operation;
use super::org::{Describes, Org, field, flag};
use super::people::{BOUNCED_REASON, OPT_OUT};
use super::settings::{LogAs, Settings};
use crate::crm::Finding;

/// What is there and what is missing, with what to do about it.
pub fn findings(org: &Org, describes: &Describes, settings: &Settings) -> Vec<Finding> {
    let object = |name: &str| describes.get(name).and_then(|describe| describe.as_ref().ok());
    let may = |name: &str, what: &str| object(name).is_some_and(|describe| flag(describe, what));
    let mut findings = vec![tasks(may("Task", "createable"))];
    for name in ["Contact", "Lead"] {
        findings.extend(people(name, object(name), settings));
    }
    if settings.mapping.log_as == LogAs::Auto {
        findings.push(emails(org.emails));
        findings.push(responses(org.delivery_responses));
        findings.push(key("EmailMessage", org.email_key, settings));
    }
    findings.push(key("Task", org.task_key, settings));
    findings.push(members(may("CampaignMember", "updateable")));
    findings.push(cadences(settings.mapping.end_cadences, org.cadences));
    findings
}

fn tasks(good: bool) -> Finding {
    let no = format!("Tasks can't be created: the user needs {}", Operation::Create("Task").permission());
    Finding { needed: true, ..line("tasks", "", good, "Tasks can be created", no) }
}

fn people(name: &'static str, object: Option<&Value>, settings: &Settings) -> Vec<Finding> {
    let Some(object) = object else {
        let no = format!("{name} can't be read. The user needs {}", Operation::Read(name).permission());
        return vec![Finding { needed: true, ..line("object_read", name, false, "", no) }];
    };
    let yes = format!("{name}s can be changed");
    let no = format!("{name}s can't be changed: the user needs {}", Operation::Edit(name).permission());
    let change = line("object_change", name, flag(object, "updateable"), yes, no);
    let own = settings.mapping.fields.named().chain([OPT_OUT, BOUNCED_REASON]).map(|own| {
        let about = format!("{name}.{own}");
        let good = field(object, own).is_some_and(|f| flag(f, "updateable"));
        let no = format!("{about} is missing, or the user has no edit access to it (field-level security).");
        line("field", &about, good, format!("{about} can be changed"), no)
    });
    std::iter::once(change).chain(own).collect()
}

fn emails(good: bool) -> Finding {
    let no = "Emails can't be created: Enhanced Email is off, or the user lacks “Edit Tasks” and “Access Activities”. Replies are logged as tasks.";
    line("emails", "", good, "Replies are logged as emails (EmailMessage)", no)
}

fn responses(as_emails: bool) -> Finding {
    if as_emails {
        let yes = "Bounces and absences are logged as emails (DeliveryResponse)";
        return line("responses_as_emails", "", true, yes, "");
    }
    let yes = "Bounces and absences are logged as tasks: EmailMessageRelation has no DeliveryResponse here";
    line("responses_as_tasks", "", true, yes, "")
}

fn key(object: &str, good: bool, settings: &Settings) -> Finding {
    let about = format!("{object}.{}", settings.key_field);
    let yes = format!("{about} keeps entries unique");
    let no = format!(
        "{about} is missing or is not a unique external id. Without it entries are looked for before each is made."
    );
    line("key", &about, good, yes, no)
}

fn members(good: bool) -> Finding {
    let needed = Operation::Edit("CampaignMember").permission();
    let no = format!("Campaign members can't be changed: the user needs {needed}");
    line("members", "", good, "Campaign members' status can be changed", no)
}

fn cadences(end: bool, there: bool) -> Finding {
    let (name, text) = match (end, there) {
        (false, _) => ("cadences_left", "Sales Engagement cadences are left alone, as set"),
        (true, true) => ("cadences_ended", "Sales Engagement cadences are ended"),
        (true, false) => (
            "cadences_none",
            "There is no Sales Engagement here, or the user can't see it: no cadence is ended",
        ),
    };
    line(name, "", true, text, "")
}

fn line(
    name: &'static str,
    about: &str,
    good: bool,
    yes: impl Into<String>,
    no: impl Into<String>,
) -> Finding {
    let text = if good { yes.into() } else { no.into() };
    Finding { name, about: about.to_owned(), good, needed: false, text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::crm::CrmError;

    #[test]
    fn what_is_missing_is_named_with_the_permission_that_it_needs() {
        let settings: Settings =
            toml::from_str("url = 'https://acme.my.salesforce.com'\nclient_id = 'x'").unwrap();
        let contact =
            json!({"updateable": false, "fields": [{"name": "HasOptedOutOfEmail", "updateable": true}]});
        let describes: Describes = [
            ("Task", Ok(json!({"createable": true, "fields": []}))),
            ("Contact", Ok(contact)),
            ("Lead", Err(CrmError::Missing("NOT_FOUND".into()))),
        ]
        .into();
        let org = Org::new(&describes, &settings);
        let all = findings(&org, &describes, &settings);
        for (name, about, good, needed, words) in [
            ("tasks", "", true, true, "Tasks can be created"),
            ("object_change", "Contact", false, false, "“Edit” on Contact"),
            ("field", "Contact.HasOptedOutOfEmail", true, false, "can be changed"),
            ("field", "Contact.EmailBouncedReason", false, false, "is missing"),
            ("object_read", "Lead", false, true, "Lead can't be read"),
            ("emails", "", false, false, "Enhanced Email is off"),
            ("key", "Task.Answerback_Key__c", false, false, "unique external id"),
            ("members", "", false, false, "Marketing User"),
            ("cadences_none", "", true, false, "no cadence is ended"),
        ] {
            let finding = all.iter().find(|f| f.name == name && f.about == about).unwrap();
            assert_eq!((finding.good, finding.needed), (good, needed), "{name} {about}");
            assert!(finding.text.contains(words), "{}", finding.text);
        }
    }
}
