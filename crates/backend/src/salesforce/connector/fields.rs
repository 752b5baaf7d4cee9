//! Changes of fields, and taking back what was written.

use std::collections::BTreeMap;

use answerback_reply::TrackedSend;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Connector, Wrote};
use crate::event::{Event, Retract, Stop, Suppress, SuppressReason};
use crate::salesforce::change::{self, Wish};
use crate::salesforce::error::SalesforceError;
use crate::salesforce::journal::{Change, Created, Journal, Record};
use crate::salesforce::people::{Person, Wanted, prospect};
use crate::salesforce::soql::{is_in, quote};

impl Connector {
    pub(super) async fn stop<J: Journal>(
        &self,
        event: &Event,
        stop: &Stop,
        send: Option<&TrackedSend>,
        journal: &J,
    ) -> Result<Wrote, SalesforceError> {
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
        let ended = match person.filter(|_| cadences) {
            Some(person) => self.end_cadences(person, stop).await?,
            None => false,
        };
        let mut changes: Vec<Change> = seen
            .more
            .iter()
            .filter_map(|member| change::of_member(member, &self.settings.mapping.replied_status))
            .collect();
        changes.extend(person.into_iter().flat_map(|person| change::of_person(person, &wishes)));
        Ok(match self.apply(event, changes, journal).await? {
            Wrote::Nothing if ended => Wrote::Changes,
            wrote => wrote,
        })
    }

    pub(super) async fn on_prospect<J: Journal>(
        &self,
        event: &Event,
        wishes: &[Wish],
        send: Option<&TrackedSend>,
        journal: &J,
    ) -> Result<Wrote, SalesforceError> {
        if wishes.is_empty() {
            return Ok(Wrote::Nothing);
        }
        let org = self.org().await?;
        let wanted = Wanted::new(send, []);
        let seen = self.look(&org, &wanted, None).await?;
        let person = prospect(&seen.people, &wanted, send);
        let changes = person.map(|person| change::of_person(person, wishes)).unwrap_or_default();
        self.apply(event, changes, journal).await
    }

    /// On everybody with the address: an opt-out that one of two duplicates missed would be none. Where nobody has it, on the prospect: who
    /// asked not to be written to was written to as that prospect.
    pub(super) async fn suppress<J: Journal>(
        &self,
        event: &Event,
        suppress: &Suppress,
        send: Option<&TrackedSend>,
        journal: &J,
    ) -> Result<Wrote, SalesforceError> {
        let org = self.org().await?;
        let wanted = Wanted::new(send, [suppress.address.as_str()]);
        let seen = self.look(&org, &wanted, None).await?;
        let mut meant: Vec<&Person> =
            seen.people.iter().filter(|p| p.email == suppress.address.to_lowercase()).collect();
        if meant.is_empty() && suppress.reason != SuppressReason::InvalidAddress {
            meant.extend(prospect(&seen.people, &wanted, send));
        }
        let wishes = change::of_suppress(suppress, event.time);
        let changes = meant.into_iter().flat_map(|person| change::of_person(person, &wishes)).collect();
        self.apply(event, changes, journal).await
    }

    async fn apply<J: Journal>(
        &self,
        event: &Event,
        changes: Vec<Change>,
        journal: &J,
    ) -> Result<Wrote, SalesforceError> {
        if changes.is_empty() {
            return Ok(Wrote::Nothing);
        }
        // What stood there before the first attempt is what is put back one day.
        let mut record = journal.load(event.id).await?;
        let known =
            |change: &Change, record: &Record| record.changed.iter().any(|old| same_field(old, change));
        let fresh: Vec<Change> = changes.iter().filter(|change| !known(change, &record)).cloned().collect();
        if !fresh.is_empty() {
            record.changed.extend(fresh);
            journal.save(event.id, &record).await?;
        }
        self.write(changes.iter().map(|change| (change, &change.after))).await?;
        Ok(Wrote::Changes)
    }

    /// Writes values into fields: one request for each object, all or none.
    async fn write<'a>(
        &self,
        values: impl Iterator<Item = (&'a Change, &'a Value)>,
    ) -> Result<(), SalesforceError> {
        let mut objects: BTreeMap<&str, BTreeMap<&str, Map<String, Value>>> = BTreeMap::new();
        for (change, value) in values {
            let record = objects.entry(&change.sobject).or_default().entry(&change.id).or_default();
            record.insert("attributes".into(), json!({"type": change.sobject}));
            record.insert("id".into(), json!(change.id));
            record.insert(change.field.clone(), value.clone());
        }
        for (object, records) in objects {
            let records: Vec<Value> = records.into_values().map(Value::Object).collect();
            self.rest.update(object, &records).await?;
        }
        Ok(())
    }

    pub(super) async fn retract<J: Journal>(
        &self,
        retract: &Retract,
        journal: &J,
    ) -> Result<Wrote, SalesforceError> {
        let mut wrote = Wrote::Nothing;
        for event in &retract.event_ids {
            let mut record = journal.load(*event).await?;
            if record == Record::default() {
                continue;
            }
            if let (Some(_), Some(lookup)) = (record.began, &record.lookup)
                && let Some(id) = self.find(lookup).await?
            {
                record.created.push(Created { sobject: lookup.sobject.clone(), id });
            }
            for created in &record.created {
                match self.rest.delete(&created.sobject, &created.id).await {
                    Ok(()) | Err(SalesforceError::Missing(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            let mut restored = Vec::new();
            for change in &record.changed {
                match self.rest.read(&change.sobject, &change.id, &change.field).await {
                    // What somebody has changed since is theirs.
                    Ok(now)
                        if now.get(&change.field).is_some_and(|value| same_value(value, &change.after)) =>
                    {
                        restored.push(change)
                    }
                    Ok(_) | Err(SalesforceError::Missing(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            self.write(restored.into_iter().map(|change| (change, &change.before))).await?;
            journal.save(*event, &Record::default()).await?;
            wrote = Wrote::TakenBack;
        }
        Ok(wrote)
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

fn same_field(one: &Change, other: &Change) -> bool {
    (&one.sobject, &one.id, &one.field) == (&other.sobject, &other.id, &other.field)
}

/// Times come back in another spelling than they went.
fn same_value(one: &Value, other: &Value) -> bool {
    let time = |value: &Value| value.as_str()?.replace("+0000", "Z").parse::<Timestamp>().ok();
    one == other || (time(one).is_some() && time(one) == time(other))
}
