//! The header block that detection reads, made of a message resource.
//!
//! Received mail has its header fields in `internetMessageHeaders`. Mail that was written in Outlook has none there
//! (microsoft-graph-docs#18761); what the resource says by itself stands in for them.

use std::fmt::Write as _;

use answerback_reply::message::HEADER_FIELDS;
use jiff::Timestamp;
use serde::Deserialize;

use super::row::Resource;

/// A header field as Graph gives it, unfolded.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct HeaderField {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: String,
}

/// From, To and the like.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Recipient {
    #[serde(default)]
    email_address: EmailAddress,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct EmailAddress {
    name: Option<String>,
    address: Option<String>,
}

impl Recipient {
    fn mailbox(&self) -> Option<String> {
        let address = self.email_address.address.as_deref().filter(|address| !address.is_empty())?;
        let name = self.email_address.name.as_deref().unwrap_or_default();
        if name.is_empty() || name == address {
            return Some(format!("<{address}>"));
        }
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        Some(format!("\"{quoted}\" <{address}>"))
    }
}

/// The fields of [`HEADER_FIELDS`], each where it can be had.
pub(super) fn block(resource: &Resource) -> Vec<u8> {
    let mut text = String::new();
    let given = resource.internet_message_headers.as_deref().unwrap_or_default();
    for field in given {
        if HEADER_FIELDS.iter().any(|known| known.eq_ignore_ascii_case(&field.name)) {
            write(&mut text, &field.name, &field.value);
        }
    }
    let missing = |name: &str| !given.iter().any(|field| field.name.eq_ignore_ascii_case(name));
    let list =
        |people: &[Recipient]| people.iter().filter_map(Recipient::mailbox).collect::<Vec<_>>().join(", ");
    let one = |person: &Option<Recipient>| person.as_ref().and_then(Recipient::mailbox);
    let stand_ins = [
        ("From", one(&resource.from)),
        ("Sender", one(&resource.sender).filter(|sender| Some(sender) != one(&resource.from).as_ref())),
        ("Reply-To", Some(list(&resource.reply_to))),
        ("To", Some(list(&resource.to_recipients))),
        ("Cc", Some(list(&resource.cc_recipients))),
        ("Subject", resource.subject.clone()),
        ("Date", resource.sent_date_time.and_then(rfc_2822)),
        ("Message-ID", resource.internet_message_id.clone()),
        ("Thread-Index", resource.conversation_index.clone()),
    ];
    for (name, value) in stand_ins {
        if let Some(value) = value.filter(|value| !value.is_empty() && missing(name)) {
            write(&mut text, name, &value);
        }
    }
    text.into_bytes()
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
    use serde_json::json;

    use super::*;

    fn message(resource: serde_json::Value) -> Message {
        Message::from_header(&block(&serde_json::from_value(resource).unwrap()))
    }

    #[test]
    fn fields_of_the_wire_go_before_what_the_resource_says() {
        let message = message(json!({
            "id": "1",
            "subject": "what Outlook shows",
            "internetMessageId": "<shown@x>",
            "from": {"emailAddress": {"name": "Shown", "address": "shown@x.example"}},
            "internetMessageHeaders": [
                {"name": "From", "value": "Kevin Flynn <k@flynn.example>"},
                {"name": "message-id", "value": "<real@x>"},
                {"name": "In-Reply-To", "value": "<s1@sales.example>"},
                {"name": "Auto-Submitted", "value": "auto-replied"},
                {"name": "DKIM-Signature", "value": "long"},
            ],
        }));
        assert_eq!(message.from.as_deref(), Some("k@flynn.example"));
        assert_eq!(message.message_id.unwrap().to_string(), "<real@x>");
        assert_eq!(message.in_reply_to.len(), 1);
        assert_eq!(message.subject.as_deref(), Some("what Outlook shows"));
        assert_eq!(message.signs.len(), 1, "only what detection reads");
    }

    #[test]
    fn mail_written_in_outlook_gets_its_header_from_the_resource() {
        let message = message(json!({
            "id": "1",
            "subject": "Größe\r\nX-Answerback-Marker: forged",
            "internetMessageId": "<s1@outlook.example>",
            "sentDateTime": "2026-11-18T08:00:00Z",
            "from": {"emailAddress": {"name": "Rep, \"the\" one", "address": "rep@sales.example"}},
            "toRecipients": [
                {"emailAddress": {"name": "Kevin", "address": "k@flynn.example"}},
                {"emailAddress": {"address": "alan@encom.example"}},
                {"emailAddress": {}},
            ],
            "conversationIndex": "AQHZabcdefghijklmnopqrstuvwxyzAA==",
        }));
        assert_eq!(message.from.as_deref(), Some("rep@sales.example"));
        assert_eq!(message.from_name.as_deref(), Some("Rep, \"the\" one"));
        assert_eq!(message.to, ["k@flynn.example", "alan@encom.example"]);
        assert_eq!(message.marker, None, "a subject can't add a field");
        assert!(message.subject.unwrap().starts_with("Größe"));
        assert_eq!(message.date, Some("2026-11-18T08:00:00Z".parse().unwrap()));
        assert!(message.thread_index.is_some());
    }
}
