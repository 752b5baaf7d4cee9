//! Tags of HTML: names, attributes, and what holds no markup. Every function passes over its input once.

use memchr::{memchr, memmem};

use super::markup::Attribute;

/// Attributes beyond this many, in one tag, are not looked at.
const MAX_ATTRIBUTES: usize = 32;

/// The element's name in lower case, its first ten bytes: no two elements of HTML that matter here share them.
pub(super) fn element_name(text: &str) -> [u8; 10] {
    let mut name = [0; 10];
    let letters = text.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-'));
    for (slot, byte) in name.iter_mut().zip(letters) {
        *slot = byte.to_ascii_lowercase();
    }
    name
}

pub(super) fn trimmed(name: &[u8; 10]) -> &[u8] {
    let length = name.iter().position(|b| *b == 0).unwrap_or(name.len());
    name.get(..length).unwrap_or_default()
}

/// What follows the byte at `end`; nothing where there is none.
pub(super) fn after(rest: &str, end: Option<usize>) -> &str {
    end.and_then(|end| rest.get(end + 1..)).unwrap_or_default()
}

/// A comment, a declaration or a conditional of Word (`<![if …]>`).
pub(super) fn skip_declaration(rest: &str) -> &str {
    if let Some(comment) = rest.strip_prefix("<!--") {
        // `<!-->` is a whole comment.
        if let Some(tail) = comment.strip_prefix('>') {
            return tail;
        }
        return memmem::find(comment.as_bytes(), b"-->")
            .and_then(|end| comment.get(end + 3..))
            .unwrap_or_default();
    }
    after(rest, memchr(b'>', rest.as_bytes()))
}

/// What follows the end tag of an element whose content is no markup; nothing where it has none.
pub(super) fn skip_element<'a>(mut rest: &'a str, name: &str) -> &'a str {
    while let Some(at) = memmem::find(rest.as_bytes(), b"</") {
        rest = rest.get(at + 2..).unwrap_or_default();
        if rest.get(..name.len()).is_some_and(|n| n.eq_ignore_ascii_case(name)) {
            return after(rest, memchr(b'>', rest.as_bytes()));
        }
    }
    ""
}

/// The attributes of the start tag that `rest` begins with, and what follows the tag.
pub(super) fn attributes(rest: &str) -> (Vec<Attribute<'_>>, &str) {
    let bytes = rest.as_bytes();
    let mut attributes = Vec::new();
    let mut at = 1 + bytes
        .iter()
        .skip(1)
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-'))
        .count();
    loop {
        at += count(bytes, at, |b| b.is_ascii_whitespace() || b == b'/');
        match bytes.get(at) {
            None => return (attributes, ""),
            Some(b'>') => return (attributes, rest.get(at + 1..).unwrap_or_default()),
            _ => {}
        }
        let name_at = at;
        // At least one byte, so that a stray sign of equality is passed.
        at += 1 + count(bytes, at + 1, |b| !b.is_ascii_whitespace() && !matches!(b, b'=' | b'>' | b'/'));
        let name = rest.get(name_at..at).unwrap_or_default();
        let gap = count(bytes, at, |b| b.is_ascii_whitespace());
        let mut value = "";
        if bytes.get(at + gap) == Some(&b'=') {
            at += gap + 1;
            at += count(bytes, at, |b| b.is_ascii_whitespace());
            match bytes.get(at) {
                Some(&quote @ (b'"' | b'\'')) => {
                    let inner = rest.get(at + 1..).unwrap_or_default();
                    let Some(end) = memchr(quote, inner.as_bytes()) else {
                        // The quote never ends: the tag ends at its bracket, as if there were no quote.
                        return (attributes, after(inner, memchr(b'>', inner.as_bytes())));
                    };
                    value = inner.get(..end).unwrap_or_default();
                    at += end + 2;
                }
                _ => {
                    let end = count(bytes, at, |b| !b.is_ascii_whitespace() && b != b'>');
                    value = rest.get(at..at + end).unwrap_or_default();
                    at += end;
                }
            }
        }
        if attributes.len() < MAX_ATTRIBUTES {
            attributes.push(Attribute { name, value });
        }
    }
}

fn count(bytes: &[u8], at: usize, wanted: impl Fn(u8) -> bool) -> usize {
    bytes.get(at..).unwrap_or_default().iter().take_while(|b| wanted(**b)).count()
}
