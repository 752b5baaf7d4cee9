//! Verdicts in words.

use serde_json::Value;

/// What sort of message it was.
pub(crate) fn kind(kind: &str) -> &'static str {
    match kind {
        "reply" => "an answer",
        "auto_reply" => "out of office",
        "acknowledgement" => "an automatic acknowledgement",
        "bounce" => "a bounce",
        "delay" => "a delay warning",
        "receipt" => "a receipt",
        "calendar_response" => "an answer to an invitation",
        "complaint" => "a complaint",
        "challenge" => "a challenge",
        "bulk" => "bulk mail",
        "own" => "the rep's own mail",
        _ => "unknown",
    }
}

/// Why it belongs to a send: the winning rung of the ladder.
pub(crate) fn rung(rung: &str) -> &'static str {
    match rung {
        "in_reply_to" => "In-Reply-To names the send",
        "references" => "References name the send",
        "report" => "the mail that came back is the send",
        "thread_id" => "it is in the send's thread",
        "chain" => "it answers an answer",
        "quoted_id" => "it quotes the send's Message-ID",
        "content" => "people, subject, time and quotation agree",
        _ => "for another reason",
    }
}

/// Who the author is to the send.
pub(crate) fn relation(relation: &str) -> Option<&'static str> {
    match relation {
        "prospect" => Some("by the prospect"),
        "same_person_other_address" => Some("same person, another address"),
        "copied" => Some("by somebody in CC"),
        "same_domain" => Some("by a colleague of the prospect"),
        "colleague" => Some("by a colleague of the rep"),
        _ => None,
    }
}

/// What the backend did on an event.
pub(crate) fn effect(event_type: &str, data: &Value) -> Option<String> {
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    Some(match event_type {
        "answerback.stop.v1" => "stopped".to_owned(),
        "answerback.pause.v1" => format!("paused until {}", text("until")?),
        "answerback.suppress.v1" => "address suppressed".to_owned(),
        "answerback.log.v1" => "logged".to_owned(),
        "answerback.retract.v1" => "taken back".to_owned(),
        _ => return None,
    })
}

/// Why the backend says what it says of a campaign's next step.
pub(crate) fn because(reason: &str) -> &str {
    match reason {
        "reply" => "somebody answered",
        "opt_out" => "asked not to be written to",
        "calendar_response" => "an invitation was answered",
        "bounce" => "the address is gone",
        "complaint" => "complained",
        "auto_reply" => "away",
        "suppressed" => "never to be written to again",
        "mailbox_checked" => "nobody answered, the mailbox has been checked",
        "mailbox_not_checked" => "until the mailbox has been checked",
        "longest_hold_is_over" => "the longest wait is over",
        other => other,
    }
}
