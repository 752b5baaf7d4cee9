//! Out-of-office mail.

use jiff::{civil::Date, tz::TimeZone};

use crate::{
    absence::{self, Signal, Strength},
    message::{Field, Message},
};

/// What subject and text say about absence.
pub(crate) fn signal(message: &Message, text: &str) -> Signal {
    absence::signal(message.subject.as_deref().unwrap_or_default(), text)
}

/// Whether the words alone make it an out-of-office mail, with no sign in the header.
///
/// Exchange before 2010, Notes and many gateways leave no sign but the subject that the product writes, or a subject and
/// a text that both give notice of absence in a thread of their own. Words in the text alone are not enough: people
/// answer "I'm away until Monday, let's talk then".
pub(crate) fn by_words(signal: &Signal, message: &Message) -> bool {
    // Notes: "AUTO: Kevin Flynn is out of the office (returning …)".
    let subject = message.subject.as_deref().unwrap_or_default();
    let is_marked = subject.get(..5).is_some_and(|mark| mark.eq_ignore_ascii_case("auto:"));
    let gives_notice =
        signal.subject >= Strength::Weak && signal.text == Strength::Strong && !message.is_threaded();
    signal.subject == Strength::Strong || gives_notice || (is_marked && signal.strength() >= Strength::Weak)
}

/// The first day on which the author is back, when stated: machine-readable before text.
pub(crate) fn returns_on(message: &Message, text: &str) -> Option<Date> {
    if let Some(date) = message.sign(Field::AppleCriteria).and_then(absence::returns_on_apple) {
        return Some(date);
    }
    let sent = message.sent_at()?.to_zoned(TimeZone::UTC).date();
    let subject = message.subject.as_deref().unwrap_or_default();
    // Notes writes the day into the subject: "AUTO: Kevin Flynn is out of the office (returning 12/01/2026)".
    absence::returns_on(text, sent).or_else(|| absence::returns_on(subject, sent))
}
