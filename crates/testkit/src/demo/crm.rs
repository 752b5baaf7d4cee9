//! The organisation's Salesforce, simulated: who is in it before the story, and what must stand there after it.

use std::path::{Path, PathBuf};

use answerback_backend::{SecretSource, Token};
use answerback_testkit::campaign::{CAMPAIGN_ID, CAMPAIGN_NAME};
use answerback_testkit::personas::{ALAN, FLYNN, FLYNN_ELSEWHERE, GIBBS, LORA, Person};
use answerback_testkit::program::path_text;
use answerback_testkit::salesforce::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};
use anyhow::Result;
use serde_json::{Value, json};

/// A Salesforce with the campaign's prospects in it.
pub(crate) struct Crm {
    salesforce: Simulator,
    contacts: Vec<(Person, String)>,
    settings: PathBuf,
}

impl Crm {
    /// Starts it; the backend's settings for it are written into `folder`.
    pub(crate) async fn start(folder: &Path) -> Result<Self> {
        let salesforce = Simulator::start(Options::default()).await?;
        let campaign = salesforce.seed("Campaign", json!({"Name": CAMPAIGN_NAME}))?;
        let mut contacts = Vec::new();
        for person in [FLYNN, ALAN, LORA, GIBBS] {
            let (first, last) = person.name.split_once(' ').unwrap_or(("", person.name));
            let fields = json!({"FirstName": first, "LastName": last, "Email": person.address, "HasOptedOutOfEmail": false});
            let id = salesforce.seed("Contact", fields)?;
            if person != ALAN {
                salesforce.seed(
                    "CampaignMember",
                    json!({"CampaignId": campaign, "ContactId": id, "Status": "Sent"}),
                )?;
            }
            contacts.push((person, id));
        }
        let (settings, secret) = (folder.join("backend.toml"), folder.join("salesforce-secret"));
        SecretSource::File(secret.clone()).replace(&Token::new(CLIENT_SECRET))?;
        let text = format!(
            "[salesforce.sales]\nurl = '{}'\nclient_id = '{CLIENT_ID}'\nclient_secret = {{ file = '{}' }}\n\
             mapping.campaigns = {{ {CAMPAIGN_ID} = '{campaign}' }}\n",
            salesforce.url(),
            path_text(&secret)?
        );
        std::fs::write(&settings, text)?;
        Ok(Self { salesforce, contacts, settings })
    }

    /// The backend's settings file.
    pub(crate) fn settings(&self) -> &Path {
        &self.settings
    }

    /// Each contact's timeline: what was logged there.
    pub(crate) fn timelines(&self) -> Vec<(Person, Vec<String>)> {
        let (emails, tasks) = (self.salesforce.records("EmailMessage"), self.salesforce.records("Task"));
        let relations = self.salesforce.records("EmailMessageRelation");
        let members = self.salesforce.records("CampaignMember");
        let of = |id: &String| {
            let is = |record: &&Value, field| text(record, field) == Some(id.as_str());
            let mut lines: Vec<String> = Vec::new();
            for relation in relations
                .iter()
                .filter(|r| is(r, "RelationId") && text(r, "RelationType") == Some("FromAddress"))
            {
                let email = emails.iter().find(|email| text(email, "Id") == text(relation, "EmailMessageId"));
                let Some(email) = email else { continue };
                lines.extend(match text(relation, "DeliveryResponse") {
                    Some(response) => text(email, "Subject").map(|s| format!("{response} “{s}”")),
                    None => text(email, "FromAddress").map(|from| format!("email from {from}")),
                });
            }
            lines.extend(
                tasks
                    .iter()
                    .filter(|t| is(t, "WhoId"))
                    .filter_map(|t| text(t, "Subject"))
                    .map(|s| format!("task “{s}”")),
            );
            lines.extend(
                members
                    .iter()
                    .filter(|m| is(m, "ContactId"))
                    .filter_map(|m| text(m, "Status"))
                    .map(|s| format!("campaign: {s}")),
            );
            lines
        };
        self.contacts.iter().map(|(person, id)| (*person, of(id))).collect()
    }

    /// What is not as it must be in the end, one sentence each.
    pub(crate) fn flaws(&self) -> Vec<String> {
        let mut flaws = Vec::new();
        let relations = self.salesforce.records("EmailMessageRelation");
        let by_machines = relations.iter().filter(|r| text(r, "DeliveryResponse").is_some()).count();
        let emails = self.salesforce.records("EmailMessage").len() - by_machines;
        if emails != 2 {
            flaws.push(format!("Salesforce has {emails} answers; there should be Flynn's and Alan's."));
        }
        let expected = [
            (
                FLYNN,
                vec![format!("email from {}", FLYNN_ELSEWHERE.address), "campaign: Responded".to_owned()],
            ),
            (ALAN, vec![format!("email from {}", ALAN.address)]),
        ];
        let timelines = self.timelines();
        for (person, expected) in expected {
            let there = timelines.iter().find(|(who, _)| *who == person).map(|(_, lines)| lines);
            if there != Some(&expected) {
                flaws.push(format!("In Salesforce {} should have: {}.", person.name, expected.join(", ")));
            }
        }
        for (person, prefix) in [(LORA, "OutOfOffice “Out of office: "), (GIBBS, "HardBounce “Bounce: ")]
        {
            let there = timelines.iter().filter(|(who, _)| *who == person).flat_map(|(_, lines)| lines);
            if there.filter(|line| line.starts_with(prefix)).count() != 1 {
                flaws.push(format!("In Salesforce {} should have one {prefix}…”.", person.name));
            }
        }
        flaws
    }
}

fn text<'a>(record: &'a Value, field: &str) -> Option<&'a str> {
    record.get(field)?.as_str()
}
