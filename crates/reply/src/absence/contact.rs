//! Whom to write to meanwhile.

use std::sync::LazyLock;

use super::head;
use crate::phrases::{Matcher, fold, matcher};

/// Between the words that name a contact and the address stand a name, a role, a telephone number.
const GAP_BEFORE: usize = 200;
/// "… alan@encom.example will help you", "までご連絡ください".
const GAP_AFTER: usize = 48;
/// Addresses beyond this many are a list, not a contact.
const MAX_ADDRESSES: usize = 20;

static CUES: LazyLock<Matcher<bool>> =
    LazyLock::new(|| matcher(&[(true, "contact"), (false, "contact-not")]));

/// The address that an out-of-office text names as the contact meanwhile: in lower case, never `author`'s own, never one
/// that only stands in the signature. The first where it names several.
pub fn alternative_contact(text: &str, author: Option<&str>) -> Option<String> {
    let folded = fold(head(text));
    let cues = CUES.find(&folded);
    let author = author.map(|a| a.trim_matches(['<', '>', ' ']).to_ascii_lowercase());
    addresses(&folded).into_iter().take(MAX_ADDRESSES).find_map(|(start, end)| {
        let address = folded.get(start..end)?;
        if author.as_deref().is_some_and(|own| is_same_mailbox(own, address)) || is_nobody(address) {
            return None;
        }
        let before = cues
            .iter()
            .filter(|cue| cue.end <= start && start - cue.end <= GAP_BEFORE)
            .filter(|cue| !parted(folded.get(cue.end..start)));
        let nearest = before.max_by_key(|cue| cue.end);
        // "You can reach me at …" is the author's own other address.
        if cues.iter().any(|cue| {
            !cue.tag && cue.end <= start && start - cue.end <= 40 && !parted(folded.get(cue.end..start))
        }) {
            return None;
        }
        let behind = || {
            cues.iter().any(|cue| {
                cue.tag
                    && cue.start >= end
                    && cue.start - end <= GAP_AFTER
                    && !folded.get(end..cue.start).unwrap_or_default().contains(['\n', '@'])
            })
        };
        (nearest.is_some() || behind()).then(|| address.to_owned())
    })
}

/// Two paragraphs between say that the words were about something else.
fn parted(gap: Option<&str>) -> bool {
    gap.is_none_or(|gap| gap.matches('\n').count() > 1)
}

/// Where addresses stand in folded text.
fn addresses(text: &str) -> Vec<(usize, usize)> {
    let local = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '\'' | '&');
    let domain = |c: char| c.is_alphanumeric() && !is_ideograph(c) || matches!(c, '.' | '-');
    text.match_indices('@')
        .take(200)
        .filter_map(|(at, _)| {
            let before = text.get(..at)?;
            let after = text.get(at + 1..)?;
            let start = before.len()
                - before.chars().rev().take(64).take_while(|c| local(*c)).map(char::len_utf8).sum::<usize>();
            let start = start + text.get(start..at)?.len()
                - text.get(start..at)?.trim_start_matches(['.', '\'', '-', '&']).len();
            let end = at
                + 1
                + after.chars().take(255).take_while(|c| domain(*c)).map(char::len_utf8).sum::<usize>();
            let end = start + text.get(start..end)?.trim_end_matches(['.', '-']).len();
            let host = text.get(at + 1..end)?;
            let labels = host.split('.').filter(|label| !label.is_empty()).count();
            (start < at && labels >= 2 && host.split('.').all(|label| !label.is_empty()))
                .then_some((start, end))
        })
        .collect()
}

/// Particles follow an address without a blank in Japanese, Chinese and Korean.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}')
}

/// Equal, or equal but for a `+tag`.
fn is_same_mailbox(own: &str, other: &str) -> bool {
    let plain = |address: &str| {
        let (local, domain) = address.rsplit_once('@')?;
        Some((local.split('+').next()?.to_owned(), domain.to_owned()))
    };
    own == other || (plain(own).is_some() && plain(own) == plain(other))
}

/// Addresses that nobody reads.
fn is_nobody(address: &str) -> bool {
    let local = address.split('@').next().unwrap_or_default();
    ["noreply", "no-reply", "donotreply", "do-not-reply", "mailer-daemon", "postmaster"]
        .iter()
        .any(|known| local.starts_with(known))
}
