//! Answers to invitations: iTIP REPLY and COUNTER (RFC 5546) by mail (RFC 6047).

use calcard::icalendar::{ICalendar, ICalendarParameterName, ICalendarProperty};

use crate::message::{CalendarPart, Message};

/// What an invitation's answer says.
pub(crate) struct CalendarAnswer {
    pub method: String,
    pub partstat: Option<String>,
}

/// The answer that a message is, if its calendar part is one.
pub(crate) fn detect(message: &Message) -> Option<CalendarAnswer> {
    if let Some(answer) = message.body.calendars.iter().find_map(|part| read(part, message.from.as_deref())) {
        return Some(answer);
    }
    // A header alone may say it: some servers send the calendar object as the only part.
    let method = message.content_type.method.as_deref().filter(|method| is_answer(method))?;
    (message.content_type.media == "text/calendar" && !message.has_body)
        .then(|| CalendarAnswer { method: method.to_owned(), partstat: None })
}

fn is_answer(method: &str) -> bool {
    matches!(method, "REPLY" | "COUNTER")
}

fn read(part: &CalendarPart, author: Option<&str>) -> Option<CalendarAnswer> {
    let calendar = ICalendar::parse(&part.text).ok();
    let stated = calendar.as_ref().and_then(|calendar| {
        let method = calendar.components.first()?.property(&ICalendarProperty::Method)?;
        Some(method.values.first()?.as_text()?.to_ascii_uppercase())
    });
    // The object's own method is what a calendar obeys; the Content-Type's stands in where the object has none.
    let method = stated.or_else(|| part.method.clone()).filter(|method| is_answer(method))?;
    let partstat = calendar.as_ref().and_then(|calendar| partstat(calendar, author));
    Some(CalendarAnswer { method, partstat })
}

/// The author's participation status, else the first attendee's: a REPLY has one attendee (RFC 5546 §3.2.3), but
/// some products list all.
fn partstat(calendar: &ICalendar, author: Option<&str>) -> Option<String> {
    let mut first = None;
    for component in &calendar.components {
        for attendee in component.properties(&ICalendarProperty::Attendee) {
            let Some(status) =
                attendee.parameter(&ICalendarParameterName::Partstat).and_then(|value| value.as_text())
            else {
                continue;
            };
            let status = status.to_ascii_uppercase();
            let address = attendee.calendar_address().map(str::to_ascii_lowercase);
            if author.is_some() && address.as_deref() == author {
                return Some(status);
            }
            first = first.or(Some(status));
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(method: &str, attendees: &str, content_type: &str) -> Message {
        Message::parse(
            format!(
                "From: Flynn <flynn@flynnsarcade.com>\nSubject: Accepted: Demo\nContent-Type: {content_type}\n\n\
                 BEGIN:VCALENDAR\nVERSION:2.0\n{method}BEGIN:VEVENT\nUID:1\nDTSTAMP:20261120T090000Z\n{attendees}END:VEVENT\nEND:VCALENDAR\n"
            )
            .as_bytes(),
        )
    }

    #[test]
    fn an_answer_gives_its_authors_participation_status() {
        let both = "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:alan@encom.com\nATTENDEE;PARTSTAT=tentative:MAILTO:Flynn@FlynnsArcade.com\n";
        for (method, attendees, content_type, expected) in [
            (
                "METHOD:REPLY\n",
                "ATTENDEE;PARTSTAT=ACCEPTED:mailto:x@y.example\n",
                "text/calendar; method=REPLY",
                Some(Some("ACCEPTED")),
            ),
            ("METHOD:COUNTER\n", both, "text/calendar", Some(Some("TENTATIVE"))),
            ("", both, "text/calendar; method=reply", Some(Some("TENTATIVE"))),
            ("METHOD:REPLY\n", "", "text/calendar", Some(None)),
            ("METHOD:REQUEST\n", both, "text/calendar; method=REQUEST", None),
            ("METHOD:CANCEL\n", both, "text/calendar", None),
            ("METHOD:REPLY\n", both, "text/plain", None),
        ] {
            let answer = detect(&message(method, attendees, content_type));
            assert_eq!(
                answer.as_ref().map(|answer| answer.partstat.as_deref()),
                expected,
                "{method:?} {content_type:?}"
            );
        }
    }
}
