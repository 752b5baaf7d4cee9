//! One row of a delta query.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::header::{self, HeaderField, Recipient};
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
    pub(super) sent_date_time: Option<Timestamp>,
    pub(super) internet_message_id: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) from: Option<Recipient>,
    pub(super) sender: Option<Recipient>,
    #[serde(default)]
    pub(super) reply_to: Vec<Recipient>,
    #[serde(default)]
    pub(super) to_recipients: Vec<Recipient>,
    #[serde(default)]
    pub(super) cc_recipients: Vec<Recipient>,
    conversation_id: Option<String>,
    pub(super) conversation_index: Option<String>,
    pub(super) internet_message_headers: Option<Vec<HeaderField>>,
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
        let found = FoundMessage {
            at: MessageRef { folder: folder.name.clone(), id },
            received_at: Some(received_at),
            size: None,
            header: header::block(&resource),
            thread_ids: vec![format!("msgraph:{conversation}")],
        };
        let has_header = resource.internet_message_headers.is_some_and(|fields| !fields.is_empty());
        // Sent mail never has them, and what tells a send's own copy is there.
        let is_enough = has_header || folder.role == FolderRole::Sent;
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
