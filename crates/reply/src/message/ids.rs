//! Message-IDs in header values.

use memchr::memchr;

use crate::MessageId;

/// Ids kept of one message: the nearest and the oldest of a thread matter, and a hostile field must not grow.
const MAX_IDS: usize = 500;
/// Longer ids are no ids (RFC 5322 §2.1.1: a line has at most 998 characters).
const LONGEST: usize = 998;

/// Appends every id in an In-Reply-To or References value.
///
/// Ids stand in angle brackets; old mailers put phrases around them ("Your message of …"), and some write ids
/// without brackets, so that bare words count where no bracket does.
pub(crate) fn parse_into(raw: &[u8], ids: &mut Vec<MessageId>) {
    let before = ids.len();
    let mut rest = raw;
    while let Some(open) = memchr(b'<', rest) {
        let from = rest.get(open + 1..).unwrap_or_default();
        let Some(close) = memchr(b'>', from) else { break };
        let inner = from.get(..close).unwrap_or_default();
        // "<a <b@c>": the innermost bracket opens the id.
        let inner = memchr::memrchr(b'<', inner).map_or(inner, |at| inner.get(at + 1..).unwrap_or_default());
        push(inner, ids);
        rest = from.get(close + 1..).unwrap_or_default();
    }
    if ids.len() == before {
        for word in raw.split(|byte| byte.is_ascii_whitespace() || *byte == b',') {
            if word.contains(&b'@') {
                push(word, ids);
            }
        }
    }
}

/// The id of a Message-ID value.
pub(crate) fn parse_one(raw: &[u8]) -> Option<MessageId> {
    let mut ids = Vec::new();
    parse_into(raw, &mut ids);
    // An id without "@" and brackets is no id by the standard, but answers refer to it all the same.
    ids.into_iter().next().or_else(|| {
        let text = String::from_utf8_lossy(raw.get(..LONGEST).unwrap_or(raw));
        MessageId::new(text.split_whitespace().next()?)
    })
}

fn push(raw: &[u8], ids: &mut Vec<MessageId>) {
    if raw.len() > LONGEST || ids.len() >= MAX_IDS {
        return;
    }
    let text = String::from_utf8_lossy(raw);
    // Folding may have broken an id in two.
    let id = if text.contains(char::is_whitespace) {
        MessageId::new(&text.split_whitespace().collect::<String>())
    } else {
        MessageId::new(&text)
    };
    ids.extend(id);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_what_mailers_write() {
        for (raw, expected) in [
            ("<a@x> <b@y>", &["a@x", "b@y"][..]),
            ("<a@x><b@y>\r\n\t<c@z>", &["a@x", "b@y", "c@z"]),
            ("Your message of \"Thu, 19 Nov\" <a@x>", &["a@x"]),
            ("a@x", &["a@x"]),
            ("<broken\r\n @x>", &["broken@x"]),
            ("<a <b@y>", &["b@y"]),
            ("<>", &[]),
            ("no id", &[]),
            ("", &[]),
        ] {
            let mut ids = Vec::new();
            parse_into(raw.as_bytes(), &mut ids);
            assert_eq!(ids.iter().map(MessageId::as_str).collect::<Vec<_>>(), expected, "{raw:?}");
        }
    }

    #[test]
    fn an_own_id_may_lack_brackets_and_at_sign() {
        assert_eq!(parse_one(b"plain-id").unwrap().as_str(), "plain-id");
        assert_eq!(parse_one(b" <a@X.Example> (comment)").unwrap().as_str(), "a@x.example");
        assert_eq!(parse_one(b""), None);
    }

    #[test]
    fn the_number_of_ids_is_bounded() {
        let mut ids = Vec::new();
        parse_into(&b"<a@b>".repeat(100_000), &mut ids);
        assert_eq!(ids.len(), MAX_IDS);
    }
}
