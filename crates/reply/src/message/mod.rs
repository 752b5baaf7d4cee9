//! The facts of a message that detection looks at, from its bytes.

pub(crate) mod address;
mod body;
mod content_type;
pub(crate) mod encoded_word;
mod field;
pub(crate) mod header;
pub(crate) mod ids;
mod key;
mod mime;
mod thread_index;

use std::borrow::Cow;

use jiff::Timestamp;
use mail_parser::{DateTime, decoders::html::html_to_text};

pub use body::{Attachment, Body, CalendarPart, Original, ReportMedia, ReportPart, TextPart};
pub use content_type::ContentType;
pub use field::{Field, HEADER_FIELDS, TRIAGE_FIELDS};

use self::{address::Mailbox, encoded_word::decode_text, mime::Encoding};
use crate::MessageId;

/// Longer subjects are cut; no client shows more.
const MAX_SUBJECT: usize = 2000;
/// Values kept of the fields that tell automatic mail.
const MAX_SIGNS: usize = 64;

/// A message as detection sees it: from its header block alone, or from (a prefix of) the whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// As in the header, with brackets; `None` when absent.
    pub message_id: Option<MessageId>,
    /// Every id in In-Reply-To.
    pub in_reply_to: Vec<MessageId>,
    /// Every id in References, in order.
    pub references: Vec<MessageId>,
    /// The author's address, in lower case.
    pub from: Option<String>,
    /// The author's display name.
    pub from_name: Option<String>,
    /// The address in Sender, in lower case.
    pub sender: Option<String>,
    /// Addresses in Reply-To, in lower case.
    pub reply_to: Vec<String>,
    /// Addresses in To, in lower case.
    pub to: Vec<String>,
    /// Addresses in CC, in lower case.
    pub cc: Vec<String>,
    /// The decoded subject.
    pub subject: Option<String>,
    /// The Date header.
    pub date: Option<Timestamp>,
    /// When the server received it (INTERNALDATE); set by the caller, who has it.
    pub received_at: Option<Timestamp>,
    /// Provider thread ids (X-GM-THRID, THREADID, …) as `scheme:value`; set by the caller, who has them.
    pub thread_ids: Vec<String>,
    /// The root of Exchange's Thread-Index, as `exchange:hex`.
    pub thread_index: Option<String>,
    /// Ids that it had before a server replaced them (X-Google-Original-Message-ID, X-Microsoft-Original-Message-ID).
    pub original_ids: Vec<MessageId>,
    /// X-Answerback-Marker.
    pub marker: Option<String>,
    /// The envelope's sender as the delivering server noted it; empty for the null path `<>`.
    pub return_path: Option<String>,
    /// The type of the body.
    pub content_type: ContentType,
    /// The other fields of [`HEADER_FIELDS`] that are there, decoded, in order.
    pub signs: Vec<(Field, String)>,
    /// Whether the body was looked at.
    pub has_body: bool,
    /// What was found in the body.
    pub body: Body,
}

impl Message {
    /// Reads a header block: the fields of [`HEADER_FIELDS`] suffice, more do no harm. Never fails: what can't be
    /// read is absent.
    pub fn from_header(header: &[u8]) -> Self {
        Self::read_header(header).0
    }

    /// Reads a whole message, or as much of its beginning as the caller has.
    pub fn parse(raw: &[u8]) -> Self {
        let (mut message, encoding, body) = Self::read_header(raw);
        message.has_body = true;
        message.body = Body::read(&message.content_type, encoding, raw.get(body..).unwrap_or_default());
        message
    }

    /// What tells this message from every other, also where it has no Message-ID: the id, else a digest of
    /// author, date, subject and references, the same in every folder and on every laptop.
    pub fn key(&self) -> String {
        key::of(self)
    }

    /// The first value of a field that is kept in [`Message::signs`].
    pub fn sign(&self, field: Field) -> Option<&str> {
        self.signs.iter().find(|(known, _)| *known == field).map(|(_, value)| value.as_str())
    }

    /// The message's own date, else the time at which the server received it.
    pub fn sent_at(&self) -> Option<Timestamp> {
        self.date.or(self.received_at)
    }

    /// Whether it refers to any other message.
    pub fn is_threaded(&self) -> bool {
        !self.in_reply_to.is_empty() || !self.references.is_empty()
    }

    /// Every provider thread id: the caller's and the header's.
    pub fn threads(&self) -> impl Iterator<Item = &str> {
        self.thread_ids.iter().map(String::as_str).chain(self.thread_index.as_deref())
    }

    /// The plain texts of the body, or its HTML as text where there is no plain text.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        let mut plain = self.body.texts.iter().filter(|part| !part.html && !part.text.trim().is_empty());
        match (plain.next(), plain.next()) {
            (Some(only), None) => Cow::Borrowed(&only.text),
            (Some(first), Some(second)) => {
                let mut joined = format!("{}\n{}", first.text, second.text);
                for part in plain {
                    joined.push('\n');
                    joined.push_str(&part.text);
                }
                Cow::Owned(joined)
            }
            (None, _) => match self.body.texts.iter().find(|part| part.html) {
                Some(html) => Cow::Owned(html_to_text(&html.text)),
                None => Cow::Borrowed(""),
            },
        }
    }

    /// The first words of the first text part, HTML or not: enough for what robots begin with.
    pub(crate) fn beginning(&self) -> &str {
        const LENGTH: usize = 2048;
        let text = self.body.texts.first().map_or("", |part| part.text.as_str());
        text.get(..text.floor_char_boundary(LENGTH)).unwrap_or(text)
    }

    fn read_header(raw: &[u8]) -> (Self, Encoding, usize) {
        let mut message = Self::default();
        let mut encoding = Encoding::default();
        let mut has_type = false;
        let body = header::scan(raw, |field, value| match field {
            Field::ContentTransferEncoding => encoding = Encoding::parse(value),
            // The first of a repeated field counts: what comes later was added by somebody who shouldn't.
            Field::ContentType if !has_type => {
                has_type = true;
                message.content_type = ContentType::parse(value);
            }
            Field::ContentType => {}
            _ => message.take(field, value),
        });
        (message, encoding, body)
    }

    fn take(&mut self, field: Field, value: &[u8]) {
        match field {
            Field::From if self.from.is_none() => {
                if let Some(Mailbox { name, address }) = address::parse_mailboxes(value).into_iter().next() {
                    self.from = Some(address);
                    self.from_name = name;
                } else {
                    // "MAILER-DAEMON" without a domain, "amazonses.com": no address, yet it says who wrote.
                    let name = decode_text(value);
                    self.from_name = Some(name).filter(|name| name.contains(char::is_alphanumeric));
                }
            }
            Field::Sender => {
                self.sender = address::parse_mailboxes(value).into_iter().next().map(|m| m.address)
            }
            Field::ReplyTo => self.reply_to.extend(addresses(value)),
            Field::To => self.to.extend(addresses(value)),
            Field::Cc => self.cc.extend(addresses(value)),
            Field::Subject if self.subject.is_none() => {
                self.subject = Some(decode_text(value.get(..MAX_SUBJECT).unwrap_or(value)));
            }
            Field::Date if self.date.is_none() => self.date = parse_date(value),
            Field::MessageId if self.message_id.is_none() => self.message_id = ids::parse_one(value),
            Field::InReplyTo => ids::parse_into(value, &mut self.in_reply_to),
            Field::References => ids::parse_into(value, &mut self.references),
            Field::ThreadIndex => self.thread_index = thread_index::root(value),
            Field::GoogleOriginalMessageId | Field::MicrosoftOriginalMessageId => {
                self.original_ids.extend(ids::parse_one(value));
            }
            Field::Marker => self.marker = Some(decode_text(value)).filter(|marker| !marker.is_empty()),
            Field::ReturnPath if self.return_path.is_none() => {
                self.return_path = Some(address::parse_path(value))
            }
            Field::From | Field::Subject | Field::Date | Field::MessageId | Field::ReturnPath => {}
            _ if self.signs.len() < MAX_SIGNS => self.signs.push((field, decode_text(value))),
            _ => {}
        }
    }
}

fn addresses(value: &[u8]) -> impl Iterator<Item = String> {
    address::parse_mailboxes(value).into_iter().map(|mailbox| mailbox.address)
}

/// A Date field; one that no calendar knows is absent.
fn parse_date(value: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(value.get(..value.len().min(100))?).ok()?;
    let date = DateTime::parse_rfc822(text).filter(DateTime::is_valid)?;
    Timestamp::from_second(date.to_timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "Return-Path: <kevinf@flynnsarcade.com>\r\nMessage-ID: <R1@FlynnsArcade.com>\r\n\
        In-Reply-To: <s1@sales.example>\r\nReferences: <s0@sales.example>\r\n <s1@sales.example>\r\n\
        From: \"Kevin Flynn\" <KevinF@flynnsarcade.com>\r\nTo: rep@sales.example\r\nCc: Alan <alan@encom.com>\r\n\
        Subject: =?utf-8?q?Re=3A_Space_Paran=C3=B6ids?=\r\nDate: Fri, 20 Nov 2026 09:12:00 +0100\r\n\
        Auto-Submitted: no\r\nX-Junk: y\r\n\r\nYes!\r\n";

    #[test]
    fn the_facts_of_an_answer_are_read_from_its_header() {
        let message = Message::from_header(ANSWER.as_bytes());
        assert_eq!(message.message_id.as_ref().unwrap().to_string(), "<R1@FlynnsArcade.com>");
        assert_eq!(message.in_reply_to, [MessageId::new("s1@sales.example").unwrap()]);
        assert_eq!(message.references.len(), 2);
        assert_eq!(message.from.as_deref(), Some("kevinf@flynnsarcade.com"));
        assert_eq!(message.from_name.as_deref(), Some("Kevin Flynn"));
        assert_eq!(message.to, ["rep@sales.example"]);
        assert_eq!(message.cc, ["alan@encom.com"]);
        assert_eq!(message.subject.as_deref(), Some("Re: Space Paranöids"));
        assert_eq!(message.date.unwrap().to_string(), "2026-11-20T08:12:00Z");
        assert_eq!(message.sign(Field::AutoSubmitted), Some("no"));
        assert!(!message.has_body && message.body.texts.is_empty());
    }

    #[test]
    fn the_body_is_read_when_it_is_there() {
        let message = Message::parse(ANSWER.as_bytes());
        assert!(message.has_body);
        assert_eq!(message.body.texts[0].text, "Yes!\r\n");
    }

    #[test]
    fn bytes_that_are_no_message_give_an_empty_one() {
        for raw in [&b""[..], b"\xff\xfe\x00", b":::\n\n", b"\r\n\r\n", b"From: "] {
            let message = Message::parse(raw);
            assert_eq!(message.from, None);
            assert_eq!(message.message_id, None);
        }
    }
}
