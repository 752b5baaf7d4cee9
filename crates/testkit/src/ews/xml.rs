//! Folders and messages as elements of the types schema.

use answerback_reply::Message;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::soap::{element, written};
use crate::exchange::{Folder, ROOT, Stored};

pub(super) fn item_id(id: &str) -> String {
    format!("<t:ItemId Id=\"{}\" ChangeKey=\"CQAAAA==\"/>", written(id))
}

fn folder_id(element: &str, id: &str) -> String {
    format!("<t:{element} Id=\"{}\" ChangeKey=\"AQAAAA==\"/>", written(id))
}

/// A folder, with what may be asked for.
pub(super) fn folder(folder: &Folder) -> String {
    let parent = if folder.parent == ROOT { "bXNnZm9sZGVycm9vdA==" } else { &folder.parent };
    let hidden = folder.hidden.then_some(
        "<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag=\"0x10f4\" PropertyType=\"Boolean\"/><t:Value>true</t:Value>\
         </t:ExtendedProperty>",
    );
    let (id, parent) = (folder_id("FolderId", &folder.id), folder_id("ParentFolderId", parent));
    let (class, name) =
        (element("FolderClass", Some("IPF.Note")), element("DisplayName", Some(&folder.name)));
    format!("<t:Folder>{id}{parent}{class}{name}{}</t:Folder>", hidden.unwrap_or_default())
}

fn tag(message: &Stored) -> &'static str {
    if message.is_meeting_response() { "MeetingResponse" } else { "Message" }
}

/// What SyncFolderItems gives of a message: id and time.
pub(super) fn brief(message: &Stored, folder: &str) -> String {
    let (tag, id) = (tag(message), item_id(&message.id_in(folder)));
    let received = element("DateTimeReceived", Some(&date_time(message.received_at)));
    format!("<t:{tag}>{id}{received}</t:{tag}>")
}

/// A message with the properties that were asked for, in the order of the schema.
pub(super) fn item(message: &Stored, folder: &str, mime: bool, wanted: &[String]) -> String {
    let head = Message::from_header(&message.raw);
    let is_wanted = |uri: &str| wanted.iter().any(|wanted| wanted == uri);
    let mut text = String::new();
    if mime {
        let packed = STANDARD.encode(&message.raw);
        text.push_str(&format!("<t:MimeContent CharacterSet=\"UTF-8\">{packed}</t:MimeContent>"));
    }
    text.push_str(&item_id(&message.id_in(folder)));
    let headers = || {
        let fields = message.headers().into_iter();
        let fields: String = fields
            .map(|(name, value)| {
                format!(
                    "<t:InternetMessageHeader HeaderName=\"{}\">{}</t:InternetMessageHeader>",
                    written(&name),
                    written(&value)
                )
            })
            .collect();
        format!("<t:InternetMessageHeaders>{fields}</t:InternetMessageHeaders>")
    };
    let size = message.raw.len().to_string();
    let received = date_time(message.received_at);
    let sent = date_time(head.date.unwrap_or(message.received_at));
    let id = head.message_id.as_ref().map(ToString::to_string);
    let from = people("From", head.from.as_slice(), head.from_name.as_deref());
    let sender = people("Sender", head.sender.as_ref().or(head.from.as_ref()).as_slice(), None);
    let parts: [(&str, String); 13] = [
        ("item:Subject", element("Subject", head.subject.as_deref())),
        ("item:DateTimeReceived", element("DateTimeReceived", Some(&received))),
        ("item:Size", element("Size", Some(&size))),
        ("item:InternetMessageHeaders", if message.composed { String::new() } else { headers() }),
        ("item:DateTimeSent", element("DateTimeSent", Some(&sent))),
        ("item:ConversationId", format!("<t:ConversationId Id=\"{}\"/>", written(&message.conversation))),
        ("message:Sender", sender),
        ("message:ToRecipients", people("ToRecipients", &head.to, None)),
        ("message:CcRecipients", people("CcRecipients", &head.cc, None)),
        ("message:ConversationIndex", element("ConversationIndex", Some(&message.conversation_index()))),
        ("message:From", from),
        ("message:InternetMessageId", element("InternetMessageId", id.as_deref())),
        ("message:ReplyTo", people("ReplyTo", &head.reply_to, None)),
    ];
    text.extend(parts.into_iter().filter(|(uri, _)| is_wanted(uri)).map(|(_, part)| part));
    let tag = tag(message);
    format!("<t:{tag}>{text}</t:{tag}>")
}

/// To the second, as Exchange writes times.
fn date_time(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

fn people<A: AsRef<str>>(name: &str, addresses: &[A], called: Option<&str>) -> String {
    if addresses.is_empty() {
        return String::new();
    }
    let mailboxes: String = addresses
        .iter()
        .map(|address| {
            let address = address.as_ref();
            format!(
                "<t:Mailbox><t:Name>{}</t:Name><t:EmailAddress>{}</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType>\
                 <t:MailboxType>OneOff</t:MailboxType></t:Mailbox>",
                written(called.unwrap_or(address)),
                written(address)
            )
        })
        .collect();
    format!("<t:{name}>{mailboxes}</t:{name}>")
}
