//! What a logged message is called and says, in any CRM.

use std::sync::LazyLock;

use answerback_reply::{Kind, TrackedSend};
use uuid::Uuid;

use crate::event::{Event, Log};

static KEYS: LazyLock<Uuid> =
    LazyLock::new(|| Uuid::new_v5(&Uuid::NAMESPACE_URL, b"answerback:/salesforce/entries/"));

/// The key of a log event's entry: the same for the same email, whichever rep's laptop found it.
pub fn key(event: &Event, log: &Log) -> String {
    let of_message = log.reply.message_id.as_ref().map(|id| Uuid::new_v5(&KEYS, id.as_str().as_bytes()));
    of_message.unwrap_or(event.id).to_string()
}

/// The line by which an entry of ours is known where it has no field for its key.
pub fn mark(key: &str) -> String {
    format!("Answerback entry {key}")
}

/// Whether a person or their calendar wrote it: always an email.
pub const fn is_email(kind: Kind) -> bool {
    matches!(kind, Kind::Reply | Kind::CalendarResponse)
}

/// `Reply: SUBJECT`, in one line.
pub fn title(log: &Log, send: Option<&TrackedSend>) -> String {
    let word = match log.kind {
        Kind::AutoReply => "Out of office",
        Kind::Bounce => "Bounce",
        Kind::Delay => "Delayed",
        Kind::CalendarResponse => "Invitation answered",
        Kind::Complaint => "Complaint",
        Kind::Acknowledgement => "Acknowledgement",
        Kind::Receipt => "Receipt",
        Kind::Challenge => "Challenge",
        _ => "Reply",
    };
    let known = log.reply.subject.as_deref().or(send.and_then(|send| send.subject.as_deref()));
    let one_line = known.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{word}: {one_line}").trim_end_matches([' ', ':']).to_owned()
}

/// An email's subject. Where the log level keeps it on the laptop, that of the send, which the organisation wrote itself. What a machine
/// answered says so in its subject: a list of emails shows nothing else of it.
pub fn subject(log: &Log, send: Option<&TrackedSend>) -> String {
    let own = log.reply.subject.clone().filter(|_| is_email(log.kind));
    own.unwrap_or_else(|| title(log, send))
}

/// What it says, after what a machine said in it.
pub fn body(log: &Log) -> String {
    let reply = &log.reply;
    let mut lines = Vec::new();
    if let Some(bounce) = &reply.bounce {
        let what =
            [bounce.recipient.as_deref(), bounce.status.as_deref()].into_iter().flatten().collect::<Vec<_>>();
        lines.push(format!("Could not be delivered: {}\n", what.join(", ")));
    }
    lines.extend(reply.returns_on.map(|day| format!("Back on: {day}\n")));
    let kept = "The text of this message stays in the rep's mailbox.";
    lines.push(reply.text.clone().unwrap_or_else(|| kept.to_owned()));
    lines.join("\n")
}

/// No longer than so many UTF-16 units, as CRMs count.
pub fn cut(text: &str, units: usize) -> String {
    let mut left = units;
    text.chars()
        .take_while(|c| {
            left.checked_sub(c.len_utf16()).is_some_and(|less| {
                left = less;
                true
            })
        })
        .collect()
}
