//! CloudEvents 1.0 in the JSON event format: what the laptop tells the backend.

use answerback_reply::{Bounce, Evidence, Intent, Kind, MessageId, Relation};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// The media type of a batch of events.
pub const BATCH_MEDIA_TYPE: &str = "application/cloudevents-batch+json";
/// The most events that a batch may hold.
pub const MAX_BATCH_EVENTS: usize = 500;
/// The most bytes that a batch may have before compression.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;

/// What an event says, as its `type` attribute names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventType {
    /// End the campaign for this prospect.
    Stop,
    /// Hold the campaign until a date.
    Pause,
    /// Never mail this address again.
    Suppress,
    /// Write the reply into the CRM.
    Log,
    /// Take earlier events back.
    Retract,
    /// The account is checked up to a time.
    Coverage,
}

impl EventType {
    /// Every type, in the order in which events of one send are sent.
    pub const ALL: [Self; 6] =
        [Self::Stop, Self::Pause, Self::Suppress, Self::Log, Self::Retract, Self::Coverage];

    /// The `type` attribute.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "answerback.stop.v1",
            Self::Pause => "answerback.pause.v1",
            Self::Suppress => "answerback.suppress.v1",
            Self::Log => "answerback.log.v1",
            Self::Retract => "answerback.retract.v1",
            Self::Coverage => "answerback.coverage.v1",
        }
    }

    /// The type with this `type` attribute.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.as_str() == name)
    }
}

/// A CloudEvent of one of our types.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Envelope", into = "Envelope")]
pub struct Event {
    /// See [`crate::event_id()`].
    pub id: Uuid,
    /// `answerback:/accounts/<account id>`.
    pub source: String,
    /// When it happened: the reply's arrival, the retraction, the check.
    pub time: Timestamp,
    /// The send's id; absent for coverage.
    pub subject: Option<String>,
    /// What it says.
    pub data: EventData,
}

impl Event {
    /// What sort of event it is.
    pub fn event_type(&self) -> EventType {
        self.data.event_type()
    }

    /// The account that it comes from, out of `source`.
    pub fn account(&self) -> Option<Uuid> {
        self.source.strip_prefix("answerback:/accounts/")?.parse().ok()
    }
}

/// The payload of each type.
#[derive(Clone, Debug, PartialEq)]
pub enum EventData {
    /// `answerback.stop.v1`
    Stop(Stop),
    /// `answerback.pause.v1`
    Pause(Pause),
    /// `answerback.suppress.v1`
    Suppress(Suppress),
    /// `answerback.log.v1`
    Log(Box<Log>),
    /// `answerback.retract.v1`
    Retract(Retract),
    /// `answerback.coverage.v1`
    Coverage(Coverage),
}

impl EventData {
    /// The type that this is the payload of.
    pub const fn event_type(&self) -> EventType {
        match self {
            Self::Stop(_) => EventType::Stop,
            Self::Pause(_) => EventType::Pause,
            Self::Suppress(_) => EventType::Suppress,
            Self::Log(_) => EventType::Log,
            Self::Retract(_) => EventType::Retract,
            Self::Coverage(_) => EventType::Coverage,
        }
    }

    /// The send that it is about; coverage is about none.
    pub const fn about(&self) -> Option<&SendRef> {
        match self {
            Self::Stop(Stop { about, .. })
            | Self::Pause(Pause { about, .. })
            | Self::Suppress(Suppress { about, .. })
            | Self::Retract(Retract { about, .. }) => Some(about),
            Self::Log(log) => Some(&log.about),
            Self::Coverage(_) => None,
        }
    }
}

/// The send that an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SendRef {
    /// The backend's id of the send.
    pub send_id: String,
    /// The backend's id of its campaign.
    #[serde(default)]
    pub campaign_id: Option<String>,
    /// The backend's id of the person whom it was for.
    #[serde(default)]
    pub prospect_id: Option<String>,
}

/// End the campaign for this prospect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Stop {
    /// The send.
    #[serde(flatten)]
    pub about: SendRef,
    /// Why.
    pub reason: StopReason,
}

/// Why a campaign ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// Somebody answered.
    Reply,
    /// Somebody asked not to be written to again.
    OptOut,
    /// An invitation was answered.
    CalendarResponse,
    /// It could not be delivered.
    Bounce,
    /// It was reported as abuse.
    Complaint,
}

/// Hold the campaign for this prospect until a date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Pause {
    /// The send.
    #[serde(flatten)]
    pub about: SendRef,
    /// The first day on which the campaign may go on.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = Date))]
    pub until: Date,
    /// Why.
    pub reason: PauseReason,
}

/// Why a campaign is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// Out of office.
    AutoReply,
}

/// Never mail this address again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Suppress {
    /// The send.
    #[serde(flatten)]
    pub about: SendRef,
    /// The address, in lower case.
    pub address: String,
    /// Why.
    pub reason: SuppressReason,
}

/// Why an address is not to be mailed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SuppressReason {
    /// Its owner asked for it.
    OptOut,
    /// Its owner reported abuse.
    Complaint,
    /// It does not exist.
    InvalidAddress,
}

/// Write the reply into the CRM.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Log {
    /// The send.
    #[serde(flatten)]
    pub about: SendRef,
    /// What sort of message it is.
    pub kind: Kind,
    /// The author's relation to the send.
    #[serde(default)]
    pub relation: Option<Relation>,
    /// What a human answer wants.
    #[serde(default)]
    pub intent: Intent,
    /// The message.
    pub reply: Reply,
    /// Why it is thought to answer the send, the strongest reason first.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// How sure that is, 0 to 1.
    pub confidence: f64,
}

/// The message that a log event writes down. `subject` and `text` only as far as the log level allows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Reply {
    /// As in the header, with brackets; null when absent.
    #[serde(default)]
    pub message_id: Option<MessageId>,
    /// The ids in In-Reply-To with brackets, parted by a blank; null when absent.
    #[serde(default)]
    pub in_reply_to: Option<String>,
    /// The author's address, in lower case.
    #[serde(default)]
    pub from: Option<String>,
    /// The author's display name.
    #[serde(default)]
    pub from_name: Option<String>,
    /// Addresses in To, in lower case.
    #[serde(default)]
    pub to: Vec<String>,
    /// Addresses in CC, in lower case.
    #[serde(default)]
    pub cc: Vec<String>,
    /// The decoded subject; null where the log level keeps it on the laptop.
    #[serde(default)]
    pub subject: Option<String>,
    /// When the mail server received it, else the message's own date.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub received_at: Option<Timestamp>,
    /// The newly written text, without quotes and signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Bounces: what happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounce: Option<Bounce>,
    /// Calendar responses: ACCEPTED, DECLINED, TENTATIVE, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partstat: Option<String>,
    /// Auto replies: the day on which the author is back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = Date))]
    pub returns_on: Option<Date>,
}

/// The rep said that events were wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Retract {
    /// The send.
    #[serde(flatten)]
    pub about: SendRef,
    /// The events that it takes back.
    pub event_ids: Vec<Uuid>,
    /// Why, such as `not_a_reply`, `wrong_send` or `undone`.
    pub reason: String,
}

/// Everything that the mail server had received before a time has been judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Coverage {
    /// The mailbox address.
    pub account: String,
    /// The time, on the mail server's clock.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub checked_up_to: Timestamp,
    /// How many folders are watched.
    pub folders: u32,
}

/// Why something is not an event of ours. Says which attribute is wrong, never what it held.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not CloudEvents 1.0.
    #[error("specversion is not 1.0")]
    SpecVersion,
    /// A `type` that the contract doesn't list.
    #[error("the event type is not one of the contract's")]
    UnknownType,
    /// Data is there in another format.
    #[error("datacontenttype is not application/json")]
    ContentType,
    /// The data lacks a field or holds something else in it.
    #[error("the data does not fit {0}")]
    Data(&'static str),
}

/// The attributes as they stand in JSON; `data` before it is understood.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Event))]
pub struct Envelope {
    /// Always `1.0`.
    #[cfg_attr(feature = "schema", schema(example = "1.0"))]
    specversion: String,
    /// Deterministic UUIDv5: the same for the same reply, whichever laptop found it.
    id: Uuid,
    /// `answerback:/accounts/<account id>`.
    source: String,
    /// One of the contract's six event types.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "schema", schema(example = "answerback.stop.v1"))]
    event_type: String,
    /// When it happened.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    time: Timestamp,
    /// The send's id; absent for coverage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// `application/json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    datacontenttype: Option<String>,
    /// The payload of the type.
    data: Value,
}

impl TryFrom<Envelope> for Event {
    type Error = EventError;

    fn try_from(e: Envelope) -> Result<Self, EventError> {
        if e.specversion != "1.0" {
            return Err(EventError::SpecVersion);
        }
        if e.datacontenttype.as_deref().is_some_and(|t| !is_json(t)) {
            return Err(EventError::ContentType);
        }
        let event_type = EventType::parse(&e.event_type).ok_or(EventError::UnknownType)?;
        let misfit = |_| EventError::Data(event_type.as_str());
        let data = match event_type {
            EventType::Stop => EventData::Stop(Stop::deserialize(e.data).map_err(misfit)?),
            EventType::Pause => EventData::Pause(Pause::deserialize(e.data).map_err(misfit)?),
            EventType::Suppress => EventData::Suppress(Suppress::deserialize(e.data).map_err(misfit)?),
            EventType::Log => EventData::Log(Box::new(Log::deserialize(e.data).map_err(misfit)?)),
            EventType::Retract => EventData::Retract(Retract::deserialize(e.data).map_err(misfit)?),
            EventType::Coverage => EventData::Coverage(Coverage::deserialize(e.data).map_err(misfit)?),
        };
        Ok(Self { id: e.id, source: e.source, time: e.time, subject: e.subject, data })
    }
}

impl From<Event> for Envelope {
    fn from(e: Event) -> Self {
        let event_type = e.event_type();
        let data = match e.data {
            EventData::Stop(data) => serde_json::to_value(data),
            EventData::Pause(data) => serde_json::to_value(data),
            EventData::Suppress(data) => serde_json::to_value(data),
            EventData::Log(data) => serde_json::to_value(data),
            EventData::Retract(data) => serde_json::to_value(data),
            EventData::Coverage(data) => serde_json::to_value(data),
        };
        Self {
            specversion: "1.0".into(),
            id: e.id,
            source: e.source,
            event_type: event_type.as_str().into(),
            time: e.time,
            subject: e.subject,
            datacontenttype: Some("application/json".into()),
            // Only a map with keys that aren't strings could fail, and there is none.
            data: data.unwrap_or_default(),
        }
    }
}

fn is_json(media_type: &str) -> bool {
    let bare = media_type.split(';').next().unwrap_or_default().trim();
    bare.eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stop() -> Value {
        json!({
            "specversion": "1.0", "id": "be08173f-6425-5534-8786-50979a6410ca",
            "source": "answerback:/accounts/bc5da5b6-1d3c-51a9-8d13-511a245af461",
            "type": "answerback.stop.v1", "time": "2026-11-20T09:12:00Z", "subject": "snd_1",
            "datacontenttype": "application/json",
            "data": {"send_id": "snd_1", "campaign_id": "cmp_1", "prospect_id": "p_1", "reason": "opt_out"}
        })
    }

    #[test]
    fn an_event_is_the_json_that_the_contract_shows() {
        let event: Event = serde_json::from_value(stop()).unwrap();
        assert_eq!(event.event_type(), EventType::Stop);
        assert_eq!(event.account(), Some(crate::account_id("rep@sales.example")));
        assert_eq!(event.data.about().unwrap().send_id, "snd_1");
        assert_eq!(serde_json::to_value(&event).unwrap(), stop());
    }

    #[test]
    fn what_is_not_an_event_of_ours_is_refused_without_repeating_what_it_held() {
        let cases: [(&str, Value, &str); 5] = [
            ("/specversion", json!("0.3"), "specversion"),
            ("/type", json!("secret.other.v1"), "event type"),
            ("/datacontenttype", json!("text/secret"), "datacontenttype"),
            ("/data/reason", json!("secret"), "answerback.stop.v1"),
            ("/data/send_id", json!({"secret": 1}), "answerback.stop.v1"),
        ];
        for (pointer, value, expected) in cases {
            let mut event = stop();
            *event.pointer_mut(pointer).unwrap() = value;
            let error = serde_json::from_value::<Event>(event).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("secret"), "{pointer}: {error}");
        }
    }

    #[test]
    fn extension_attributes_and_new_fields_are_ignored() {
        let mut event = stop();
        event["traceparent"] = json!("00-1");
        event["data"]["added_later"] = json!(true);
        assert!(serde_json::from_value::<Event>(event).is_ok());
    }
}
