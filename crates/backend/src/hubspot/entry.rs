//! What a logged message looks like in HubSpot.

use answerback_reply::TrackedSend;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::contact::Contact;
use crate::crm::entry::{body, cut, is_email, mark, subject, title};
use crate::crm::people::{Known, Party};
use crate::event::Log;

/// HubSpot's own types of an association with a contact.
const EMAIL_TO_CONTACT: u32 = 198;
const NOTE_TO_CONTACT: u32 = 202;
/// Characters that a text property takes.
const TEXT: usize = 65_000;

/// The object that a message is logged as: an email where a person wrote it, else a note.
pub const fn object(log: &Log) -> &'static str {
    if is_email(log.kind) { "emails" } else { "notes" }
}

/// The property by whose last line an entry of ours is known.
pub fn text_property(object: &str) -> &'static str {
    if object == "emails" { "hs_email_text" } else { "hs_note_body" }
}

/// The entry with its associations.
pub fn entry(
    log: &Log,
    send: Option<&TrackedSend>,
    key: &str,
    key_property: Option<&str>,
    at: Timestamp,
    parties: &[Party<'_, Contact>],
) -> Value {
    let (mut properties, kind) = match is_email(log.kind) {
        true => (email(log, send, key), EMAIL_TO_CONTACT),
        false => (note(log, send, key), NOTE_TO_CONTACT),
    };
    if let Value::Object(properties) = &mut properties {
        properties.insert("hs_timestamp".into(), json!(log.reply.received_at.unwrap_or(at).to_string()));
        properties.extend(key_property.map(|name| (name.to_owned(), json!(key))));
    }
    let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind}]);
    let associations: Vec<Value> =
        parties.iter().map(|party| json!({"to": {"id": party.person.id()}, "types": types})).collect();
    json!({"properties": properties, "associations": associations})
}

fn email(log: &Log, send: Option<&TrackedSend>, key: &str) -> Value {
    let reply = &log.reply;
    let list =
        |addresses: &[String]| addresses.iter().map(|address| json!({"email": address})).collect::<Vec<_>>();
    let (first, last) = reply.from_name.as_deref().map_or((None, None), |name| {
        name.trim().rsplit_once(' ').map_or((None, Some(name)), |(first, last)| (Some(first), Some(last)))
    });
    // HubSpot fills its properties of sender and recipients from these.
    let headers = json!({
        "from": {"email": reply.from, "firstName": first, "lastName": last},
        "sender": {"email": reply.from},
        "to": list(&reply.to), "cc": list(&reply.cc), "bcc": [],
    });
    json!({
        "hs_email_direction": "INCOMING_EMAIL",
        "hs_email_subject": cut(&subject(log, send), 1000),
        "hs_email_text": marked(&body(log), key),
        "hs_email_headers": headers.to_string(),
    })
}

fn note(log: &Log, send: Option<&TrackedSend>, key: &str) -> Value {
    let from = format!("From: {}", log.reply.from.as_deref().unwrap_or("unknown"));
    json!({"hs_note_body": marked(&format!("{}\n{from}\n\n{}", title(log, send), body(log)), key)})
}

fn marked(text: &str, key: &str) -> String {
    format!("{}\n{}", cut(text, TEXT), mark(key))
}

#[cfg(test)]
mod tests {
    use answerback_reply::Kind;

    use super::*;

    #[test]
    fn a_person_s_answer_is_an_incoming_email_and_a_machine_s_a_note() {
        let mut log: Log = serde_json::from_value(json!({
            "send_id": "s", "kind": "reply", "relation": "prospect", "confidence": 1.0,
            "reply": {"message_id": "<r@x>", "from": "flynn@flynnsarcade.com", "from_name": "Kevin Flynn", "to": ["rep@sales.example"],
                "subject": "Re: Space Paranoids"}
        }))
        .unwrap();
        let contact =
            Contact::new(&json!({"id": "7", "properties": {"email": "flynn@flynnsarcade.com"}})).unwrap();
        let party = Party {
            role: crate::crm::people::Role::From,
            address: "flynn@flynnsarcade.com".into(),
            person: &contact,
        };
        let made = entry(&log, None, "k", Some("answerback_key"), Timestamp::UNIX_EPOCH, &[party]);
        let properties = &made["properties"];
        assert_eq!(
            (&properties["hs_email_direction"], &properties["hs_email_subject"]),
            (&json!("INCOMING_EMAIL"), &json!("Re: Space Paranoids"))
        );
        assert_eq!(properties["answerback_key"], "k");
        let headers: Value = serde_json::from_str(properties["hs_email_headers"].as_str().unwrap()).unwrap();
        assert_eq!(headers["from"]["lastName"], "Flynn");
        assert_eq!(made["associations"][0]["to"]["id"], "7");
        assert!(properties["hs_email_text"].as_str().unwrap().ends_with("\nAnswerback entry k"));
        log.kind = Kind::AutoReply;
        let note = entry(&log, None, "k", None, Timestamp::UNIX_EPOCH, &[]);
        let text = note["properties"]["hs_note_body"].as_str().unwrap();
        assert!(text.starts_with("Out of office: Re: Space Paranoids\n"), "{text}");
    }
}
