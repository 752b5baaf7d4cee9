//! Writes an event into HubSpot, once.
//!
//! HubSpot has no transactions, but an entry and its associations are made by one request. Where the administrator has added the key's
//! property (unique values), HubSpot refuses a second entry. Its search lags behind, so an entry is looked for among those of the contact.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use answerback_reply::{MessageId, TrackedSend};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::contact::{Contact, with_address};
use super::entry::{entry, object, text_property};
use super::rest::Rest;
use super::settings::Settings;
use crate::Token;
use crate::crm::entry::{key, mark};
use crate::crm::journal::{Change, Created, Journal, Lookup};
use crate::crm::once::Once;
use crate::crm::people::{Known, addresses, in_email, name, parties, prospect_address};
use crate::crm::undo::{Records, apply, retract};
use crate::crm::{Crm, CrmError, Finding, Unknown, Wrote};
use crate::event::{Event, EventData, Log, Suppress, SuppressReason};

/// No request of HubSpot's API takes longer.
const SETTLED: Duration = Duration::from_secs(10 * 60);
/// What the account has is asked again after this time.
const ACCOUNT_AGE: Duration = Duration::from_secs(60 * 60);
/// A contact's newest entries among which one is looked for; HubSpot reads no more at once.
const NEWEST: usize = 100;
/// Where HubSpot itself keeps the Message-ID of an email that it has captured.
const MESSAGE_ID: &str = "hs_email_message_id";

/// Which objects have the key's property.
#[derive(Clone, Copy, Debug, Default)]
struct Keyed {
    emails: bool,
    notes: bool,
}

/// Writes one organisation's events into its HubSpot.
#[derive(Debug)]
pub struct Connector {
    settings: Settings,
    rest: Rest,
    settled: Duration,
    keyed: Mutex<Option<(Instant, Keyed)>>,
    /// Held while an entry is looked for and made.
    alone: Arc<tokio::sync::Mutex<()>>,
}

impl Connector {
    /// With these settings; nothing is asked yet.
    pub fn new(settings: Settings, token: Token) -> Result<Self, CrmError> {
        if let Some(problem) = settings.problem() {
            return Err(CrmError::Settings(problem));
        }
        let rest = Rest::new(&settings, token)?;
        Ok(Self { settings, rest, settled: SETTLED, keyed: Mutex::default(), alone: Arc::default() })
    }

    /// As if HubSpot cut requests off after this time.
    #[must_use]
    pub fn settled_after(mut self, settled: Duration) -> Self {
        self.settled = settled;
        self
    }

    /// The settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    async fn log<J: Journal>(
        &self,
        event: &Event,
        log: &Log,
        send: Option<&TrackedSend>,
        journal: &J,
        now: Timestamp,
    ) -> Result<Wrote, CrmError> {
        let _alone = self.alone.lock().await;
        let Some(once) = Once::begin(journal, event.id).await? else { return Ok(Wrote::Already) };
        let mut contacts = self.contacts(addresses(send, in_email(log))).await?;
        let known = |contacts: &[Contact]| {
            let prospect = prospect_address(send).and_then(|address| with_address(contacts, &address));
            !parties(|address| with_address(contacts, address), prospect, log).is_empty()
        };
        if !known(&contacts) {
            match self.settings.unknown_people {
                Unknown::SetAside => return Err(CrmError::Nobody),
                Unknown::Skip => return Ok(Wrote::Skipped),
                Unknown::Create => contacts = self.create_contact(log, send).await?,
            }
        }
        let prospect = prospect_address(send).and_then(|address| with_address(&contacts, &address));
        let parties = parties(|address| with_address(&contacts, address), prospect, log);
        let Some(first) = parties.first() else { return Err(CrmError::Nobody) };
        let (key, object) = (key(event, log), object(log));
        let lookup = Lookup { object: object.into(), key: key.clone(), query: first.person.id().to_owned() };
        if let Some(id) = self.there(&lookup, log.reply.message_id.as_ref()).await? {
            return once.found(object, id).await;
        }
        let keyed = self.keyed().await?;
        let keyed = if object == "emails" { keyed.emails } else { keyed.notes };
        let property = keyed.then_some(self.settings.key_property.as_str());
        let entry = entry(log, send, &key, property, event.time, &parties);
        let settle = (!keyed).then_some(self.settled);
        once.make(lookup, now, settle, self.rest.create(object, &entry)).await
    }

    /// The entry, or the email itself where HubSpot or another program has it already.
    async fn there(&self, lookup: &Lookup, id: Option<&MessageId>) -> Result<Option<String>, CrmError> {
        let mut ids = self.rest.associated(&lookup.query, &lookup.object).await?;
        // Ids grow.
        ids.sort_by_key(|id| std::cmp::Reverse((id.len(), id.clone())));
        ids.truncate(NEWEST);
        let text = text_property(&lookup.object);
        let records = self.rest.read_many(&lookup.object, None, &ids, &[text, MESSAGE_ID]).await?;
        let mark = mark(&lookup.key);
        let meant = |record: &&Value| {
            let property = |name| record.get("properties").and_then(|p| p.get(name)?.as_str());
            let captured = property(MESSAGE_ID).and_then(MessageId::new);
            property(text).is_some_and(|text| text.ends_with(&mark))
                || (id.is_some() && captured.as_ref() == id)
        };
        Ok(records.iter().find(meant).and_then(|record| record.get("id")?.as_str()).map(str::to_owned))
    }

    async fn contacts(&self, addresses: Vec<String>) -> Result<Vec<Contact>, CrmError> {
        let mut properties = vec!["email"];
        properties.extend(self.settings.fields.named());
        self.rest.contacts(&addresses, &properties).await
    }

    /// A contact for a message's author. HubSpot refuses a second one with the same address.
    async fn create_contact(&self, log: &Log, send: Option<&TrackedSend>) -> Result<Vec<Contact>, CrmError> {
        let address = log.reply.from.as_deref().ok_or(CrmError::Nobody)?.to_lowercase();
        let (first, last) = name(log, send).ok_or(CrmError::Nobody)?;
        let properties = json!({"email": address, "firstname": first, "lastname": last});
        match self.rest.create("contacts", &json!({"properties": properties})).await {
            Ok(_) | Err(CrmError::Duplicate) => self.contacts(vec![address]).await,
            Err(error) => Err(error),
        }
    }

    async fn change<J: Journal>(
        &self,
        event: &Event,
        wish: Option<(String, String)>,
        send: Option<&TrackedSend>,
        journal: &J,
    ) -> Result<Wrote, CrmError> {
        let (Some(wish), Some(address)) = (wish, prospect_address(send)) else { return Ok(Wrote::Nothing) };
        let contacts = self.contacts(vec![address]).await?;
        let changes: Vec<Change> =
            contacts.iter().flat_map(|contact| contact.changes(std::slice::from_ref(&wish))).collect();
        apply(self, journal, event.id, &changes).await
    }

    /// Of the address; where no contact has it, of the prospect's as well: who asked not to be written to was written to there. HubSpot knows by
    /// itself which addresses do not exist.
    async fn suppress(&self, suppress: &Suppress, send: Option<&TrackedSend>) -> Result<Wrote, CrmError> {
        if suppress.reason == SuppressReason::InvalidAddress {
            return Ok(Wrote::Nothing);
        }
        let address = suppress.address.to_lowercase();
        self.rest.unsubscribe(&address).await?;
        if let Some(prospect) = prospect_address(send).filter(|prospect| *prospect != address)
            && self.contacts(vec![address]).await?.is_empty()
        {
            self.rest.unsubscribe(&prospect).await?;
        }
        Ok(Wrote::Changes)
    }

    async fn keyed(&self) -> Result<Keyed, CrmError> {
        let held = *self.keyed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, keyed)) = held.filter(|(at, _)| at.elapsed() < ACCOUNT_AGE) {
            return Ok(keyed);
        }
        let keyed = Keyed { emails: self.has_key("emails").await?, notes: self.has_key("notes").await? };
        *self.keyed.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), keyed));
        Ok(keyed)
    }

    async fn has_key(&self, object: &str) -> Result<bool, CrmError> {
        let property = self.rest.property_type(object, &self.settings.key_property).await?;
        Ok(property.is_some_and(|p| p.get("hasUniqueValue").and_then(Value::as_bool) == Some(true)))
    }
}

impl Crm for Connector {
    async fn deliver<J: Journal>(
        &self,
        event: &Event,
        send: Option<&TrackedSend>,
        journal: &J,
        now: Timestamp,
    ) -> Result<Wrote, CrmError> {
        let fields = &self.settings.fields;
        match &event.data {
            EventData::Log(log) => self.log(event, log, send, journal, now).await,
            EventData::Stop(stop) => {
                let reason = serde_json::to_value(stop.reason).unwrap_or_default();
                let wish = fields.stop_reason.clone().zip(reason.as_str().map(str::to_owned));
                self.change(event, wish, send, journal).await
            }
            EventData::Pause(pause) => {
                let wish = fields.paused_until.clone().map(|field| (field, pause.until.to_string()));
                self.change(event, wish, send, journal).await
            }
            EventData::Suppress(suppress) => self.suppress(suppress, send).await,
            EventData::Retract(taken_back) => retract(self, journal, taken_back).await,
            EventData::Coverage(_) => Ok(Wrote::Nothing),
        }
    }

    async fn check(&self) -> Result<Vec<Finding>, CrmError> {
        let mut findings = Vec::new();
        let mut say = |name, about: &str, good: bool, yes: String, no: String| {
            let text = if good { yes } else { no };
            findings.push(Finding { name, about: about.to_owned(), good, needed: false, text });
        };
        // Nobody has this address: it only shows whether contacts can be read.
        self.contacts(vec!["nobody@answerback.invalid".into()]).await?;
        let yes = format!("Contacts can be read at {}", self.settings.url);
        say("signed_in", &self.settings.url, true, yes, String::new());
        let key = &self.settings.key_property;
        for object in ["emails", "notes"] {
            say(
                "key",
                object,
                self.has_key(object).await?,
                format!("The property {key} keeps {object} unique"),
                format!(
                    "The property {key} of {object} is missing or has no unique values. Without it run one copy of the server only."
                ),
            );
        }
        for field in self.settings.fields.named() {
            say(
                "field",
                field,
                self.rest.property_type("contacts", field).await?.is_some(),
                format!("Contacts have the property {field}"),
                format!("Contacts have no property {field}."),
            );
        }
        Ok(findings)
    }

    fn take_calls(&self) -> u32 {
        self.rest.take_calls()
    }

    fn for_trial(&self) -> Result<Self, CrmError> {
        Ok(Self {
            settings: Settings { unknown_people: Unknown::SetAside, ..self.settings.clone() },
            rest: self.rest.clone(),
            settled: self.settled,
            keyed: Mutex::default(),
            alone: self.alone.clone(),
        })
    }
}

impl Records for Connector {
    async fn find(&self, lookup: &Lookup) -> Result<Option<String>, CrmError> {
        self.there(lookup, None).await
    }

    async fn delete(&self, created: &Created) -> Result<(), CrmError> {
        self.rest.delete(&created.object, &created.id).await
    }

    async fn read(&self, change: &Change) -> Result<Value, CrmError> {
        self.rest.property(&change.object, &change.id, &change.field).await
    }

    async fn write(&self, values: &[(&Change, &Value)]) -> Result<(), CrmError> {
        let mut records: BTreeMap<(&str, &str), Map<String, Value>> = BTreeMap::new();
        for (change, value) in values {
            let record = records.entry((&change.object, &change.id)).or_default();
            record.insert(change.field.clone(), (*value).clone());
        }
        for ((object, id), properties) in records {
            self.rest.update(object, id, &Value::Object(properties)).await?;
        }
        Ok(())
    }
}
