//! What sort of message it is.

pub(crate) mod acknowledgement;
pub(crate) mod auto_reply;
pub(crate) mod automatic;
pub(crate) mod bounce;
pub(crate) mod bulk;
pub(crate) mod calendar;
pub(crate) mod challenge;
mod classify;
pub(crate) mod complaint;
pub(crate) mod receipt;

pub use bounce::{DeliveryAction, RecipientReport};
pub(crate) use classify::newly_written;
pub use classify::{Classification, Reason, classify};

use serde::{Deserialize, Serialize};

use crate::Message;

/// Whether a message, by its header, may be of a kind that returns the mail which it speaks of: any report, or a challenge. True as well
/// for a few that [`classify`] takes for something else.
pub(crate) fn may_return_original(header: &Message) -> bool {
    bounce::detect(header).is_some()
        || receipt::detect(header).is_some()
        || complaint::detect(header).is_some()
        || challenge::by_sender(header).is_some()
        || challenge::detect(header, "").is_some()
}

/// What sort of message it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person wrote it.
    Reply,
    /// Out of office.
    AutoReply,
    /// A ticket system, "we received your mail".
    Acknowledgement,
    /// A final delivery failure (RFC 3464).
    Bounce,
    /// A delayed-delivery warning; delivery is still being tried.
    Delay,
    /// An MDN (RFC 8098), or a report of successful delivery.
    Receipt,
    /// An answer to an invitation (iTIP METHOD:REPLY or COUNTER, RFC 5546).
    CalendarResponse,
    /// An abuse report (ARF, RFC 5965).
    Complaint,
    /// A challenge-response system asks the sender to prove that they are human.
    Challenge,
    /// A newsletter, notification or list post.
    Bulk,
    /// The rep's own mail.
    Own,
    /// None of these, or it could not be parsed.
    #[default]
    Unknown,
}

/// How final a bounce is (RFC 3463 §2: class 5 or 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BounceClass {
    /// It will not be delivered if it is sent again.
    Permanent,
    /// It might be delivered another time.
    Transient,
}

/// Why it bounced; only `address` says that the address is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BounceReason {
    /// No such user or domain, or the mailbox is closed.
    Address,
    /// Over quota.
    MailboxFull,
    /// The sender, its host or its reputation is refused.
    Blocked,
    /// A policy forbids it: authentication, permissions.
    Policy,
    /// A filter dislikes what it says.
    Content,
    /// Too large.
    TooBig,
    /// Tried until the queue's life was over.
    Expired,
    /// Relaying denied, routing loops.
    Relay,
    /// None of these.
    Other,
}

/// What a bounce says of one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Bounce {
    /// Permanent or transient.
    pub class: BounceClass,
    /// Why.
    pub reason: BounceReason,
    /// The enhanced status code, such as `5.1.1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The address that could not be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// The SMTP reply or the reporter's words, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnostic: Option<String>,
}

/// Who the author of an answer is to the send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The person whom it was for.
    Prospect,
    /// The same person from another address.
    SamePersonOtherAddress,
    /// Somebody in To or CC of the send.
    Copied,
    /// Somebody else at the prospect's organisation.
    SameDomain,
    /// Somebody of the rep's own organisation.
    Colleague,
    /// Anybody else.
    Other,
}

/// What a human answer wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Not to be written to again.
    OptOut,
    /// Nothing in particular.
    #[default]
    None,
}
