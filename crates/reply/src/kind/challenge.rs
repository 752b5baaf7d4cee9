//! Challenge-response systems that ask the sender to prove that they are human.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::{
    address,
    message::{Field, Message},
};

use super::classify::Reason;

/// What challenges say. Each stands in the template of the product that its comment names.
const PHRASES: &[&str] = &[
    // TMDA's confirm_request.txt.
    "this message was created automatically by mail delivery software (tmda)",
    "confirm that your message",
    // ASK (Active Spam Killer).
    "this message is from ask",
    // Bluebottle.
    "bluebottle has intercepted",
    "your email has been held by bluebottle",
    "this account is protected by bluebottle",
    "have your address added to the recipient's allowed list",
    "verify your email address by clicking",
    // Spam Arrest.
    "just this once, click the link below so i can receive your emails",
    "you won't have to do this again",
    "i'm protecting myself from receiving junk mail",
    // EarthLink spamBlocker.
    "spamblocker",
    "request to be added to my approved sender",
    // BoxTrapper (cPanel).
    "the message you sent requires that you verify",
    "requires that you verify that you are a real live human being",
    // 0Spam, MailInBlack, Boxbe, Vanquish, Digiportal ChoiceMail, Sendio, UOL AntiSpam.
    "this email address is protected by",
    "prove you are human",
    "prove that you are human",
    "confirm you are a real person",
    "mailinblack",
    "boxbe.com",
    "you are not yet an approved sender",
    "your message is awaiting delivery until you",
    "choicemail",
    "sendio",
    "antispam uol",
    "adding your address to my guest list",
    "to confirm delivery of your message",
    "authenticate your email address",
    "please click the link below to verify yourself",
    "to have your message delivered, reply to this",
    "confirm your email so that it can be delivered",
];

/// Domains that write nothing but challenges.
const DOMAINS: &[&str] = &["boxbe.com", "bluebottle.com", "spamarrest.com", "mailinblack.com"];

/// The system that a message comes from, where it sends nothing but challenges: some of them in the form of delivery
/// reports.
pub(crate) fn by_sender(message: &Message) -> Option<Reason> {
    let (local, domain) = address::split(message.from.as_deref()?)?;
    // A provider's own domain has users too.
    let is_robot = SENDERS.contains(&local) || matches!(local, "noreply" | "no-reply" | "support");
    (is_robot && DOMAINS.contains(&domain)).then(|| Reason::sender(message))
}

/// Local parts that only challenge systems write from.
const SENDERS: &[&str] =
    &["challenge", "spamblocker-challenge", "confirm-return", "verification", "boxbe-notifications"];

static FINDER: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(PHRASES).ok());

/// Why a message is a challenge, if it is one.
pub(crate) fn detect(message: &Message, text: &str) -> Option<Reason> {
    for field in [Field::TmdaFingerprint, Field::BoxTrapper, Field::BluebottleRequest] {
        if let Some(value) = message.sign(field) {
            return Some(Reason::header(field, value));
        }
    }
    // An answer that somebody wrote under a challenge quotes it.
    if message.sign(Field::AutoSubmitted).is_some_and(|value| value.trim().eq_ignore_ascii_case("no")) {
        return None;
    }
    let local = message.from.as_deref().and_then(|from| from.split('@').next()).unwrap_or_default();
    if SENDERS.contains(&local) {
        return Some(Reason::sender(message));
    }
    let found = FINDER.as_ref()?.find(text)?;
    PHRASES.get(found.pattern().as_usize()).map(|phrase| Reason::text(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_known_by_field_sender_and_words() {
        for (raw, is_challenge) in [
            ("From: a@x.example\nX-TMDA-Fingerprint: abc\n\nhi", true),
            ("From: flynn@bluebottle.com\nX-Bluebottle-Request: <1>\n\nhi", true),
            ("From: spamblocker-challenge@bounce.earthlink.net\n\nhi", true),
            ("From: a@x.example\n\nTo have your message delivered, please prove you are human:", true),
            (
                "From: a@x.example\n\nThe message you sent requires that you verify that you are a real live human being",
                true,
            ),
            ("From: a@x.example\n\nThat is quite a challenge, let's verify it tomorrow.", false),
            ("From: a@x.example\nAuto-Submitted: no\n\nThey asked me to prove you are human!", false),
        ] {
            let message = Message::parse(raw.as_bytes());
            assert_eq!(detect(&message, &message.text()).is_some(), is_challenge, "{raw}");
        }
        assert!(by_sender(&Message::from_header(b"From: noreply@boxbe.com\n")).is_some());
        assert!(by_sender(&Message::from_header(b"From: flynn@boxbe.com\n")).is_none());
    }
}
