//! Changes of fields, and taking back what was written.

use std::collections::BTreeMap;

use answerback_reply::TrackedSend;
use serde_json::{Map, Value, json};

use super::{Connector, text};
use crate::crm::entry::mark;
use crate::crm::journal::{Change, Created, Journal, Lookup};
use crate::crm::undo::{Records, apply};
use crate::crm::{CrmError, Wrote};
use crate::event::{Event, Stop, Suppress, SuppressReason};
use crate::salesforce::change::{self, Wish};
use crate::salesforce::people::{Person, Wanted, prospect};
use crate::salesforce::soql::{is_in, quote};

impl Connector {
    pub(super) async fn stop<J: Journal>(
        &self,
        event: &Event,
        stop: &Stop,
        send: Option<&TrackedSend>,
        journal: &J,
    ) -> Result<Wrote, CrmError> {
        let wishes = change::of_stop(stop, &self.settings);
        let campaign = stop.about.campaign_id.as_deref().and_then(|id| self.settings.mapping.campaign(id));
        let wanted = Wanted::new(send, []);
        let members =
            campaign.filter(|_| change::is_answer(stop.reason)).and_then(|id| members_query(&id, &wanted));
        if wishes.is_empty() && members.is_none() && !self.settings.mapping.end_cadences {
            return Ok(Wrote::Nothing);
        }
        let org = self.org().await?;
        let cadences = org.cadences && self.settings.mapping.end_cadences;
        if wishes.is_empty() && members.is_none() && !cadences {
            return Ok(Wrote::Nothing);
        }
        let seen = self.look(&org, &wanted, members.as_deref().map(|soql| ("CampaignMember", soql))).await?;
        let person = prospect(&seen.people, &wanted, send);
        // What can be changed is, before it is said which permission is missing.
        let (members, mut lacking) =
            seen.more.map_or_else(|error| (Vec::new(), Some(error)), |found| (found, None));
        let ended = match person.filter(|_| cadences) {
            Some(person) => match self.end_cadences(person, stop).await {
                Err(error) if error.lacks_an_optional_permission() => {
                    lacking.get_or_insert(error);
                    false
                }
                ended => ended?,
            },
            None => false,
        };
        let mut changes: Vec<Change> = members
            .iter()
            .filter_map(|member| change::of_member(member, &self.settings.mapping.replied_status))
            .collect();
        changes.extend(person.into_iter().flat_map(|person| change::of_person(person, &wishes)));
        let wrote = apply(self, journal, event.id, &changes).await?;
        match (lacking, wrote) {
            (Some(error), _) => Err(error),
            (None, Wrote::Nothing) if ended => Ok(Wrote::Changes),
            (None, wrote) => Ok(wrote),
        }
    }

    pub(super) async fn on_prospect<J: Journal>(
        &self,
        event: &Event,
        wishes: &[Wish],
        send: Option<&TrackedSend>,
        journal: &J,
    ) -> Result<Wrote, CrmError> {
        if wishes.is_empty() {
            return Ok(Wrote::Nothing);
        }
        let org = self.org().await?;
        let wanted = Wanted::new(send, []);
        let seen = self.look(&org, &wanted, None).await?;
        let person = prospect(&seen.people, &wanted, send);
        let changes = person.map(|person| change::of_person(person, wishes)).unwrap_or_default();
        apply(self, journal, event.id, &changes).await
    }

    /// On everybody with the address: an opt-out that one of two duplicates missed would be none. Where nobody has it, on the prospect: who
    /// asked not to be written to was written to as that prospect.
    pub(super) async fn suppress<J: Journal>(
        &self,
        event: &Event,
        suppress: &Suppress,
        send: Option<&TrackedSend>,
        journal: &J,
    ) -> Result<Wrote, CrmError> {
        let org = self.org().await?;
        let wanted = Wanted::new(send, [suppress.address.as_str()]);
        let seen = self.look(&org, &wanted, None).await?;
        let mut meant: Vec<&Person> =
            seen.people.iter().filter(|p| p.email == suppress.address.to_lowercase()).collect();
        if meant.is_empty() && suppress.reason != SuppressReason::InvalidAddress {
            meant.extend(prospect(&seen.people, &wanted, send));
        }
        let wishes = change::of_suppress(suppress, event.time);
        let changes: Vec<Change> =
            meant.into_iter().flat_map(|person| change::of_person(person, &wishes)).collect();
        apply(self, journal, event.id, &changes).await
    }
}

impl Records for Connector {
    async fn find(&self, lookup: &Lookup) -> Result<Option<String>, CrmError> {
        let found = self.rest.query(&lookup.object, &lookup.query).await?;
        let mark = mark(&lookup.key);
        let ours = |record: &&Value| text(record, "Description").is_none_or(|text| text.ends_with(&mark));
        Ok(found.iter().find(ours).and_then(|record| text(record, "Id")).map(str::to_owned))
    }

    async fn delete(&self, created: &Created) -> Result<(), CrmError> {
        self.rest.delete(&created.object, &created.id).await
    }

    async fn read(&self, change: &Change) -> Result<Value, CrmError> {
        let record = self.rest.read(&change.object, &change.id, &change.field).await?;
        Ok(record.get(&change.field).cloned().unwrap_or_default())
    }

    /// One request for each object, all or none. Where the user may not change one, the others are changed all the same.
    async fn write(&self, values: &[(&Change, &Value)]) -> Result<(), CrmError> {
        let mut objects: BTreeMap<&str, BTreeMap<&str, Map<String, Value>>> = BTreeMap::new();
        for (change, value) in values {
            let record = objects.entry(&change.object).or_default().entry(&change.id).or_default();
            record.insert("attributes".into(), json!({"type": change.object}));
            record.insert("id".into(), json!(change.id));
            record.insert(change.field.clone(), (*value).clone());
        }
        let mut lacking = None;
        for (object, records) in objects {
            let records: Vec<Value> = records.into_values().map(Value::Object).collect();
            match self.rest.update(object, &records).await {
                Err(error) if error.lacks_an_optional_permission() => drop(lacking.get_or_insert(error)),
                updated => updated?,
            }
        }
        lacking.map_or(Ok(()), Err)
    }
}

/// The members of a campaign that the prospect is.
fn members_query(campaign: &str, wanted: &Wanted) -> Option<String> {
    let mut conditions: Vec<String> = Vec::new();
    if !wanted.addresses.is_empty() {
        let by = |field| is_in(field, wanted.addresses.iter().map(String::as_str));
        conditions.extend([by("Contact.Email"), by("Lead.Email")]);
    }
    conditions.extend(
        wanted
            .id
            .iter()
            .flat_map(|id| ["ContactId", "LeadId"].map(|field| format!("{field} = {}", quote(id)))),
    );
    let conditions = (!conditions.is_empty()).then(|| conditions.join(" OR "))?;
    Some(format!(
        "SELECT Id, Status FROM CampaignMember WHERE CampaignId = {} AND ({conditions}) LIMIT 200",
        quote(campaign)
    ))
}
