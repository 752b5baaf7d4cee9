//! SEARCH.

use anyhow::{Result, bail};
use chrono::NaiveDate;
use imap_types::search::SearchKey;
use jiff::Timestamp;

use super::fetch::header_value;
use super::folder::StoredMessage;
use super::sequence::Ranges;

/// A message as SEARCH sees it.
pub(super) struct Candidate<'a> {
    pub(super) seq: u32,
    pub(super) uid: u32,
    pub(super) last_seq: u32,
    pub(super) last_uid: u32,
    pub(super) message: &'a StoredMessage,
}

/// Whether a message meets the criteria.
///
/// # Errors
/// For criteria that this server doesn't have.
pub(super) fn matches(key: &SearchKey<'_>, candidate: &Candidate<'_>) -> Result<bool> {
    let message = candidate.message;
    let flag = |name: &str| message.flags.contains(name);
    let header = |name: &str, text: &[u8]| {
        header_value(&message.raw, name).is_some_and(|value| contains(value.as_bytes(), text))
    };
    Ok(match key {
        SearchKey::And(keys) => {
            for key in keys.as_ref() {
                if !matches(key, candidate)? {
                    return Ok(false);
                }
            }
            true
        }
        SearchKey::Or(one, other) => matches(one, candidate)? || matches(other, candidate)?,
        SearchKey::Not(key) => !matches(key, candidate)?,
        SearchKey::All | SearchKey::Old => true,
        SearchKey::New | SearchKey::Recent => false,
        SearchKey::SequenceSet(set) => Ranges::new(set, candidate.last_seq).contains(candidate.seq),
        SearchKey::Uid(set) => Ranges::new(set, candidate.last_uid).contains(candidate.uid),
        SearchKey::Since(day) => received_on(message) >= *day.as_ref(),
        SearchKey::Before(day) => received_on(message) < *day.as_ref(),
        SearchKey::On(day) => received_on(message) == *day.as_ref(),
        SearchKey::Larger(size) => message.raw.len() > usize::try_from(*size)?,
        SearchKey::Smaller(size) => message.raw.len() < usize::try_from(*size)?,
        SearchKey::Seen => flag("\\Seen"),
        SearchKey::Unseen => !flag("\\Seen"),
        SearchKey::Answered => flag("\\Answered"),
        SearchKey::Unanswered => !flag("\\Answered"),
        SearchKey::Deleted => flag("\\Deleted"),
        SearchKey::Undeleted => !flag("\\Deleted"),
        SearchKey::Flagged => flag("\\Flagged"),
        SearchKey::Unflagged => !flag("\\Flagged"),
        SearchKey::Draft => flag("\\Draft"),
        SearchKey::Undraft => !flag("\\Draft"),
        SearchKey::Keyword(name) => flag(name.as_ref()),
        SearchKey::Unkeyword(name) => !flag(name.as_ref()),
        SearchKey::Header(name, text) => header(&String::from_utf8_lossy(name.as_ref()), text.as_ref()),
        SearchKey::From(text) => header("From", text.as_ref()),
        SearchKey::To(text) => header("To", text.as_ref()),
        SearchKey::Cc(text) => header("Cc", text.as_ref()),
        SearchKey::Bcc(text) => header("Bcc", text.as_ref()),
        SearchKey::Subject(text) => header("Subject", text.as_ref()),
        SearchKey::Text(text) | SearchKey::Body(text) => contains(&message.raw, text.as_ref()),
        SearchKey::ModSequence { modseq, .. } => message.modseq >= *modseq,
        other => bail!("This server can't search by {other:?}"),
    })
}

fn received_on(message: &StoredMessage) -> NaiveDate {
    day(message.received_at)
}

fn day(time: Timestamp) -> NaiveDate {
    chrono::DateTime::from_timestamp(time.as_second(), 0).map(|utc| utc.date_naive()).unwrap_or_default()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || haystack.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle))
}
