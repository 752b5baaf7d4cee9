//! Messages and folders as resources.

use answerback_reply::Message;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{Timestamp, Unit};
use serde_json::{Value, json};

use crate::exchange::{Folder, Folders, Stored};

/// The message resource with every property; [`select`] takes what was asked for.
pub(super) fn message(stored: &Stored, folder: &str, immutable: bool) -> Value {
    let message = Message::from_header(&stored.raw);
    let person = |address: Option<&String>, name: Option<&String>| match address {
        Some(address) => json!({"emailAddress": {"name": name.unwrap_or(address), "address": address}}),
        None => Value::Null,
    };
    let people = |list: &[String]| list.iter().map(|address| person(Some(address), None)).collect::<Vec<_>>();
    let id = if immutable { stored.immutable_id() } else { stored.id_in(folder) };
    let from = person(message.from.as_ref(), message.from_name.as_ref());
    let sender = match &message.sender {
        Some(sender) => person(Some(sender), None),
        None => from.clone(),
    };
    let kind = if stored.is_meeting_response() { "eventMessageResponse" } else { "message" };
    let change_key = STANDARD.encode(format!("change-{:08}", stored.created.max(stored.updated)));
    let mut resource = json!({
        "@odata.type": format!("#microsoft.graph.{kind}"),
        "@odata.etag": format!("W/\"{change_key}\""),
        "id": id,
        "changeKey": change_key,
        "createdDateTime": date_time(stored.received_at),
        "lastModifiedDateTime": date_time(stored.received_at),
        "receivedDateTime": date_time(stored.received_at),
        "sentDateTime": date_time(message.date.unwrap_or(stored.received_at)),
        "hasAttachments": false,
        "internetMessageId": message.message_id.as_ref().map(ToString::to_string),
        "subject": message.subject,
        "importance": "normal",
        "parentFolderId": folder,
        "conversationId": stored.conversation,
        "conversationIndex": stored.conversation_index(),
        "isRead": stored.read,
        "isDraft": false,
        "from": from,
        "sender": sender,
        "toRecipients": people(&message.to),
        "ccRecipients": people(&message.cc),
        "bccRecipients": [],
        "replyTo": people(&message.reply_to),
    });
    if !stored.composed
        && let Some(object) = resource.as_object_mut()
    {
        let headers = stored.headers().into_iter().map(|(name, value)| json!({"name": name, "value": value}));
        object.insert("internetMessageHeaders".to_owned(), Value::Array(headers.collect()));
    }
    resource
}

/// The mailFolder resource.
pub(super) fn folder(folders: &Folders, folder: &Folder) -> Value {
    let children = folders.all.values().filter(|child| child.parent == folder.id).count();
    let unread = folder.messages.iter().filter(|message| !message.read).count();
    json!({
        "id": folder.id,
        "displayName": folder.name,
        "parentFolderId": folder.parent,
        "childFolderCount": children,
        "unreadItemCount": unread,
        "totalItemCount": folder.messages.len(),
        "sizeInBytes": folder.messages.iter().map(|message| message.raw.len()).sum::<usize>(),
        "isHidden": folder.hidden,
    })
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
