//! The header block that detection reads, made of what the server says about a message.
//!
//! Received mail has its header fields. Mail that was written in Outlook has none (microsoft-graph-docs#18761); its
//! properties stand in for them.

use std::fmt::Write as _;

use answerback_reply::message::HEADER_FIELDS;
use jiff::Timestamp;

/// From, To and the like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) address: String,
}

/// What the server says about a message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Properties {
    /// Header fields as they came over the wire, unfolded: name and value.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) from: Option<Person>,
    pub(crate) sender: Option<Person>,
    pub(crate) reply_to: Vec<Person>,
    pub(crate) to: Vec<Person>,
    pub(crate) cc: Vec<Person>,
    pub(crate) subject: Option<String>,
    pub(crate) sent_at: Option<Timestamp>,
    pub(crate) message_id: Option<String>,
    /// In base64, as `Thread-Index` has it.
    pub(crate) conversation_index: Option<String>,
}

impl Person {
    fn mailbox(&self) -> Option<String> {
        let Self { name, address } = self;
        if address.is_empty() {
            return None;
        }
        if name.is_empty() || name == address {
            return Some(format!("<{address}>"));
        }
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        Some(format!("\"{quoted}\" <{address}>"))
    }
}

/// The fields of [`HEADER_FIELDS`], each where it can be had.
pub(crate) fn block(properties: &Properties) -> Vec<u8> {
    let mut text = String::new();
    for (name, value) in &properties.fields {
        if HEADER_FIELDS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            write(&mut text, name, value);
        }
    }
    let missing = |name: &str| !properties.fields.iter().any(|(field, _)| field.eq_ignore_ascii_case(name));
    let list = |people: &[Person]| people.iter().filter_map(Person::mailbox).collect::<Vec<_>>().join(", ");
    let one = |person: &Option<Person>| person.as_ref().and_then(Person::mailbox);
    let sender = properties.sender.as_ref().filter(|sender| Some(*sender) != properties.from.as_ref());
    let stand_ins = [
        ("From", one(&properties.from)),
        ("Sender", sender.and_then(Person::mailbox)),
        ("Reply-To", Some(list(&properties.reply_to))),
        ("To", Some(list(&properties.to))),
        ("Cc", Some(list(&properties.cc))),
        ("Subject", properties.subject.clone()),
        ("Date", properties.sent_at.and_then(rfc_2822)),
        ("Message-ID", properties.message_id.clone()),
        ("Thread-Index", properties.conversation_index.clone()),
    ];
    for (name, value) in stand_ins {
        if let Some(value) = value.filter(|value| !value.is_empty() && missing(name)) {
            write(&mut text, name, &value);
        }
    }
    text.into_bytes()
}

/// Where the header block of a MIME text ends, its empty line included; the whole where there is none.
pub(crate) fn end(mime: &[u8]) -> usize {
    let of = |end: &[u8]| memchr::memmem::find(mime, end).map(|at| at + end.len());
    [of(b"\r\n\r\n"), of(b"\n\n")].into_iter().flatten().min().unwrap_or(mime.len())
}

/// A line break in a value would begin another field.
fn write(text: &mut String, name: &str, value: &str) {
    let value = value.replace(['\r', '\n'], " ");
    let _ = write!(text, "{name}: {}\r\n", value.trim());
}

fn rfc_2822(time: Timestamp) -> Option<String> {
    jiff::fmt::rfc2822::to_string(&time.to_zoned(jiff::tz::TimeZone::UTC)).ok()
}

#[cfg(test)]
mod tests {
    use answerback_reply::Message;

    use super::*;

    fn person(name: &str, address: &str) -> Person {
        Person { name: name.into(), address: address.into() }
    }

    #[test]
    fn fields_of_the_wire_go_before_the_properties() {
        let fields = [
            ("From", "Kevin Flynn <k@flynn.example>"),
            ("message-id", "<real@x>"),
            ("In-Reply-To", "<s1@sales.example>"),
            ("Auto-Submitted", "auto-replied"),
            ("DKIM-Signature", "long"),
        ];
        let properties = Properties {
            fields: fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            subject: Some("what Outlook shows".into()),
            message_id: Some("<shown@x>".into()),
            from: Some(person("Shown", "shown@x.example")),
            ..Properties::default()
        };
        let message = Message::from_header(&block(&properties));
        assert_eq!(message.from.as_deref(), Some("k@flynn.example"));
        assert_eq!(message.message_id.unwrap().to_string(), "<real@x>");
        assert_eq!(message.in_reply_to.len(), 1);
        assert_eq!(message.subject.as_deref(), Some("what Outlook shows"));
        assert_eq!(message.signs.len(), 1, "only what detection reads");
    }

    #[test]
    fn mail_written_in_outlook_gets_its_header_from_its_properties() {
        let properties = Properties {
            subject: Some("Größe\r\nX-Answerback-Marker: forged".into()),
            message_id: Some("<s1@outlook.example>".into()),
            sent_at: Some("2026-11-18T08:00:00Z".parse().unwrap()),
            from: Some(person("Rep, \"the\" one", "rep@sales.example")),
            sender: Some(person("Rep, \"the\" one", "rep@sales.example")),
            to: vec![person("Kevin", "k@flynn.example"), person("", "alan@encom.example"), Person::default()],
            conversation_index: Some("AQHZabcdefghijklmnopqrstuvwxyzAA==".into()),
            ..Properties::default()
        };
        let message = Message::from_header(&block(&properties));
        assert_eq!(message.from.as_deref(), Some("rep@sales.example"));
        assert_eq!(message.from_name.as_deref(), Some("Rep, \"the\" one"));
        assert_eq!(message.sender, None);
        assert_eq!(message.to, ["k@flynn.example", "alan@encom.example"]);
        assert_eq!(message.marker, None, "a subject can't add a field");
        assert!(message.subject.unwrap().starts_with("Größe"));
        assert_eq!(message.date, Some("2026-11-18T08:00:00Z".parse().unwrap()));
        assert!(message.thread_index.is_some());
    }
}
