//! What was decided about a message.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{Action, Bounce, Evidence, Intent, Kind, Reason, Relation};

/// Kind, attribution and the actions that the policy gives; serialises to the fields of interface §1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// As in the header, with brackets; `None` when absent.
    pub message_id: Option<String>,
    /// What sort of message it is.
    pub kind: Kind,
    /// The send that it answers.
    pub send_id: Option<String>,
    /// The author's relation to the send; `None` where nothing was attributed.
    pub relation: Option<Relation>,
    /// What a human answer wants.
    pub intent: Intent,
    /// How sure the attribution is, 0 to 1; 0 where nothing was attributed.
    pub confidence: f64,
    /// Every rung that agreed, the winner first.
    pub evidence: Vec<Evidence>,
    /// What the policy makes of it.
    pub actions: Vec<Action>,
    /// The author's address.
    pub from: Option<String>,
    /// The message's own date, else the time at which it was received.
    pub date: Option<Timestamp>,
    /// Bounces: what happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounce: Option<Bounce>,
    /// Auto replies: the day on which the author is back, when stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns_on: Option<Date>,
    /// Auto replies: whom to write to instead, when stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative_contact: Option<String>,
    /// Calendar responses: ACCEPTED, DECLINED, TENTATIVE, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partstat: Option<String>,
    /// The date that a `pause` action holds the campaign until.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_until: Option<Date>,
    /// What decided about the kind; `None` where nothing speaks against a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<Reason>,
    /// Why it could not be judged; the kind is `unknown` then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
