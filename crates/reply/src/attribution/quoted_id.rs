//! Rung 6: a known Message-ID or the send's own marker in the quoted text or in an attached original.

use crate::{
    MessageId, Rung,
    index::{Key, SendIndex},
    message::Message,
};

use super::{Hit, report};

/// Candidates looked up in one message: hostile text may hold nothing else.
const MAX_LOOKUPS: usize = 2000;
/// Markers are at least this long, so that words are none.
const MIN_MARKER: usize = 8;

/// The first send that the body names.
pub(super) fn find<'x>(message: &Message, sends: &'x SendIndex) -> Option<Hit<'x>> {
    in_originals(message, sends).or_else(|| {
        let mut lookups = MAX_LOOKUPS;
        message.body.texts.iter().find_map(|part| in_text(&part.text, sends, &mut lookups))
    })
}

fn in_originals<'x>(message: &Message, sends: &'x SendIndex) -> Option<Hit<'x>> {
    message.body.originals.iter().find_map(|original| {
        let marker = original.marker.as_deref().and_then(|marker| report::by_marker(marker, sends));
        marker.map(|hit| Hit { rung: Rung::QuotedId, ..hit }).or_else(|| {
            original.ids.iter().chain(original.references.iter().rev()).find_map(|id| by_id(id, sends))
        })
    })
}

fn by_id<'x>(id: &MessageId, sends: &'x SendIndex) -> Option<Hit<'x>> {
    let found: Vec<_> = sends.by_key(Key::Id(id.as_str())).collect();
    (!found.is_empty()).then(|| Hit { rung: Rung::QuotedId, value: id.to_string(), sends: found })
}

/// Words around an `@` may be ids; long words may be markers.
fn in_text<'x>(text: &str, sends: &'x SendIndex, lookups: &mut usize) -> Option<Hit<'x>> {
    let bytes = text.as_bytes();
    for at in memchr::memchr_iter(b'@', bytes) {
        if *lookups == 0 {
            return None;
        }
        let Some(id) = id_around(text, at) else { continue };
        *lookups -= 1;
        if let Some(hit) = by_id(&id, sends) {
            return Some(hit);
        }
    }
    if !sends.has_markers() {
        return None;
    }
    for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))) {
        let word = word.trim_matches('.');
        // A marker is no word: it holds a digit or an underscore.
        if word.len() < MIN_MARKER
            || word.len() > 128
            || !word.bytes().any(|byte| byte.is_ascii_digit() || byte == b'_')
        {
            continue;
        }
        if *lookups == 0 {
            return None;
        }
        *lookups -= 1;
        if let Some(hit) = report::by_marker(word, sends) {
            return Some(Hit { rung: Rung::QuotedId, ..hit });
        }
    }
    None
}

/// The id whose `@` stands at a place in a text, bounded by what no id contains.
fn id_around(text: &str, at: usize) -> Option<MessageId> {
    const LONGEST: usize = 250;
    let ends_id = |c: char| {
        c.is_whitespace() || matches!(c, '<' | '>' | '"' | '(' | ')' | ',' | ';' | '[' | ']' | '&' | '\'')
    };
    let before = text.get(text.floor_char_boundary(at.saturating_sub(LONGEST))..at)?;
    let after = text.get(at..text.floor_char_boundary((at + LONGEST).min(text.len())))?;
    let start = before.rfind(ends_id).map_or(0, |found| {
        found + before.get(found..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
    });
    let end = after.find(ends_id).unwrap_or(after.len());
    let local = before.get(start..)?;
    // "mid:", "Message-ID:", "message-id=" stick to ids in HTML and URLs.
    let local = local.rsplit([':', '/']).next().unwrap_or(local);
    let id = format!("{local}{}", after.get(..end)?.trim_end_matches(['.', ':', '!', '?']));
    MessageId::new(&id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_cut_out_of_text() {
        for (text, expected) in [
            ("Message-ID: <s1@sales.example>", "s1@sales.example"),
            ("message-id:s1@sales.example.", "s1@sales.example"),
            ("&lt;s1@sales.example&gt;", "s1@sales.example"),
            ("s1@sales.example", "s1@sales.example"),
            ("(s1+a=b@sales.example)", "s1+a=b@sales.example"),
            ("\u{fc}<é@x>", "é@x"),
        ] {
            let at = text.find('@').unwrap();
            let found = id_around(text, at).unwrap();
            let found = found.as_str().trim_start_matches("lt").trim_start_matches(';');
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
