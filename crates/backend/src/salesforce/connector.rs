//! Writes an event into Salesforce, once.
//!
//! An email, its relations and a lead that is made for it are one transaction: a composite request, all or none. Where the administrator has
//! added the key's field (a unique external id), Salesforce itself refuses a second entry; entries are created with it and not upserted,
//! because of an email nothing, and of a task not everything, can be brought up to date. Without the field each entry is looked for before
//! it is made.

mod cadences;
mod fields;
mod sent;

pub use sent::Who;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use answerback_reply::{MessageId, TrackedSend};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::change;
use super::entry::{self, Setting};
use super::findings::findings;
use super::org::{Describes, OBJECTS, Org};
use super::people::{Person, Wanted, people, prospect, relation_type, with_address};
use super::rest::{Part, Rest};
use super::settings::{Mapping, Settings};
use super::sign_in::Grant;
use super::soql::{is_in, quote};
use crate::crm::budget::{self, Hold};
use crate::crm::entry::{is_email, key};
use crate::crm::journal::{Journal, Lookup};
use crate::crm::once::Once;
use crate::crm::people::{Role, parties};
use crate::crm::undo::{Records, retract};
use crate::crm::{Crm, CrmError, Finding, Unknown, Wrote};
use crate::event::{Event, EventData, Log};

/// Salesforce cuts off a request of its REST API after ten minutes.
pub const SETTLED: Duration = Duration::from_secs(10 * 60);
/// What an organisation has is asked again after this time.
const ORG_AGE: Duration = Duration::from_secs(60 * 60);
/// How long nothing is asked while the whole organisation is short of requests.
const ORGANISATION_HOLD: Duration = Duration::from_secs(15 * 60);
/// With a lead, an email and some to spare, within what one composite request takes.
const MOST_PARTIES: usize = 20;

/// Writes one organisation's events into its Salesforce.
#[derive(Debug)]
pub struct Connector {
    settings: Settings,
    rest: Rest,
    settled: Duration,
    org: Mutex<Option<(Instant, Arc<Org>)>>,
    /// Held while an entry without a key is looked for and made.
    alone: Arc<tokio::sync::Mutex<()>>,
}

/// What the queries before a write found.
#[derive(Debug)]
struct Seen {
    people: Vec<Person>,
    /// Records of EmailMessage, or of CampaignMember, which the user may not be allowed to see.
    more: Result<Vec<Value>, CrmError>,
}

impl Connector {
    /// With these settings; nothing is asked yet.
    pub fn new(settings: Settings, grant: Grant) -> Result<Self, CrmError> {
        if let Some(problem) = settings.problem() {
            return Err(CrmError::Settings(problem));
        }
        let rest = Rest::new(&settings, grant)?;
        Ok(Self { settings, rest, settled: SETTLED, org: Mutex::default(), alone: Arc::default() })
    }

    /// As if Salesforce cut requests off after this time.
    #[must_use]
    pub fn settled_after(mut self, settled: Duration) -> Self {
        self.settled = settled;
        self
    }

    /// The same with another mapping: signed in as before, and the organisation is looked at afresh.
    pub fn with_mapping(&self, mapping: Mapping) -> Result<Self, CrmError> {
        if let Some(problem) = mapping.problem() {
            return Err(CrmError::Settings(problem));
        }
        Ok(Self {
            settings: Settings { mapping, ..self.settings.clone() },
            rest: self.rest.clone(),
            settled: self.settled,
            org: Mutex::default(),
            alone: self.alone.clone(),
        })
    }

    /// The settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Until when nothing may be asked, where so many requests of the day have been made.
    pub fn hold(&self, used: i64, now: Timestamp) -> Option<Hold> {
        if let Some(hold) = budget::ours(used, self.settings.daily_calls, now) {
            return Some(hold);
        }
        let percent = u64::from(self.settings.organisation_percent);
        let usage = self.rest.usage()?;
        if u64::from(usage.used) * 100 < u64::from(usage.limit) * percent {
            return None;
        }
        // Looked at afresh then: the next answer says how many there are.
        self.rest.forget_usage();
        Some(Hold::TheirOwn(now.checked_add(ORGANISATION_HOLD).unwrap_or(now)))
    }

    async fn log<J: Journal>(
        &self,
        event: &Event,
        log: &Log,
        send: Option<&TrackedSend>,
        journal: &J,
        now: Timestamp,
    ) -> Result<Wrote, CrmError> {
        let org = self.org().await?;
        let response = entry::delivery_response(log).filter(|_| org.delivery_responses);
        let as_email = org.emails && (is_email(log.kind) || response.is_some());
        let keyed = if as_email { org.email_key } else { org.task_key };
        let _alone = if keyed { None } else { Some(self.alone.lock().await) };
        let Some(once) = Once::begin(journal, event.id).await? else { return Ok(Wrote::Already) };
        let key = key(event, log);
        let wanted = Wanted::of_log(send, log);
        let query = as_email.then(|| self.emails_query(log, send, &key, keyed));
        let seen = self.look(&org, &wanted, query.as_deref().map(|soql| ("EmailMessage", soql))).await?;
        let emails = seen.more?;
        let of_address = |address: &str| with_address(&seen.people, address);
        let mut parties = parties(of_address, prospect(&seen.people, &wanted, send), log);
        parties.truncate(MOST_PARTIES);
        let lead = match (parties.is_empty(), self.settings.mapping.unknown_people) {
            (false, _) => None,
            (true, Unknown::Create) => Some(entry::lead(log, send).ok_or(CrmError::Nobody)?),
            (true, Unknown::Skip) => return Ok(Wrote::Skipped),
            (true, Unknown::SetAside) => return Err(CrmError::Nobody),
        };
        let related = parties.iter().find_map(|p| p.person.opportunity.as_deref());
        let answers = send.and_then(|send| find_email(&emails, &send.message_ids));
        let with = Setting {
            send,
            key: &key,
            at: event.time,
            parties: &parties,
            answers: answers.and_then(|email| text(email, "Id")),
            thread: answers.and_then(|email| text(email, "ThreadIdentifier")),
            related: related.filter(|_| self.settings.mapping.relate_opportunity),
            reply_type: org.reply_type,
            response,
        };
        let lookup = self.lookup(log, &with, as_email, keyed);
        let there = match as_email {
            true => {
                let keyed = emails.iter().find(|email| text(email, &self.settings.key_field) == Some(&key));
                let found = keyed.or_else(|| find_email(&emails, log.reply.message_id.as_slice()));
                found.and_then(|email| text(email, "Id")).map(str::to_owned)
            }
            false => self.find(&lookup).await?,
        };
        if let Some(id) = there {
            return once.found(&lookup.object, id).await;
        }
        let has_lead = usize::from(lead.is_some());
        let parts = self.entry(log, &with, lead, as_email, keyed);
        let request = async {
            let results = self.rest.composite(true, &parts).await?;
            let id = results.get(has_lead).and_then(|made| text(made.as_ref().ok()?, "id"));
            Ok(id.map(str::to_owned))
        };
        once.make(lookup, now, (!keyed).then_some(self.settled), request).await
    }

    /// The composite request that makes an entry: a lead where nobody is there, the entry, and its author's relation.
    fn entry(
        &self,
        log: &Log,
        with: &Setting<'_>,
        lead: Option<Value>,
        as_email: bool,
        keyed: bool,
    ) -> Vec<Part<'static>> {
        const LEAD: &str = "@{lead.id}";
        let has_lead = lead.is_some();
        let mut parts: Vec<Part<'static>> =
            lead.map(|lead| Part::create("Lead", "lead", lead)).into_iter().collect();
        let key_field = self.settings.key_field.as_str();
        if !as_email {
            let mut task = entry::task(log, with);
            if has_lead {
                set(&mut task, "WhoId", json!(LEAD));
            }
            if keyed {
                set(&mut task, key_field, json!(with.key));
            }
            parts.push(Part::create("Task", "entry", task));
            return parts;
        }
        let mut email = entry::email(log, with);
        if keyed {
            set(&mut email, key_field, json!(with.key));
        }
        parts.push(Part::create("EmailMessage", "entry", email));
        let author = with.parties.iter().find(|party| party.role == Role::From);
        let author = author.map(|party| (party.person.id.as_str(), Some(party.address.as_str())));
        if let Some((id, address)) = author.or(has_lead.then_some((LEAD, log.reply.from.as_deref()))) {
            let mut relation = json!({
                "EmailMessageId": "@{entry.id}", "RelationId": id, "RelationType": relation_type(Role::From), "RelationAddress": address,
            });
            if let Some(response) = with.response {
                set(&mut relation, "DeliveryResponse", json!(response));
            }
            parts.push(Part::create("EmailMessageRelation", "author", relation));
        }
        parts
    }

    /// How the entry is found again.
    fn lookup(&self, log: &Log, with: &Setting<'_>, as_email: bool, keyed: bool) -> Lookup {
        let object = if as_email { "EmailMessage" } else { "Task" };
        let query = if keyed {
            format!("SELECT Id FROM {object} WHERE {} = {}", self.settings.key_field, quote(with.key))
        } else if as_email {
            format!(
                "SELECT Id FROM EmailMessage WHERE MessageIdentifier = {}",
                quote(&entry::message_identifier(log, with.key))
            )
        } else {
            let who = with.parties.first().map(|party| format!("WhoId = {} AND ", quote(&party.person.id)));
            format!(
                "SELECT Id, Description FROM Task WHERE {}ActivityDate = {} AND Subject = {} LIMIT 200",
                who.unwrap_or_default(),
                entry::activity_date(log, with.at),
                quote(&entry::task_subject(log, with.send))
            )
        };
        Lookup { object: object.into(), key: with.key.into(), query }
    }

    /// The email itself, where it is there already, and the one that it answers.
    fn emails_query(&self, log: &Log, send: Option<&TrackedSend>, key: &str, keyed: bool) -> String {
        let known = send.map(|send| send.message_ids.as_slice()).unwrap_or_default();
        let mut ids = vec![entry::message_identifier(log, key)];
        for id in known.iter().take(20).chain(&log.reply.message_id) {
            // Some programs write them without brackets.
            ids.extend([entry::bracketed(id), id.as_str().to_owned()]);
        }
        let by_id = is_in("MessageIdentifier", ids.iter().map(String::as_str));
        let field = &self.settings.key_field;
        if keyed {
            format!(
                "SELECT Id, MessageIdentifier, ThreadIdentifier, {field} FROM EmailMessage WHERE {by_id} OR {field} = {} LIMIT 200",
                quote(key)
            )
        } else {
            format!(
                "SELECT Id, MessageIdentifier, ThreadIdentifier FROM EmailMessage WHERE {by_id} LIMIT 200"
            )
        }
    }

    /// People, and the records of one more query, in one request.
    async fn look(&self, org: &Org, wanted: &Wanted, more: Option<(&str, &str)>) -> Result<Seen, CrmError> {
        let [contacts, leads, roles] = wanted.queries(&self.settings, org.person_accounts, &org.own);
        let mut parts = vec![
            Part::query("Contact", &contacts),
            Part::query("Lead", &leads),
            Part::query("OpportunityContactRole", &roles),
        ];
        parts.extend(more.map(|(object, soql)| Part::query(object, soql)));
        let mut answers = self.rest.composite(false, &parts).await?.into_iter();
        let mut next = || answers.next().unwrap_or(Ok(Value::Null));
        let (contacts, leads, roles, more_found) = (next()?, next()?, next(), next());
        let contacts = self.rest.records("Contact", contacts).await?;
        let leads = self.rest.records("Lead", leads).await?;
        // An organisation may keep its opportunities from the user: then nobody has an open one.
        let roles = match roles {
            Ok(roles) => self.rest.records("OpportunityContactRole", roles).await?,
            Err(CrmError::Forbidden { .. } | CrmError::Missing(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        let more = match more_found {
            Ok(found) => Ok(self.rest.records(more.map_or("", |(object, _)| object), found).await?),
            Err(error) if error.lacks_an_optional_permission() => Err(error),
            Err(error) => return Err(error),
        };
        Ok(Seen { people: people(&contacts, &leads, &roles), more })
    }

    async fn describe(&self) -> Result<Describes, CrmError> {
        let parts: Vec<Part<'_>> = OBJECTS.iter().map(|object| Part::describe(object)).collect();
        let answers = self.rest.composite(false, &parts).await?;
        Ok(OBJECTS.into_iter().zip(answers).collect())
    }

    async fn org(&self) -> Result<Arc<Org>, CrmError> {
        let held = self.org.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, org)) = held.filter(|(at, _)| at.elapsed() < ORG_AGE) {
            return Ok(org);
        }
        let describes = self.describe().await?;
        // A passing fault must not be taken for an object that isn't there.
        let passing = describes
            .values()
            .find_map(|d| d.as_ref().err().filter(|e| e.is_uncertain() || **e == CrmError::RequestLimit));
        if let Some(error) = passing {
            return Err(error.clone());
        }
        let org = Arc::new(Org::new(&describes, &self.settings));
        *self.org.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), org.clone()));
        Ok(org)
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
        let result = match &event.data {
            EventData::Log(log) => self.log(event, log, send, journal, now).await,
            EventData::Stop(stop) => self.stop(event, stop, send, journal).await,
            EventData::Pause(pause) => {
                let wishes = change::of_pause(pause, &self.settings);
                self.on_prospect(event, &wishes, send, journal).await
            }
            EventData::Suppress(suppress) => self.suppress(event, suppress, send, journal).await,
            EventData::Retract(taken_back) => retract(self, journal, taken_back).await,
            EventData::Coverage(_) => Ok(Wrote::Nothing),
        };
        if result.as_ref().is_err_and(CrmError::is_general) {
            // What was missing may have been added when this is tried again.
            *self.org.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        result
    }

    async fn check(&self) -> Result<Vec<Finding>, CrmError> {
        let describes = self.describe().await?;
        let org = Org::new(&describes, &self.settings);
        let text = format!("Signed in at {}", self.settings.url);
        let signed_in =
            Finding { name: "signed_in", about: self.settings.url.clone(), good: true, needed: true, text };
        Ok(std::iter::once(signed_in).chain(findings(&org, &describes, &self.settings)).collect())
    }

    fn take_calls(&self) -> u32 {
        self.rest.take_calls()
    }

    fn for_trial(&self) -> Result<Self, CrmError> {
        let mapping = Mapping { unknown_people: Unknown::SetAside, ..self.settings.mapping.clone() };
        self.with_mapping(mapping)
    }
}

/// The record of the email with one of these Message-IDs.
fn find_email<'a>(emails: &'a [Value], ids: &[MessageId]) -> Option<&'a Value> {
    let named = |email: &&Value| {
        let id = text(email, "MessageIdentifier").and_then(MessageId::new);
        id.is_some_and(|id| ids.contains(&id))
    };
    emails.iter().find(named)
}

fn text<'a>(record: &'a Value, field: &str) -> Option<&'a str> {
    record.get(field)?.as_str()
}

fn set(record: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = record {
        fields.insert(field.to_owned(), value);
    }
}
