//! Addresses as mailboxes contain them (RFC 5322 §3.4 and its many misspellings).

use super::encoded_word::decode_text;

/// A recipient list is read up to this many addresses.
const MAX_ADDRESSES: usize = 500;

/// A display name and an address in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mailbox {
    pub name: Option<String>,
    pub address: String,
}

/// The mailboxes of a From, To or Cc value. Groups give their members; entries without an address are left out.
pub(crate) fn parse_mailboxes(raw: &[u8]) -> Vec<Mailbox> {
    let mut mailboxes = Vec::new();
    let mut entry = Entry::default();
    let mut state = State::Plain;
    let mut escaped = false;
    for &byte in raw {
        if escaped {
            escaped = false;
            entry.push(state, byte);
            continue;
        }
        match (state, byte) {
            (State::Quoted | State::Comment(_), b'\\') => escaped = true,
            (State::Quoted, b'"') => state = State::Plain,
            (State::Comment(depth), b')') => {
                state = if depth <= 1 { State::Plain } else { State::Comment(depth - 1) };
            }
            (State::Comment(depth), b'(') => state = State::Comment(depth.saturating_add(1)),
            (State::Angle, b'>') => state = State::Plain,
            (State::Plain, b'"') => state = State::Quoted,
            (State::Plain, b'(') => state = State::Comment(1),
            (State::Plain, b'<') => {
                state = State::Angle;
                entry.angle.clear();
                entry.has_angle = true;
            }
            (State::Plain, b',' | b';') => {
                if entry.is_fragment() && byte == b',' {
                    // "Flynn, Kevin <kevin@…>" without quotes: one mailbox.
                    entry.push(state, b',');
                } else {
                    entry.finish(&mut mailboxes);
                    if mailboxes.len() >= MAX_ADDRESSES {
                        return mailboxes;
                    }
                }
            }
            // A group's name (RFC 5322 §3.4); "mailto:" misused as a prefix ends here too.
            (State::Plain, b':') => entry = Entry::default(),
            _ => entry.push(state, byte),
        }
    }
    entry.finish(&mut mailboxes);
    mailboxes
}

/// The address between angle brackets, else the bare one, in lower case; empty for `<>`.
pub(crate) fn parse_path(raw: &[u8]) -> String {
    let inner = match memchr::memchr(b'<', raw) {
        Some(open) => {
            let from = raw.get(open + 1..).unwrap_or_default();
            from.get(..memchr::memchr(b'>', from).unwrap_or(from.len())).unwrap_or_default()
        }
        None => raw.split(u8::is_ascii_whitespace).find(|token| token.contains(&b'@')).unwrap_or_default(),
    };
    clean_address(inner)
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Plain,
    Quoted,
    Comment(u8),
    Angle,
}

#[derive(Default)]
struct Entry {
    plain: Vec<u8>,
    comment: Vec<u8>,
    angle: Vec<u8>,
    has_angle: bool,
}

impl Entry {
    fn push(&mut self, state: State, byte: u8) {
        match state {
            State::Plain | State::Quoted => self.plain.push(byte),
            State::Comment(_) => self.comment.push(byte),
            State::Angle => self.angle.push(byte),
        }
    }

    fn is_fragment(&self) -> bool {
        !self.has_angle && !self.plain.contains(&b'@') && !self.plain.trim_ascii().is_empty()
    }

    fn finish(&mut self, into: &mut Vec<Mailbox>) {
        let entry = std::mem::take(self);
        let plain = entry.plain.trim_ascii();
        let mailbox = if entry.has_angle {
            Mailbox { name: display_name(plain, &entry.comment), address: clean_address(&entry.angle) }
        } else {
            Mailbox { name: display_name(&[], &entry.comment), address: clean_address(plain) }
        };
        if mailbox.address.contains('@') {
            into.push(mailbox);
        } else if plain.starts_with(b"=?") {
            // Some senders encode the whole mailbox, address and all.
            let decoded = decode_text(plain);
            if !decoded.starts_with("=?") && decoded.contains('@') {
                into.extend(parse_mailboxes(decoded.as_bytes()).into_iter().next());
            }
        }
    }
}

fn display_name(name: &[u8], comment: &[u8]) -> Option<String> {
    let raw = if name.trim_ascii().is_empty() { comment } else { name };
    let text = decode_text(raw);
    let name = text.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'');
    (!name.is_empty()).then(|| name.to_owned())
}

/// Without blanks and stray brackets, in lower case.
fn clean_address(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\'' | ','));
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_uppercase() || byte.is_ascii_whitespace()) {
        return text.to_owned();
    }
    text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(raw: &str) -> Vec<(Option<String>, String)> {
        parse_mailboxes(raw.as_bytes()).into_iter().map(|m| (m.name, m.address)).collect()
    }

    #[test]
    fn mailboxes_are_found_however_they_are_written() {
        for (raw, expected) in [
            ("Kevin Flynn <KevinF@FlynnsArcade.com>", &[("Kevin Flynn", "kevinf@flynnsarcade.com")][..]),
            ("kevinf@flynnsarcade.com (Kevin Flynn)", &[("Kevin Flynn", "kevinf@flynnsarcade.com")]),
            (
                "\"Flynn, Kevin\" <k@a.example>, alan@encom.com",
                &[("Flynn, Kevin", "k@a.example"), ("", "alan@encom.com")],
            ),
            ("Flynn, Kevin <k@a.example>", &[("Flynn, Kevin", "k@a.example")]),
            ("=?utf-8?q?Ren=C3=A9?= <r@a.example>", &[("René", "r@a.example")]),
            ("=?utf-8?q?Ren=C3=A9_=3Cr=40a=2Eexample=3E?=", &[("René", "r@a.example")]),
            ("'k@a.example' <k@a.example>", &[("k@a.example", "k@a.example")]),
            ("undisclosed-recipients:;", &[]),
            (
                "Friends: a@x.example, B <b@x.example>;, c@x.example",
                &[("", "a@x.example"), ("B", "b@x.example"), ("", "c@x.example")],
            ),
            ("a@x.example; b@x.example", &[("", "a@x.example"), ("", "b@x.example")]),
            ("nobody", &[]),
            ("", &[]),
            ("\"unclosed <a@x.example>", &[("", "unclosed<a@x.example")]),
        ] {
            let expected: Vec<_> = expected
                .iter()
                .map(|(name, address)| {
                    ((!name.is_empty()).then(|| (*name).to_owned()), (*address).to_owned())
                })
                .collect();
            assert_eq!(parsed(raw), expected, "{raw:?}");
        }
    }

    #[test]
    fn a_return_path_may_be_null() {
        assert_eq!(parse_path(b"<>"), "");
        assert_eq!(parse_path(b" <Bounce@X.example> "), "bounce@x.example");
        assert_eq!(parse_path(b"bounce@x.example"), "bounce@x.example");
    }
}
