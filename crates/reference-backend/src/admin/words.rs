//! Words and shapes for what the tables hold. What people wrote is shown as text, apart from what stands around it and not longer
//! than somebody reads.

use answerback_backend::{Event, EventData, EventType};
use answerback_reply::{Evidence, Relation, Rung};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::enrolment::State;
use crate::store::events::stop_reason;
use crate::store::overview::{Person, ReceivedEvent};

/// Characters of one field at most.
const SHOWN: usize = 200;

/// Text that somebody else wrote: isolated, so that its direction does not spill over, and cut off.
pub fn theirs(text: &str) -> Markup {
    let mut letters = text.chars().map(|c| match c {
        // They would show a name in another order than it is written in, such as exe.jpg for gpj.exe.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        c if c.is_control() => ' ',
        c => c,
    });
    let shown: String = letters.by_ref().take(SHOWN).collect();
    let more = letters.next().is_some();
    html! { bdi { (shown) @if more { "…" } } }
}

/// A time in UTC, to the minute.
pub fn when(time: Timestamp) -> Markup {
    let utc = time.to_zoned(TimeZone::UTC);
    html! { time datetime=(time) title={ (time) } { (utc.strftime("%Y-%m-%d %H:%M")) } }
}

/// How long ago, roughly.
pub fn ago(time: Timestamp, now: Timestamp) -> String {
    let minutes = now.duration_since(time).as_secs() / 60;
    match minutes {
        ..=0 => "just now".into(),
        1..=99 => format!("{minutes} min ago"),
        100..=2879 => format!("{} h ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1440),
    }
}

/// A state as a badge.
pub fn state(state: &State) -> Markup {
    match state {
        State::Active => html! { span.badge.good { "active" } },
        State::Paused { until } => {
            html! { span.badge.warn { "paused" } " " small { "until " (until.to_zoned(TimeZone::UTC).date()) } }
        }
        State::Stopped { reason } => {
            html! { span.badge.bad { "stopped" } " " small { (self::reason(reason)) } }
        }
        State::Finished => html! { span.badge { "finished" } },
    }
}

/// A reason in words.
pub fn reason(reason: &str) -> &str {
    match reason {
        "reply" => "answered",
        "opt_out" => "asked not to be mailed",
        "calendar_response" => "answered an invitation",
        "bounce" => "could not be delivered",
        "complaint" => "complained",
        "invalid_address" => "the address does not exist",
        "suppressed" => "the address is not mailed",
        "finished" => "the campaign is over",
        "mailbox_not_checked" => "the mailbox was not checked since",
        "mailbox_checked" => "the mailbox was checked",
        "longest_hold_is_over" => "held long enough",
        "nothing_sent" => "nothing was sent yet",
        "auto_reply" => "out of office",
        other => other,
    }
}

/// Who a prospect is.
pub fn person(person: &Person) -> Markup {
    let send = person.last_send.as_ref();
    let prospect = send.and_then(|send| send.prospect.as_ref());
    let name = prospect.and_then(|p| p.name.as_deref());
    let address = prospect.and_then(|p| p.email.as_deref()).or_else(|| Some(send?.to.first()?));
    html! {
        (theirs(name.or(address).unwrap_or(&person.prospect)))
        @if let (Some(_), Some(address)) = (name, address) { br; small { (theirs(address)) } }
    }
}

/// What happened, in words.
pub fn headline(received: &ReceivedEvent) -> Markup {
    let Some(event) = &received.event else {
        let name = received.event_type.map_or("event", EventType::as_str);
        return html! { strong { (name) } " " span.quiet { "(what it said was erased)" } };
    };
    match &event.data {
        EventData::Stop(stop) => {
            html! { strong { "Stopped" } " " span.quiet { (reason(stop_reason(stop.reason))) } }
        }
        EventData::Pause(pause) => html! { strong { "Paused" } " " span.quiet { "until " (pause.until) } },
        EventData::Suppress(suppress) => {
            html! { strong { "Not mailed again" } " " (theirs(&suppress.address)) }
        }
        EventData::Log(log) => {
            let from = log.reply.from_name.as_deref().or(log.reply.from.as_deref());
            html! {
                strong { (kind(event)) }
                @if let Some(from) = from { " from " (theirs(from)) }
            }
        }
        EventData::Retract(retract) => {
            html! { strong { "Taken back by the rep" } " " span.quiet { (theirs(&retract.reason)) } }
        }
        EventData::Coverage(_) => html! { strong { "Mailbox checked" } },
    }
}

/// What sort of message a log event tells of.
pub fn kind(event: &Event) -> &'static str {
    use answerback_reply::Kind;
    let EventData::Log(log) = &event.data else { return "Event" };
    match log.kind {
        Kind::Reply => "Answer",
        Kind::AutoReply => "Out of office",
        Kind::Acknowledgement => "Acknowledgement",
        Kind::Bounce => "Bounce",
        Kind::Delay => "Delay warning",
        Kind::Receipt => "Receipt",
        Kind::CalendarResponse => "Calendar response",
        Kind::Complaint => "Complaint",
        Kind::Challenge => "Challenge",
        Kind::Bulk => "Bulk mail",
        Kind::Own => "Own mail",
        Kind::Unknown => "Message",
    }
}

/// Why a message is thought to be the answer.
pub fn why(event: &Event) -> Markup {
    let EventData::Log(log) = &event.data else { return html! {} };
    html! {
        @if !log.evidence.is_empty() {
            ul.why {
                @for evidence in log.evidence.iter().take(6) { li { (evidence_in_words(evidence)) } }
            }
        }
    }
}

fn evidence_in_words(evidence: &Evidence) -> Markup {
    let words = match evidence.rung {
        Rung::InReplyTo => "it says that it answers",
        Rung::References => "it is in the thread of",
        Rung::Report => "the report holds the mail",
        Rung::ThreadId => "the provider has it in the thread",
        Rung::Chain => "it answers an answer",
        Rung::QuotedId => "it quotes the mail",
        Rung::Content => "people, subject and text fit",
    };
    html! { (words) ": " (theirs(&evidence.value)) }
}

/// Who wrote, as seen from the send.
pub const fn relation(relation: Relation) -> &'static str {
    match relation {
        Relation::Prospect => "the prospect",
        Relation::SamePersonOtherAddress => "the prospect, from another address",
        Relation::Copied => "somebody in copy",
        Relation::SameDomain => "somebody at the same company",
        Relation::Colleague => "a colleague of the rep",
        Relation::Other => "somebody else",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_escaped_isolated_and_cut_off() {
        assert_eq!(theirs("<script>&\"'").into_string(), "<bdi>&lt;script&gt;&amp;&quot;'</bdi>");
        assert_eq!(theirs("a\u{0}b\nc").into_string(), "<bdi>a b c</bdi>");
        let long = theirs(&"x".repeat(1_000_000)).into_string();
        assert!(long.ends_with("…</bdi>") && long.len() < 300, "{} bytes", long.len());
        assert_eq!(theirs("\u{202e}gpj.exe").into_string(), "<bdi>\u{fffd}gpj.exe</bdi>");
    }

    #[test]
    fn how_long_ago_is_told_roughly() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        for (time, words) in [
            ("2026-11-24T12:00:30Z", "just now"),
            ("2026-11-24T11:58:00Z", "2 min ago"),
            ("2026-11-24T09:00:00Z", "3 h ago"),
            ("2026-11-20T12:00:00Z", "4 days ago"),
        ] {
            assert_eq!(ago(time.parse().unwrap(), now), words);
        }
    }
}
