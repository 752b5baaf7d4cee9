//! Verdicts as the rep sees them.

use serde::{Deserialize, Serialize};

use super::OutboxState;

/// Which verdicts to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase", default)]
pub struct ReplyFilter {
    /// Words to look for in author, address, subject and campaign.
    pub search: String,
    /// Kinds to show (`reply`, `auto_reply`, …); empty means all.
    pub kinds: Vec<String>,
    /// Only those that wait for the rep's answer.
    pub questions_only: bool,
    /// How many rows to skip.
    pub offset: u32,
    /// How many rows to give, at most 500; 0 means 100.
    pub limit: u32,
}

/// A part of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ReplyPage {
    /// How many verdicts match in all.
    pub total: u32,
    /// The rows, newest first.
    pub rows: Vec<ReplyRow>,
}

/// One verdict in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ReplyRow {
    /// The verdict's number in the store.
    pub id: i32,
    /// The mailbox that it was found in.
    pub account: String,
    /// The folder that it was found in.
    pub folder: String,
    /// reply, auto_reply, …
    pub kind: String,
    /// The author's name, if any.
    pub from_name: Option<String>,
    /// The author's address.
    pub from: Option<String>,
    /// The subject.
    pub subject: Option<String>,
    /// When the server received it.
    pub received_at: Option<String>,
    /// The author's relation to the send.
    pub relation: Option<String>,
    /// `opt_out` or `none`.
    pub intent: String,
    /// The prospect's name or address.
    pub prospect: Option<String>,
    /// The campaign's name.
    pub campaign: Option<String>,
    /// When the tracked send that it answers went out, for "your email of 18 Nov".
    pub sent_at: Option<String>,
    /// How sure the attribution is, 0 to 1.
    pub confidence: f64,
    /// The rung that answered first, such as `in_reply_to`.
    pub rung: Option<String>,
    /// stop, pause, suppress, log, ask.
    pub actions: Vec<String>,
    /// The day on which the author is back.
    pub returns_on: Option<String>,
    /// The day until which the campaign is paused.
    pub pause_until: Option<String>,
    /// Whether the rep took it back.
    pub retracted: bool,
    /// Whether it waits for the rep's answer.
    pub question: bool,
    /// How its events stand: the least advanced of them; `None` when it has none.
    pub delivery: Option<OutboxState>,
}

/// One verdict with all that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ReplyDetail {
    /// The row of the list.
    pub row: ReplyRow,
    /// The message's id.
    pub message_id: Option<String>,
    /// The subject of the tracked send.
    pub send_subject: Option<String>,
    /// When the tracked send went out.
    pub sent_at: Option<String>,
    /// The send's id.
    pub send_id: Option<String>,
    /// What decided about the kind; `None` where nothing speaks against a person.
    pub reason: Option<ReasonView>,
    /// Each rung that agreed.
    pub evidence: Vec<EvidenceView>,
    /// Bounces: class, reason, status and diagnostic.
    pub bounce: Option<String>,
    /// Whom to write to instead.
    pub alternative_contact: Option<String>,
    /// Calendar responses: ACCEPTED, …
    pub partstat: Option<String>,
    /// What was or will be sent to the backend.
    pub events: Vec<SentEvent>,
}

/// What the author of a message newly wrote, as text only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct MessageText {
    /// The text; empty where nothing was newly written.
    pub text: String,
    /// Whether there is more of it than is shown.
    pub cut: bool,
}

/// What a message's kind was told by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ReasonView {
    /// header, part, subject, text, sender.
    pub place: String,
    /// The field, the phrase or the address that was found there.
    pub value: String,
}

/// One rung that agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct EvidenceView {
    /// in_reply_to, references, …
    pub rung: String,
    /// What was found.
    pub value: String,
}

/// One event of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct SentEvent {
    /// stop, pause, suppress, log, retract.
    pub event: String,
    /// How it stands.
    pub state: OutboxState,
    /// Why it was refused, when it was.
    pub reason: Option<String>,
    /// The exact JSON.
    pub json: String,
}
