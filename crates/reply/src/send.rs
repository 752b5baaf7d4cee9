//! Tracked sends: the emails of a campaign whose answers are looked for.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::MessageId;

/// One email of a campaign, as the backend describes it.
///
/// Only `id`, `message_ids` and `sent_at` are required; `message_ids` may be empty where `marker` is set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TrackedSend {
    /// The backend's id of this send.
    pub id: String,
    /// Every Message-ID that this email is known by: the platform's, a relay's, the Sent folder's.
    #[serde(default)]
    pub message_ids: Vec<MessageId>,
    /// A value of the header `X-Answerback-Marker`, also recognised in quoted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// The rep's address that it was sent from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Addresses in To.
    #[serde(default)]
    pub to: Vec<String>,
    /// Addresses in CC.
    #[serde(default)]
    pub cc: Vec<String>,
    /// Addresses in BCC.
    #[serde(default)]
    pub bcc: Vec<String>,
    /// The subject as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it was handed to the mail system.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub sent_at: Timestamp,
    /// After this time its answers no longer matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub track_until: Option<Timestamp>,
    /// The campaign that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<Campaign>,
    /// The person whom it was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prospect: Option<Prospect>,
}

/// The backend's sequence of steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Campaign {
    /// The backend's id.
    pub id: String,
    /// What the rep calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which step this send was, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
}

/// The person whom a send was for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Prospect {
    /// The backend's id.
    pub id: String,
    /// Their address as the backend knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
