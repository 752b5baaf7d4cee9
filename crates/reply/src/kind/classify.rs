//! What sort of message it is, and what decided.

use serde::{Deserialize, Serialize};

use super::{
    Kind, RecipientReport, acknowledgement, auto_reply,
    automatic::{self, Sign},
    bounce, bulk, calendar, challenge, complaint, receipt,
};
use crate::{
    Identity,
    absence::Strength,
    address,
    message::{Field, Message},
    text,
};

/// What decided about a message's kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Reason {
    /// A header field with this value.
    Header {
        /// The field's name.
        name: String,
        /// Its value, shortened.
        value: String,
    },
    /// A MIME part of this type, with what it states.
    Part {
        /// The media type.
        media: String,
        /// What it states: an action, a method, a disposition.
        value: String,
    },
    /// Words in the subject.
    Subject {
        /// The phrase, as it stands in the phrase list.
        phrase: String,
    },
    /// Words in the text.
    Text {
        /// The phrase, as it stands in the phrase list.
        phrase: String,
    },
    /// The address that it came from.
    Sender {
        /// The address, or the name where there is none.
        address: String,
    },
}

/// What is kept of a value.
const MAX_VALUE: usize = 120;

impl Reason {
    pub(crate) fn header(field: Field, value: &str) -> Self {
        Self::Header { name: field.name().to_owned(), value: shortened(value) }
    }

    pub(crate) fn part(media: &str, value: &str) -> Self {
        Self::Part { media: media.to_owned(), value: shortened(value) }
    }

    pub(crate) fn subject(phrase: &str) -> Self {
        Self::Subject { phrase: phrase.to_owned() }
    }

    pub(crate) fn text(phrase: &str) -> Self {
        Self::Text { phrase: phrase.to_owned() }
    }

    pub(crate) fn sender(message: &Message) -> Self {
        let address = message.from.as_deref().or(message.from_name.as_deref()).unwrap_or_default();
        Self::Sender { address: address.to_owned() }
    }
}

fn shortened(value: &str) -> String {
    match value.char_indices().nth(MAX_VALUE) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value.to_owned(),
    }
}

/// A message's kind, with what was found on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Classification {
    /// The kind.
    pub kind: Kind,
    /// What decided; `None` where nothing speaks against a person, or nothing at all could be read.
    pub reason: Option<Reason>,
    /// Delivery reports: one entry a recipient.
    pub recipients: Vec<RecipientReport>,
    /// Calendar responses: ACCEPTED, DECLINED, …
    pub partstat: Option<String>,
}

impl Classification {
    const fn new(kind: Kind, reason: Option<Reason>) -> Self {
        Self { kind, reason, recipients: Vec::new(), partstat: None }
    }
}

/// The kind of a message in `me`'s mailbox.
///
/// Structure decides before words do: MIME type and report parts, then RFC 3834 and the vendors' fields, then the
/// envelope, then subject and text. From a header alone the answer is preliminary.
pub fn classify(message: &Message, me: &Identity) -> Classification {
    if is_empty(message) {
        return Classification::new(Kind::Unknown, None);
    }
    if let Some(from) = &message.from
        && me.addresses.iter().any(|own| address::same_mailbox(own, from))
    {
        return Classification::new(Kind::Own, Some(Reason::sender(message)));
    }
    if let Some(reason) = complaint::detect(message) {
        return Classification::new(Kind::Complaint, Some(reason));
    }
    if let Some(reason) = bulk::aggregate_report(message) {
        return Classification::new(Kind::Bulk, Some(reason));
    }
    if let Some(reason) = receipt::detect(message) {
        return Classification::new(Kind::Receipt, Some(reason));
    }
    if let Some(answer) = calendar::detect(message) {
        let reason = Reason::part("text/calendar", &answer.method);
        return Classification {
            partstat: answer.partstat,
            ..Classification::new(Kind::CalendarResponse, Some(reason))
        };
    }
    if let Some(reason) = challenge::by_sender(message) {
        return Classification::new(Kind::Challenge, Some(reason));
    }
    if let Some(report) = bounce::detect(message) {
        return Classification {
            recipients: report.recipients,
            ..Classification::new(report.kind, Some(report.reason))
        };
    }
    let (kind, reason) = by_signs_and_words(message);
    Classification::new(kind, reason)
}

/// Nothing in it could be read: no author, no subject, no id.
fn is_empty(message: &Message) -> bool {
    message.from.is_none()
        && message.from_name.is_none()
        && message.subject.is_none()
        && message.message_id.is_none()
}

fn by_signs_and_words(message: &Message) -> (Kind, Option<Reason>) {
    let Some(sign) = automatic::sign(message) else { return without_sign(message) };
    let reason = match sign {
        Sign::Human(_) => return (Kind::Reply, None),
        Sign::Replied(ref reason) | Sign::Generated(ref reason) | Sign::NullPath(ref reason) => {
            reason.clone()
        }
    };
    let written = newly_written(message);
    if let Some(challenge) = challenge::detect(message, &written) {
        return (Kind::Challenge, Some(challenge));
    }
    let subject = message.subject.as_deref().unwrap_or_default();
    if let Some(phrase) = crate::phrases::read_receipt(subject, &written) {
        return (Kind::Receipt, Some(Reason::text(phrase.text)));
    }
    let absent = auto_reply::signal(message, &written);
    let absence = absent.strength();
    let system = acknowledgement::ticket_system(message);
    let words = || acknowledgement::words(message, &written);
    match sign {
        // Ticket systems answer too, some under "AutoReply:"; what speaks of absence is none of theirs.
        Sign::Replied(_)
            if (system.is_some() && absent.text == Strength::None)
                || (absence == Strength::None && words().is_some()) =>
        {
            (Kind::Acknowledgement, Some(reason))
        }
        Sign::Replied(_) => (Kind::AutoReply, Some(reason)),
        // Exchange writes "auto-generated" into out-of-office mail.
        _ if absence >= Strength::Weak && system.is_none() => (Kind::AutoReply, Some(reason)),
        // Its words are in a language that isn't known here; a thread index is only what Exchange's own responder writes.
        Sign::Generated(_)
            if message.is_threaded()
                && message.thread_index.is_some()
                && system.is_none()
                && words().is_none() =>
        {
            (Kind::AutoReply, Some(reason))
        }
        // A notification that answers something is a ticket system's, whomever it quotes.
        Sign::Generated(_) if message.is_threaded() || system.is_some() || words().is_some() => {
            (Kind::Acknowledgement, Some(reason))
        }
        Sign::Generated(_) => (Kind::Bulk, Some(reason)),
        _ => null_path(message, words()),
    }
}

/// Nothing but the null path speaks for a machine. Archives and exports write `<>` where they know no path, so that it
/// takes a second sign to call an answer automatic.
fn null_path(message: &Message, acknowledgement: Option<Reason>) -> (Kind, Option<Reason>) {
    if acknowledgement.is_some() {
        return (Kind::Acknowledgement, acknowledgement);
    }
    match bulk::detect(message) {
        // A person's address, the null path and no list: a responder that knows only `Precedence`.
        Some(Reason::Header { name, value }) if name == Field::Precedence.name() => {
            (Kind::AutoReply, Some(Reason::Header { name, value }))
        }
        Some(bulk) => (Kind::Bulk, Some(bulk)),
        None => (Kind::Reply, None),
    }
}

/// No field speaks for a machine: only words that no person writes do. The text is looked at where the subject gives a
/// reason to.
fn without_sign(message: &Message) -> (Kind, Option<Reason>) {
    let subject = message.subject.as_deref().unwrap_or_default();
    let mut absent = auto_reply::signal(message, "");
    if absent.subject == Strength::Weak {
        absent = auto_reply::signal(message, &newly_written(message));
    }
    if auto_reply::by_words(&absent, message) {
        return (Kind::AutoReply, absent.phrase.map(|phrase| Reason::subject(phrase.text)));
    }
    if let Some(challenge) = challenge::detect(message, message.beginning()) {
        return (Kind::Challenge, Some(challenge));
    }
    if let Some(phrase) = crate::phrases::read_receipt(subject, message.beginning()) {
        return (Kind::Receipt, Some(Reason::text(phrase.text)));
    }
    if let Some(system) = acknowledgement::ticket_system(message)
        && acknowledgement::words(message, &newly_written(message)).is_some()
    {
        return (Kind::Acknowledgement, Some(system));
    }
    if !message.is_threaded()
        && let Some(phrase) = crate::phrases::acknowledgement_subject(subject)
    {
        return (Kind::Acknowledgement, Some(Reason::subject(phrase.text)));
    }
    match bulk::detect(message) {
        Some(reason) => (Kind::Bulk, Some(reason)),
        None => (Kind::Reply, None),
    }
}

/// The newly written text of the first text part: plain where there is one.
pub(crate) fn newly_written(message: &Message) -> String {
    let texts = &message.body.texts;
    match texts.iter().find(|part| !part.html && !part.text.trim().is_empty()) {
        Some(plain) => {
            let flowed = match (plain.flowed, plain.delsp) {
                (false, _) => text::Flowed::No,
                (true, false) => text::Flowed::Yes,
                (true, true) => text::Flowed::DelSp,
            };
            text::from_plain(&plain.text, flowed)
        }
        None => {
            texts.iter().find(|part| part.html).map(|html| text::from_html(&html.text)).unwrap_or_default()
        }
    }
}
