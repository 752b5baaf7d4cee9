//! The campaign of the story as Salesforce knows it: who is there, and what the rep has sent from there.

use anyhow::Result;
use serde_json::{Value, json};

use super::{Simulator, USER};
use crate::campaign::{CAMPAIGN_NAME, Campaign};
use crate::personas::{ALAN, FLYNN, GIBBS, LORA, Person, YORI};

/// The ids of the story's records.
#[derive(Clone, Debug)]
pub struct Story {
    /// The campaign's id.
    pub campaign: String,
    people: Vec<(Person, String)>,
}

impl Story {
    /// Puts the people, their campaign and its emails there.
    ///
    /// # Errors
    /// When the organisation lacks an object.
    pub fn seed(salesforce: &Simulator, campaign: &Campaign) -> Result<Self> {
        let id = salesforce.seed("Campaign", json!({"Name": CAMPAIGN_NAME}))?;
        let mut story = Self { campaign: id, people: Vec::new() };
        for person in [FLYNN, ALAN, LORA, GIBBS, YORI] {
            let (first, last) = person.name.split_once(' ').unwrap_or(("", person.name));
            let fields = json!({"FirstName": first, "LastName": last, "Email": person.address, "HasOptedOutOfEmail": false});
            let contact = salesforce.seed("Contact", fields)?;
            if person != ALAN {
                let member = json!({"CampaignId": story.campaign, "ContactId": contact, "Status": "Sent"});
                salesforce.seed("CampaignMember", member)?;
            }
            story.people.push((person, contact));
        }
        for send in campaign.sends() {
            let id = send.message_ids.first().map(|id| format!("<{}>", id.as_str()));
            let email = salesforce.seed(
                "EmailMessage",
                json!({
                    "Incoming": false, "Status": "3", "MessageIdentifier": id, "Subject": send.subject, "FromAddress": send.from,
                    "MessageDate": send.sent_at.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string(),
                    "RelatedToId": story.campaign, "CreatedById": USER,
                }),
            )?;
            for (kind, list) in [("ToAddress", &send.to), ("CcAddress", &send.cc)] {
                for address in list {
                    let contact = story.people.iter().find(|(person, _)| person.address == address);
                    let contact = contact.map(|(_, id)| id.as_str());
                    let relation = json!({"EmailMessageId": email, "RelationId": contact, "RelationType": kind, "RelationAddress": address});
                    salesforce.seed("EmailMessageRelation", relation)?;
                }
            }
        }
        Ok(story)
    }

    /// The id of somebody's contact.
    pub fn contact(&self, person: Person) -> &str {
        self.people.iter().find(|(who, _)| *who == person).map_or("", |(_, id)| id)
    }

    /// The answers that were logged: the author's address, and whose they are.
    pub fn answers(&self, salesforce: &Simulator) -> Vec<(String, Vec<String>)> {
        let relations = salesforce.records("EmailMessageRelation");
        let text = |record: &Value, field: &str| {
            record.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let incoming = salesforce.records("EmailMessage");
        let incoming = incoming.iter().filter(|email| email.get("Incoming") == Some(&json!(true)));
        incoming
            .map(|email| {
                let of_author = relations.iter().filter(|relation| {
                    text(relation, "EmailMessageId") == text(email, "Id")
                        && text(relation, "RelationType") == "FromAddress"
                });
                (text(email, "FromAddress"), of_author.map(|relation| text(relation, "RelationId")).collect())
            })
            .collect()
    }

    /// The campaign member's status of somebody.
    pub fn status(&self, salesforce: &Simulator, person: Person) -> Option<String> {
        let members = salesforce.records("CampaignMember");
        let member = members
            .iter()
            .find(|member| member.get("ContactId").and_then(Value::as_str) == Some(self.contact(person)))?;
        member.get("Status")?.as_str().map(str::to_owned)
    }
}
