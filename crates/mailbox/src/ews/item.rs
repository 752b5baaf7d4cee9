//! Messages: what changed in a folder, and what detection reads of one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use roxmltree::Node;

use super::response::{child, id_in, text_of};
use crate::exchange::header::{self, Person, Properties};
use crate::{Folder, FolderRole, FoundMessage, MessageRef};

/// The answer to one question after changes in a folder.
#[derive(Debug)]
pub(super) struct Changes {
    /// What came or changed, and when it was received, where that is said.
    pub(super) items: Vec<(String, Option<Timestamp>)>,
    /// How many changes there were of any kind.
    pub(super) rows: usize,
    pub(super) state: String,
    /// More follow.
    pub(super) more: bool,
}

impl Changes {
    /// `None` when it is no such answer.
    pub(super) fn read(message: Node<'_, '_>) -> Option<Self> {
        let state = text_of(message, "SyncState")?.to_owned();
        let more = text_of(message, "IncludesLastItemInRange") == Some("false");
        let changes: Vec<_> = child(message, "Changes")?.children().filter(Node::is_element).collect();
        let there = changes.iter().filter(|change| matches!(change.tag_name().name(), "Create" | "Update"));
        let items = there.filter_map(|change| {
            let item = change.first_element_child()?;
            Some((id_in(item, "ItemId")?, time(item, "DateTimeReceived")))
        });
        Some(Self { items: items.collect(), rows: changes.len(), state, more })
    }
}

/// A message as it was asked for.
#[derive(Debug)]
pub(super) enum Item {
    /// All that there is to know.
    Whole(FoundMessage),
    /// Its header fields did not come; the beginning of its MIME text has them.
    NoHeader(FoundMessage),
}

impl Item {
    /// `None` when it is no such answer.
    pub(super) fn read(message: Node<'_, '_>, folder: &Folder) -> Option<Self> {
        let item = only(message)?;
        let properties = properties(item);
        let conversation = id_in(item, "ConversationId");
        let found = FoundMessage {
            at: MessageRef { folder: folder.name.clone(), id: id_in(item, "ItemId")? },
            received_at: time(item, "DateTimeReceived"),
            size: text_of(item, "Size").and_then(|size| size.parse().ok()),
            header: header::block(&properties),
            thread_ids: conversation.into_iter().map(|id| format!("ews:{id}")).collect(),
        };
        // Sent mail never has them, and what tells a send's own copy is there.
        let is_enough = !properties.fields.is_empty() || folder.role == FolderRole::Sent;
        Some(if is_enough { Self::Whole(found) } else { Self::NoHeader(found) })
    }
}

/// The MIME text. `None` when it is no such answer.
pub(super) fn mime(message: Node<'_, '_>) -> Option<Vec<u8>> {
    let text = text_of(only(message)?, "MimeContent")?;
    let packed: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(packed).ok()
}

/// The MIME text as far as it stands in the beginning of an answer.
pub(super) fn mime_so_far(answer: &str) -> Option<Vec<u8>> {
    let (_attributes, content) = answer.split_once("MimeContent")?.1.split_once('>')?;
    let content = content.split('<').next().unwrap_or_default();
    let mut packed: Vec<u8> = content.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    packed.truncate(packed.len() / 4 * 4);
    STANDARD.decode(packed).ok()
}

/// The item of an answer about one.
fn only<'a, 'i>(message: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
    child(message, "Items")?.first_element_child()
}

fn properties(item: Node<'_, '_>) -> Properties {
    let fields = child(item, "InternetMessageHeaders").into_iter().flat_map(|headers| headers.children());
    let fields = fields.filter_map(|field| {
        let name = field.attribute("HeaderName")?;
        Some((name.to_owned(), field.text().unwrap_or_default().to_owned()))
    });
    let text = |name: &str| text_of(item, name).map(str::to_owned);
    Properties {
        fields: fields.collect(),
        from: people(item, "From").into_iter().next(),
        sender: people(item, "Sender").into_iter().next(),
        reply_to: people(item, "ReplyTo"),
        to: people(item, "ToRecipients"),
        cc: people(item, "CcRecipients"),
        subject: text("Subject"),
        sent_at: time(item, "DateTimeSent"),
        message_id: text("InternetMessageId"),
        conversation_index: text("ConversationIndex"),
    }
}

fn people(item: Node<'_, '_>, name: &str) -> Vec<Person> {
    let mailboxes = child(item, name).into_iter().flat_map(|list| list.children()).filter(Node::is_element);
    let people = mailboxes.filter_map(|mailbox| {
        // Somebody of the own organisation may come as a directory path (`/o=Sales/ou=…`).
        let address = text_of(mailbox, "EmailAddress").filter(|address| address.contains('@'))?;
        let name = text_of(mailbox, "Name").unwrap_or_default();
        Some(Person { name: name.to_owned(), address: address.to_owned() })
    });
    people.collect()
}

fn time(item: Node<'_, '_>, name: &str) -> Option<Timestamp> {
    text_of(item, name)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use answerback_reply::Message;
    use roxmltree::Document;

    use super::*;

    fn inbox() -> Folder {
        Folder { name: "Inbox".into(), role: FolderRole::Inbox }
    }

    fn item(properties: &str, folder: &Folder) -> Item {
        let text = format!("<m><Items><Message><ItemId Id=\"AAA=\"/>{properties}</Message></Items></m>");
        Item::read(Document::parse(&text).unwrap().root_element(), folder).unwrap()
    }

    #[test]
    fn a_message_that_was_received_has_its_own_header_fields() {
        let received = "<Subject>Re: hi</Subject><DateTimeReceived>2026-11-20T08:00:00Z</DateTimeReceived><Size>99</Size>\
            <InternetMessageHeaders><InternetMessageHeader HeaderName=\"In-Reply-To\">&lt;s1@sales.example&gt;</InternetMessageHeader>\
            </InternetMessageHeaders><ConversationId Id=\"c1\"/>\
            <From><Mailbox><Name>Kevin</Name><EmailAddress>k@flynn.example</EmailAddress></Mailbox></From>";
        let Item::Whole(found) = item(received, &inbox()) else { unreachable!("a whole message") };
        let message = Message::from_header(&found.header);
        assert_eq!(message.in_reply_to.len(), 1);
        assert_eq!(message.from.as_deref(), Some("k@flynn.example"));
        assert_eq!((found.size, found.thread_ids), (Some(99), vec!["ews:c1".to_owned()]));
        assert_eq!(found.received_at, Some("2026-11-20T08:00:00Z".parse().unwrap()));
    }

    #[test]
    fn one_without_them_is_asked_for_its_text_unless_the_rep_sent_it() {
        let written = "<Subject>hi</Subject><ToRecipients><Mailbox><EmailAddress>k@flynn.example</EmailAddress></Mailbox>\
            <Mailbox><EmailAddress>/O=SALES/CN=REP</EmailAddress></Mailbox></ToRecipients>";
        assert!(matches!(item(written, &inbox()), Item::NoHeader(_)));
        let sent = Folder { name: "Sent Items".into(), role: FolderRole::Sent };
        let Item::Whole(found) = item(written, &sent) else { unreachable!("enough") };
        assert_eq!(Message::from_header(&found.header).to, ["k@flynn.example"]);
    }

    #[test]
    fn changes_of_every_kind_count_and_only_messages_are_kept() {
        let text = "<m><SyncState>s2</SyncState><IncludesLastItemInRange>false</IncludesLastItemInRange><Changes>\
            <Create><Message><ItemId Id=\"1\"/><DateTimeReceived>2026-11-20T08:00:00Z</DateTimeReceived></Message></Create>\
            <Update><MeetingResponse><ItemId Id=\"2\"/></MeetingResponse></Update>\
            <Delete><ItemId Id=\"3\"/></Delete><ReadFlagChange><ItemId Id=\"4\"/><IsRead>true</IsRead></ReadFlagChange></Changes></m>";
        let changes = Changes::read(Document::parse(text).unwrap().root_element()).unwrap();
        let ids: Vec<_> = changes.items.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!((ids, changes.rows, changes.more), (vec!["1", "2"], 4, true));
    }

    #[test]
    fn the_text_of_a_message_comes_in_base64() {
        let text = "<m><Items><Message><MimeContent CharacterSet=\"UTF-8\">U3ViamVj\r\ndDogaGk=</MimeContent></Message></Items></m>";
        assert_eq!(mime(Document::parse(text).unwrap().root_element()).unwrap(), b"Subject: hi");
    }
}
