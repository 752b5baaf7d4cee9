//! Why a message was refused: from the enhanced status code (RFC 3463, RFC 5248 and its registry), then from the
//! reporter's words.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::status::Status;
use crate::BounceReason;

/// The words that name a reason, from the data file beside this one.
struct Phrases {
    reasons: Vec<BounceReason>,
    automaton: Option<AhoCorasick>,
}

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| {
    let mut reason = BounceReason::Other;
    let (mut reasons, mut phrases) = (Vec::new(), Vec::new());
    for line in include_str!("reasons.txt").lines().map(str::trim) {
        match line.strip_prefix('[').and_then(|section| section.strip_suffix(']')) {
            Some("address") => reason = BounceReason::Address,
            Some("mailbox_full") => reason = BounceReason::MailboxFull,
            Some("blocked") => reason = BounceReason::Blocked,
            Some("policy") => reason = BounceReason::Policy,
            Some("content") => reason = BounceReason::Content,
            Some("too_big") => reason = BounceReason::TooBig,
            Some("expired") => reason = BounceReason::Expired,
            Some("relay") => reason = BounceReason::Relay,
            Some(_) => reason = BounceReason::Other,
            None if line.is_empty() || line.starts_with('#') => {}
            None => {
                reasons.push(reason);
                phrases.push(line);
            }
        }
    }
    Phrases { reasons, automaton: AhoCorasick::new(phrases).ok() }
});

/// What the code says, where it says something.
pub(crate) const fn of_status(status: Status) -> Option<BounceReason> {
    use BounceReason::{Address, Blocked, Content, Expired, MailboxFull, Policy, Relay, TooBig};
    match (status.subject, status.detail) {
        // Addressing. X.1.5 is a success, X.1.7 and X.1.8 speak of the sender.
        (1, 1..=4 | 6 | 10) => Some(Address),
        (1, 7 | 8) => Some(Policy),
        // Mailbox: disabled, full, too long; X.2.4 is a mailing list's expansion.
        (2, 1) => Some(Address),
        (2, 2) | (3, 1) => Some(MailboxFull),
        (2, 3) | (3, 4) => Some(TooBig),
        // Routing: X.4.4 no route in DNS, X.4.6 loop, X.4.7 expired.
        (4, 3 | 6) => Some(Relay),
        (4, 4) if status.class == 5 => Some(Address),
        (4, 1 | 2 | 5 | 7 | 9) => Some(Expired),
        // Content conversion.
        (6, _) => Some(Content),
        // Security: authentication results, reputation, encryption needed.
        (7, 25..=29 | 30 | 509 | 515) | (7, 5..=15 | 17..=24) => Some(Policy),
        (7, 606 | 511 | 512 | 513 | 514 | 703 | 708) => Some(Blocked),
        _ => None,
    }
}

/// What the words say. The first phrase of the file that occurs wins: the file is ordered from special to general.
pub(crate) fn of_text(text: &str) -> Option<BounceReason> {
    if text.is_empty() {
        return None;
    }
    let lower = text.to_lowercase();
    let found = PHRASES.automaton.as_ref()?.find_overlapping_iter(&lower);
    let first = found.map(|hit| hit.pattern().as_usize()).min()?;
    PHRASES.reasons.get(first).copied()
}

/// Code and words together. A code that names a reason is believed before words, except where servers are known to
/// send it for something else: 5.7.x and 5.x.0 say little, and 5.1.1 beside "quota" or "blocked" is a full mailbox or
/// a block.
pub(crate) fn decide(status: Option<Status>, text: &str) -> BounceReason {
    let said = of_text(text);
    let coded = status.and_then(of_status);
    match (coded, said) {
        (
            Some(BounceReason::Address),
            Some(
                said @ (BounceReason::MailboxFull
                | BounceReason::Blocked
                | BounceReason::Content
                | BounceReason::TooBig),
            ),
        ) => said,
        (Some(BounceReason::Expired | BounceReason::Policy), Some(said)) => said,
        (Some(coded), _) => coded,
        (None, Some(said)) => said,
        (None, None) => match status {
            Some(Status { subject: 7, .. }) => BounceReason::Policy,
            _ => BounceReason::Other,
        },
    }
}
