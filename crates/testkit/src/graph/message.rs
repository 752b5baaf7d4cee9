//! A stored message, and the message resource that is made of it.

use std::sync::Arc;

use answerback_reply::Message;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use jiff::{Timestamp, Unit};
use serde_json::{Value, json};

/// A message in a folder.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// The same wherever it is moved.
    pub(super) serial: u64,
    pub(super) raw: Arc<[u8]>,
    pub(super) received_at: Timestamp,
    pub(super) read: bool,
    pub(super) conversation: String,
    /// Written in Outlook: the header that went over the wire is not kept (microsoft-graph-docs#18761).
    pub(super) composed: bool,
    /// The change with which it came into its folder, and the last one since.
    pub(super) created: u64,
    pub(super) updated: u64,
}

impl Stored {
    /// The id that stays when it is moved.
    pub(super) fn immutable_id(&self) -> String {
        URL_SAFE.encode(format!("immutable-{:06}", self.serial))
    }

    /// The id that a client gets which doesn't ask for the other: another one in each folder.
    pub(super) fn id_in(&self, folder: &str) -> String {
        URL_SAFE.encode(format!("item-{:06}-{folder}", self.serial))
    }

    /// The message resource with every property; [`select`] takes what was asked for.
    pub(super) fn resource(&self, folder: &str, immutable: bool) -> Value {
        let message = Message::from_header(&self.raw);
        let person = |address: Option<&String>, name: Option<&String>| match address {
            Some(address) => json!({"emailAddress": {"name": name.unwrap_or(address), "address": address}}),
            None => Value::Null,
        };
        let people =
            |list: &[String]| list.iter().map(|address| person(Some(address), None)).collect::<Vec<_>>();
        let id = if immutable { self.immutable_id() } else { self.id_in(folder) };
        let from = person(message.from.as_ref(), message.from_name.as_ref());
        let sender = match &message.sender {
            Some(sender) => person(Some(sender), None),
            None => from.clone(),
        };
        let kind = if self.is_meeting_response() { "eventMessageResponse" } else { "message" };
        let change_key = STANDARD.encode(format!("change-{:08}", self.created.max(self.updated)));
        let mut resource = json!({
            "@odata.type": format!("#microsoft.graph.{kind}"),
            "@odata.etag": format!("W/\"{change_key}\""),
            "id": id,
            "changeKey": change_key,
            "createdDateTime": date_time(self.received_at),
            "lastModifiedDateTime": date_time(self.received_at),
            "receivedDateTime": date_time(self.received_at),
            "sentDateTime": date_time(message.date.unwrap_or(self.received_at)),
            "hasAttachments": false,
            "internetMessageId": message.message_id.as_ref().map(ToString::to_string),
            "subject": message.subject,
            "importance": "normal",
            "parentFolderId": folder,
            "conversationId": self.conversation,
            "conversationIndex": self.conversation_index(),
            "isRead": self.read,
            "isDraft": false,
            "from": from,
            "sender": sender,
            "toRecipients": people(&message.to),
            "ccRecipients": people(&message.cc),
            "bccRecipients": [],
            "replyTo": people(&message.reply_to),
        });
        if !self.composed
            && let Some(object) = resource.as_object_mut()
        {
            object.insert("internetMessageHeaders".to_owned(), Value::Array(self.headers()));
        }
        resource
    }

    /// The header fields in order, unfolded, as Graph gives them.
    fn headers(&self) -> Vec<Value> {
        let text = String::from_utf8_lossy(&self.raw).replace("\r\n", "\n");
        let header = text.split("\n\n").next().unwrap_or_default();
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in header.lines() {
            match fields.last_mut() {
                Some((_, value)) if line.starts_with([' ', '\t']) => {
                    value.push(' ');
                    value.push_str(line.trim());
                }
                _ => {
                    if let Some((name, value)) = line.split_once(':') {
                        fields.push((name.to_owned(), value.trim().to_owned()));
                    }
                }
            }
        }
        fields.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
    }

    fn is_meeting_response(&self) -> bool {
        let text = String::from_utf8_lossy(&self.raw).to_ascii_lowercase();
        text.contains("text/calendar") && text.contains("method=reply")
    }

    fn conversation_index(&self) -> String {
        let kept = self.headers().into_iter().find_map(|field| {
            let is = field.get("name")?.as_str()?.eq_ignore_ascii_case("Thread-Index");
            is.then(|| field.get("value")?.as_str().map(str::to_owned)).flatten()
        });
        kept.unwrap_or_else(|| {
            // The end of a conversation's id is what tells it from others.
            let mut root: Vec<u8> = self.conversation.bytes().rev().take(22).collect();
            root.resize(22, 0);
            STANDARD.encode(root)
        })
    }
}

/// The properties that were asked for; `id` and annotations always come. Without `$select` every property comes but
/// the header fields, which must be asked for.
pub(super) fn select(mut resource: Value, names: Option<&str>) -> Value {
    if let Some(object) = resource.as_object_mut() {
        object.retain(|name, _| match names {
            _ if name == "id" || name.starts_with('@') => true,
            Some(names) => names.split(',').any(|wanted| wanted.trim().eq_ignore_ascii_case(name)),
            None => name != "internetMessageHeaders",
        });
    }
    resource
}

/// To the second, as Graph writes times.
pub(super) fn date_time(time: Timestamp) -> String {
    time.round(Unit::Second).unwrap_or(time).to_string()
}
