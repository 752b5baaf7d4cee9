//! One row of a delta query.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::exchange::header::{self, Person, Properties};
use crate::{Folder, FolderRole, FoundMessage, MessageRef};

/// The properties that are asked for. No body, no preview.
pub(super) const SELECT: &str = "id,receivedDateTime,sentDateTime,internetMessageId,subject,from,sender,replyTo,\
toRecipients,ccRecipients,conversationId,conversationIndex,internetMessageHeaders";

/// A message resource, as far as it came.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resource {
    id: String,
    #[serde(rename = "@removed")]
    removed: Option<Value>,
    received_date_time: Option<Timestamp>,
    sent_date_time: Option<Timestamp>,
    internet_message_id: Option<String>,
    subject: Option<String>,
    from: Option<Recipient>,
    sender: Option<Recipient>,
    #[serde(default)]
    reply_to: Vec<Recipient>,
    #[serde(default)]
    to_recipients: Vec<Recipient>,
    #[serde(default)]
    cc_recipients: Vec<Recipient>,
    conversation_id: Option<String>,
    conversation_index: Option<String>,
    internet_message_headers: Option<Vec<HeaderField>>,
}

/// From, To and the like.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    #[serde(default)]
    email_address: EmailAddress,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct EmailAddress {
    name: Option<String>,
    address: Option<String>,
}

/// A header field, unfolded.
#[derive(Clone, Debug, Deserialize)]
struct HeaderField {
    name: String,
    #[serde(default)]
    value: String,
}

impl Resource {
    fn properties(self) -> Properties {
        let person = |recipient: Recipient| Person {
            name: recipient.email_address.name.unwrap_or_default(),
            address: recipient.email_address.address.unwrap_or_default(),
        };
        let people = |list: Vec<Recipient>| list.into_iter().map(person).collect();
        let fields = self.internet_message_headers.unwrap_or_default().into_iter();
        Properties {
            fields: fields.map(|field| (field.name, field.value)).collect(),
            from: self.from.map(person),
            sender: self.sender.map(person),
            reply_to: people(self.reply_to),
            to: people(self.to_recipients),
            cc: people(self.cc_recipients),
            subject: self.subject,
            sent_at: self.sent_date_time,
            message_id: self.internet_message_id,
            conversation_index: self.conversation_index,
        }
    }
}

/// What a row says.
#[derive(Debug)]
pub(super) enum Row {
    /// The message has left the folder.
    Removed,
    /// All that there is to know.
    Whole(FoundMessage),
    /// Its header fields did not come; the beginning of its MIME text has them.
    NoHeader(FoundMessage),
    /// Only what changed came (microsoft-graph-docs#7776), or something that can't be read: the message is to be asked
    /// for by its id.
    Part(String),
}

impl Row {
    /// Reads a row of `folder`. `None` when it does not even have an id.
    pub(super) fn read(value: &Value, folder: &Folder) -> Option<Self> {
        let id = value.get("id")?.as_str()?.to_owned();
        let Ok(resource) = Resource::deserialize(value) else { return Some(Self::Part(id)) };
        if resource.removed.is_some() {
            return Some(Self::Removed);
        }
        let (Some(received_at), Some(conversation)) =
            (resource.received_date_time, resource.conversation_id.as_deref())
        else {
            return Some(Self::Part(resource.id));
        };
        let thread_ids = vec![format!("msgraph:{conversation}")];
        let properties = resource.properties();
        let found = FoundMessage {
            at: MessageRef { folder: folder.name.clone(), id },
            received_at: Some(received_at),
            size: None,
            header: header::block(&properties),
            thread_ids,
        };
        // Sent mail never has them, and what tells a send's own copy is there.
        let is_enough = !properties.fields.is_empty() || folder.role == FolderRole::Sent;
        Some(if is_enough { Self::Whole(found) } else { Self::NoHeader(found) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_told_apart() {
        let folder = |role| Folder { name: "Inbox".into(), role };
        let read = |value: &Value, role| Row::read(value, &folder(role));
        let inbox = FolderRole::Inbox;
        let mut whole = json!({
            "id": "1", "receivedDateTime": "2026-11-20T08:00:00Z", "conversationId": "c1", "subject": "s",
            "internetMessageHeaders": [{"name": "Subject", "value": "s"}],
        });
        let Some(Row::Whole(found)) = read(&whole, inbox) else { unreachable!("a whole row") };
        assert_eq!(found.thread_ids, ["msgraph:c1"]);
        assert_eq!(found.at.id, "1");
        whole["internetMessageHeaders"] = Value::Null;
        assert!(matches!(read(&whole, inbox), Some(Row::NoHeader(_))));
        assert!(matches!(read(&whole, FolderRole::Sent), Some(Row::Whole(_))));
        let removed = json!({"id": "1", "@removed": {"reason": "deleted"}});
        assert!(matches!(read(&removed, inbox), Some(Row::Removed)));
        let part = json!({"id": "1", "isRead": true});
        assert!(matches!(read(&part, inbox), Some(Row::Part(id)) if id == "1"));
        whole["receivedDateTime"] = json!("no date");
        assert!(matches!(read(&whole, inbox), Some(Row::Part(_))));
        assert!(read(&json!({"subject": "s"}), inbox).is_none());
    }
}
