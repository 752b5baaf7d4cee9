//! What a logged reply looks like in Salesforce.

use super::people::{Person, Sort};
use crate::crm::entry::{body, cut, is_email, mark, subject, title};
use crate::crm::people::{Party, Role, name};
use crate::event::Log;
use answerback_reply::{BounceClass, Kind, MessageId, TrackedSend};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

/// Characters that Salesforce takes: Task.Subject, EmailMessage.Subject, text, and a list of addresses.
const TASK_SUBJECT: usize = 255;
const EMAIL_SUBJECT: usize = 3000;
const TEXT: usize = 32_000;
const ADDRESSES: usize = 4000;

/// What stands in MessageIdentifier: the Message-ID with its brackets, or for an email without one its key (RFC 2606 §2: no host is
/// ever named so).
pub fn message_identifier(log: &Log, key: &str) -> String {
    match &log.reply.message_id {
        Some(id) => bracketed(id),
        None => format!("<{key}@answerback.invalid>"),
    }
}

/// With angle brackets.
pub fn bracketed(id: &MessageId) -> String {
    format!("<{}>", id.as_str())
}

/// EmailMessageRelation.DeliveryResponse of what a machine answered, where it has a value for that.
pub fn delivery_response(log: &Log) -> Option<&'static str> {
    match log.kind {
        Kind::AutoReply => Some("OutOfOffice"),
        Kind::Bounce => match log.reply.bounce.as_ref().map(|bounce| bounce.class) {
            Some(BounceClass::Transient) => Some("SoftBounce"),
            _ => Some("HardBounce"),
        },
        Kind::Delay => Some("SoftBounce"),
        _ => None,
    }
}

/// What an entry is made with, beside the log event.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The email that was answered.
    pub send: Option<&'a TrackedSend>,
    /// The entry's key.
    pub key: &'a str,
    /// When, where the email doesn't say.
    pub at: Timestamp,
    /// Who is to be related to it.
    pub parties: &'a [Party<'a, Person>],
    /// The record of the email that it answers.
    pub answers: Option<&'a str>,
    /// The thread of that email, as its record has it.
    pub thread: Option<&'a str>,
    /// The opportunity that it belongs to.
    pub related: Option<&'a str>,
    /// Whether Task.Type has the value `Reply`.
    pub reply_type: bool,
    /// What the author's relation says of an email that a machine wrote.
    pub response: Option<&'static str>,
}

/// An EmailMessage. Recipients who are in Salesforce are given by their ids, of which it makes relations; only the others by address. Its author's
/// relation is a record of its own.
pub fn email(log: &Log, with: &Setting<'_>) -> Value {
    let reply = &log.reply;
    let ids = |role| {
        let ids: Vec<&str> =
            with.parties.iter().filter(|p| p.role == role).map(|p| p.person.id.as_str()).collect();
        (!ids.is_empty()).then_some(ids)
    };
    let rest = |role, list: &[String]| {
        let known = |address: &&String| with.parties.iter().any(|p| p.role == role && p.address == **address);
        addresses(list.iter().filter(|address| !known(address)))
    };
    let first_id = || with.send.and_then(|send| send.message_ids.first()).map(bracketed);
    let mut email = json!({
        "Incoming": true,
        // Read: it was in the rep's own mailbox.
        "Status": "1",
        "MessageDate": reply.received_at.unwrap_or(with.at).to_string(),
        "FromAddress": reply.from,
        "FromName": reply.from_name,
        "ToAddress": rest(Role::To, &reply.to),
        "ToIds": ids(Role::To),
        "CcAddress": rest(Role::Cc, &reply.cc),
        "CcIds": ids(Role::Cc),
        "Subject": cut(&subject(log, with.send), EMAIL_SUBJECT),
        "TextBody": cut(&body(log), TEXT),
        "MessageIdentifier": message_identifier(log, with.key),
        "ThreadIdentifier": with.thread.map(str::to_owned).or_else(first_id),
        "ReplyToEmailMessageId": with.answers,
        "RelatedToId": with.related,
    });
    drop_nulls(&mut email);
    email
}

/// A completed task of the first party's.
pub fn task(log: &Log, with: &Setting<'_>) -> Value {
    let reply = &log.reply;
    let received = reply.received_at.unwrap_or(with.at);
    let who = with.parties.first().map(|party| party.person);
    let mut lines = vec![
        format!("From: {}", reply.from.as_deref().unwrap_or("unknown")),
        format!("Received: {received}\n"),
    ];
    lines.push(body(log));
    let mut task = json!({
        "TaskSubtype": "Email",
        "Status": "Completed",
        "Subject": task_subject(log, with.send),
        "Type": (with.reply_type && is_email(log.kind)).then_some("Reply"),
        "ActivityDate": activity_date(log, with.at),
        "Description": format!("{}\n{}", cut(&lines.join("\n"), TEXT - 100), mark(with.key)),
        "WhoId": who.map(|person| person.id.as_str()),
        // A lead's task can't be related to anything else.
        "WhatId": with.related.filter(|_| who.is_some_and(|person| person.sort != Sort::Lead)),
    });
    drop_nulls(&mut task);
    task
}

/// The day of a task, in UTC as Salesforce keeps it.
pub fn activity_date(log: &Log, at: Timestamp) -> String {
    log.reply.received_at.unwrap_or(at).to_zoned(TimeZone::UTC).date().to_string()
}

/// A task's subject: one line that fits.
pub fn task_subject(log: &Log, send: Option<&TrackedSend>) -> String {
    cut(&title(log, send), TASK_SUBJECT)
}

/// A lead for somebody who is not in Salesforce.
pub fn lead(log: &Log, send: Option<&TrackedSend>) -> Option<Value> {
    let address = log.reply.from.as_deref()?;
    let (_, domain) = address.rsplit_once('@')?;
    let (first, last) = name(log, send)?;
    let mut lead = json!({
        "FirstName": first.map(|first| cut(&first, 40)),
        "LastName": cut(&last, 80),
        "Company": cut(domain, 255),
        "Email": address,
        "LeadSource": "Answerback",
    });
    drop_nulls(&mut lead);
    Some(lead)
}

fn addresses<'a>(list: impl Iterator<Item = &'a String>) -> Option<String> {
    let mut out = String::new();
    for address in list {
        if out.len() + address.len() + 2 > ADDRESSES {
            break;
        }
        out.push_str(if out.is_empty() { "" } else { "; " });
        out.push_str(address);
    }
    (!out.is_empty()).then_some(out)
}

fn drop_nulls(record: &mut Value) {
    if let Value::Object(fields) = record {
        fields.retain(|_, value| !value.is_null());
    }
}

#[cfg(test)]
pub(super) mod tests {
    use answerback_reply::Relation;

    use uuid::Uuid;

    use super::*;
    use crate::crm::entry::key;
    use crate::event::{Event, EventData, Reply, SendRef};
    use crate::salesforce::people::people;

    pub(in crate::salesforce) fn send() -> TrackedSend {
        serde_json::from_value(json!({
            "id": "snd_1", "message_ids": ["<s1@sales.example>"], "from": "rep@sales.example", "to": ["flynn@flynnsarcade.com"],
            "cc": ["alan@encom.com"], "subject": "Space Paranoids", "sent_at": "2026-11-18T08:00:00Z",
            "campaign": {"id": "cmp_1"}, "prospect": {"id": "p_1", "email": "flynn@flynnsarcade.com", "name": "Kevin Flynn"}
        }))
        .unwrap()
    }

    pub(in crate::salesforce) fn log(from: &str, relation: Relation) -> Log {
        let about = SendRef {
            send_id: "snd_1".into(),
            campaign_id: Some("cmp_1".into()),
            prospect_id: Some("p_1".into()),
        };
        let reply = Reply {
            message_id: MessageId::new("<r1@flynnsarcade.com>"),
            from: Some(from.into()),
            to: vec!["rep@sales.example".into()],
            received_at: "2026-11-20T09:12:00Z".parse().ok(),
            ..Reply::default()
        };
        Log {
            about,
            kind: Kind::Reply,
            relation: Some(relation),
            intent: Default::default(),
            reply,
            evidence: Vec::new(),
            confidence: 1.0,
        }
    }

    fn with<'a>(
        send: Option<&'a TrackedSend>,
        answers: Option<&'a str>,
        parties: &'a [Party<'a, Person>],
    ) -> Setting<'a> {
        Setting {
            send,
            key: "k",
            at: Timestamp::UNIX_EPOCH,
            parties,
            answers,
            thread: None,
            related: None,
            reply_type: true,
            response: None,
        }
    }

    fn event(log: &Log) -> Event {
        Event {
            id: Uuid::nil(),
            source: String::new(),
            time: Timestamp::UNIX_EPOCH,
            subject: None,
            data: EventData::Log(Box::new(log.clone())),
        }
    }

    #[test]
    fn an_email_holds_what_the_log_level_let_through() {
        let mut log = log("kevinf@flynnsarcade.com", Relation::SamePersonOtherAddress);
        let send = send();
        let made = email(&log, &with(Some(&send), Some("02s1"), &[]));
        assert_eq!(made["MessageIdentifier"], "<r1@flynnsarcade.com>");
        assert_eq!(made["ThreadIdentifier"], "<s1@sales.example>");
        assert_eq!(made["ReplyToEmailMessageId"], "02s1");
        assert_eq!(made["MessageDate"], "2026-11-20T09:12:00Z");
        assert_eq!(made["Subject"], "Reply: Space Paranoids");
        assert!(made["TextBody"].as_str().unwrap().contains("stays in the rep's mailbox"));
        assert!(made.get("CcAddress").is_none() && made.get("RelatedToId").is_none());
        log.reply.subject = Some("Re: Space Paranoids".into());
        log.reply.text = Some("Yes.".into());
        let made = email(&log, &with(Some(&send), None, &[]));
        assert_eq!((&made["Subject"], &made["TextBody"]), (&json!("Re: Space Paranoids"), &json!("Yes.")));
    }

    #[test]
    fn what_a_machine_answered_says_so() {
        let mut log = log("flynn@flynnsarcade.com", Relation::Prospect);
        assert_eq!(delivery_response(&log), None);
        log.reply.subject = Some("Automatic reply".into());
        log.reply.returns_on = "2026-12-01".parse().ok();
        for (kind, response) in
            [(Kind::AutoReply, "OutOfOffice"), (Kind::Bounce, "HardBounce"), (Kind::Delay, "SoftBounce")]
        {
            log.kind = kind;
            assert_eq!(delivery_response(&log), Some(response));
        }
        log.kind = Kind::AutoReply;
        let made = email(&log, &with(None, None, &[]));
        assert_eq!(made["Subject"], "Out of office: Automatic reply");
        assert!(made["TextBody"].as_str().unwrap().starts_with("Back on: 2026-12-01\n"));
    }

    #[test]
    fn recipients_who_are_in_salesforce_are_given_by_id() {
        let mut log = log("alan@encom.com", Relation::Copied);
        log.reply.cc = vec!["flynn@flynnsarcade.com".into(), "stranger@encom.com".into()];
        let people = people(&[json!({"Id": "003F", "Email": "flynn@flynnsarcade.com"})], &[], &[]);
        let party = Party { role: Role::Cc, address: "flynn@flynnsarcade.com".into(), person: &people[0] };
        let made = email(&log, &with(None, None, std::slice::from_ref(&party)));
        assert_eq!((&made["CcIds"], &made["CcAddress"]), (&json!(["003F"]), &json!("stranger@encom.com")));
        let made = task(&log, &with(None, None, &[party]));
        assert_eq!(
            (&made["WhoId"], &made["Type"], &made["ActivityDate"]),
            (&json!("003F"), &json!("Reply"), &json!("2026-11-20"))
        );
        assert!(made["Description"].as_str().unwrap().ends_with("\nAnswerback entry k"));
    }

    #[test]
    fn a_task_s_subject_is_one_line_of_255_characters() {
        let mut log = log("flynn@flynnsarcade.com", Relation::Prospect);
        log.reply.subject = Some("a\r\n b\tc".into());
        assert_eq!(task_subject(&log, None), "Reply: a b c");
        log.reply.subject = Some("😀".repeat(300));
        assert!(task_subject(&log, None).encode_utf16().count() <= 255);
        log.reply.subject = None;
        log.kind = Kind::AutoReply;
        assert_eq!(task_subject(&log, Some(&send())), "Out of office: Space Paranoids");
        assert_eq!(task_subject(&log, None), "Out of office");
    }

    #[test]
    fn the_key_is_the_email_s_whoever_found_it() {
        let mut log = log("flynn@flynnsarcade.com", Relation::Prospect);
        let (mut one, two) = (event(&log), event(&log));
        one.id = Uuid::max();
        assert_eq!(key(&one, &log), key(&two, &log));
        log.reply.message_id = None;
        assert_ne!(key(&one, &log), key(&two, &log));
        assert!(message_identifier(&log, "k").ends_with("@answerback.invalid>"));
    }

    #[test]
    fn a_lead_has_the_fields_that_salesforce_requires() {
        let mut log = log("kevinf@flynnsarcade.com", Relation::Other);
        assert_eq!(lead(&log, None).unwrap()["LastName"], "kevinf");
        log.reply.from_name = Some("Kevin O. Flynn".into());
        let made = lead(&log, None).unwrap();
        assert_eq!((&made["FirstName"], &made["LastName"]), (&json!("Kevin O."), &json!("Flynn")));
        assert_eq!(made["Company"], "flynnsarcade.com");
    }
}
