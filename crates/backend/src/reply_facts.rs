//! What a log event tells of the message itself, before the log level is applied.

use answerback_reply::{Message, MessageId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The facts of a message that stay useful after its bytes are gone: enough to make its events later, when the
/// rep answers "is this an answer to …?".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplyFacts {
    /// [`Message::key`]: tells it from every other message.
    pub key: String,
    /// As in the header.
    pub message_id: Option<MessageId>,
    /// Every id in In-Reply-To.
    pub in_reply_to: Vec<MessageId>,
    /// The author's address, in lower case.
    pub from: Option<String>,
    /// The author's display name.
    pub from_name: Option<String>,
    /// Addresses in To, in lower case.
    pub to: Vec<String>,
    /// Addresses in CC, in lower case.
    pub cc: Vec<String>,
    /// The decoded subject.
    pub subject: Option<String>,
    /// When the mail server received it, else the message's own date.
    pub received_at: Option<Timestamp>,
    /// The newly written text; give it only where the log level may need it.
    pub text: Option<String>,
}

impl ReplyFacts {
    /// The facts of a message, with the newly written text where it is known.
    pub fn new(message: &Message, text: Option<String>) -> Self {
        Self {
            key: message.key(),
            message_id: message.message_id.clone(),
            in_reply_to: message.in_reply_to.clone(),
            from: message.from.clone(),
            from_name: message.from_name.clone(),
            to: message.to.clone(),
            cc: message.cc.clone(),
            subject: message.subject.clone(),
            received_at: message.received_at.or(message.date),
            text,
        }
    }
}
