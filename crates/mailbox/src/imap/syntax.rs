//! IMAP's lexical grammar (RFC 9051 §9), read tolerantly: surplus blanks and odd atoms are common in the field
//! (Exchange's and Yahoo's trailing spaces, Coremail's capabilities), and must not cost a message.

use std::borrow::Cow;

use memchr::memchr3;

/// Walks through the bytes of one response, literals included.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

/// Lists nest no deeper than this; a response that does is garbage.
const MAX_DEPTH: u8 = 32;

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn advance(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(n.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// Skips blanks and line ends.
    pub(crate) fn blanks(&mut self) {
        let n = self.rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).count();
        self.advance(n);
    }

    /// Takes `byte` if it stands next.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        if here {
            self.advance(1);
        }
        here
    }

    /// A run of bytes that are no delimiter; empty at a delimiter.
    pub(crate) fn atom(&mut self) -> &'a [u8] {
        let n =
            self.rest.iter().take_while(|b| !matches!(b, b' ' | b'(' | b')' | b'"' | b'\r' | b'\n')).count();
        self.advance(n)
    }

    /// A decimal number; `None` (and nothing taken) when none stands here or it doesn't fit.
    pub(crate) fn number(&mut self) -> Option<u64> {
        let n = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let value = ascii(self.rest.get(..n)?).parse().ok()?;
        self.advance(n);
        Some(value)
    }

    /// An item name of FETCH: an atom that may hold a bracketed section with blanks, `BODY[HEADER.FIELDS (A B)]<0>`.
    pub(crate) fn item_name(&mut self) -> &'a [u8] {
        let (mut depth, mut quoted, mut n) = (0_u8, false, 0);
        while let Some(b) = self.rest.get(n) {
            match b {
                b'[' if depth == 0 => {
                    // The names of all fields asked for stand in it, message for message.
                    let inside = self.rest.get(n + 1..).unwrap_or_default();
                    match memchr3(b'[', b']', b'"', inside) {
                        Some(end) if inside.get(end) == Some(&b']') => n += end + 1,
                        _ => depth = 1,
                    }
                }
                b'"' if depth > 0 => quoted = !quoted,
                b'[' if !quoted => depth = depth.saturating_add(1),
                b']' if !quoted => depth = depth.saturating_sub(1),
                b' ' | b'(' | b')' | b'\r' | b'\n' if depth == 0 => break,
                _ => {}
            }
            n += 1;
        }
        self.advance(n)
    }

    /// NIL, an atom, a quoted string or a literal. `None` at anything else, or a literal cut short.
    pub(crate) fn string(&mut self) -> Option<Option<Cow<'a, [u8]>>> {
        match self.peek()? {
            b'"' => self.quoted().map(Some),
            b'{' => self.literal().map(|bytes| Some(Cow::Borrowed(bytes))),
            b'~' if self.rest.get(1) == Some(&b'{') => {
                self.advance(1);
                self.literal().map(|bytes| Some(Cow::Borrowed(bytes)))
            }
            _ => match self.atom() {
                b"" => None,
                atom if atom.eq_ignore_ascii_case(b"NIL") => Some(None),
                atom => Some(Some(Cow::Borrowed(atom))),
            },
        }
    }

    fn quoted(&mut self) -> Option<Cow<'a, [u8]>> {
        let body = self.rest.get(1..)?;
        let mut escaped = false;
        let mut end = None;
        for (i, b) in body.iter().enumerate() {
            match b {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    end = Some(i);
                    break;
                }
                b'\r' | b'\n' => return None,
                _ => {}
            }
        }
        let text = body.get(..end?)?;
        self.advance(end? + 2);
        if !text.contains(&b'\\') {
            return Some(Cow::Borrowed(text));
        }
        let mut plain = Vec::with_capacity(text.len());
        let mut bytes = text.iter();
        while let Some(b) = bytes.next() {
            let b = if *b == b'\\' { bytes.next().unwrap_or(b) } else { b };
            plain.push(*b);
        }
        Some(Cow::Owned(plain))
    }

    fn literal(&mut self) -> Option<&'a [u8]> {
        let line_end = self.rest.iter().position(|b| *b == b'\n')?;
        let announced = literal_length(self.rest.get(..=line_end)?)?;
        let announced = usize::try_from(announced).ok()?;
        let start = line_end + 1;
        let bytes = self.rest.get(start..start.checked_add(announced)?)?;
        self.advance(start + announced);
        Some(bytes)
    }

    /// Skips one value, lists included. `None` when the response ends within it.
    pub(crate) fn skip_value(&mut self) -> Option<()> {
        self.skip_nested(0)
    }

    fn skip_nested(&mut self, depth: u8) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        if !self.eat(b'(') {
            return self.string().map(|_| ());
        }
        loop {
            self.blanks();
            if self.eat(b')') {
                return Some(());
            }
            self.skip_nested(depth + 1)?;
        }
    }
}

/// The length in a literal's announcement that ends this line: `{12}`, `{12+}` or `~{12}`.
pub(crate) fn literal_length(line: &[u8]) -> Option<u64> {
    let line = line.trim_ascii_end().strip_suffix(b"}")?;
    let line = line.strip_suffix(b"+").unwrap_or(line);
    let digits = line.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (head, number) = line.split_at(line.len() - digits);
    if !head.ends_with(b"{") {
        return None;
    }
    ascii(number).parse().ok()
}

/// Bytes that the grammar says are ASCII; empty where they aren't.
pub(crate) fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(text: &str) -> Vec<Option<String>> {
        let mut reader = Reader::new(text.as_bytes());
        let mut found = Vec::new();
        loop {
            reader.blanks();
            match reader.string() {
                Some(s) => found.push(s.map(|s| String::from_utf8_lossy(&s).into_owned())),
                None => return found,
            }
        }
    }

    #[test]
    fn reads_every_sort_of_string() {
        let found = strings("atom \"quo\\\"ted\" NIL {5}\r\nab\r\nc \"\" ~{1}\r\nx");
        let expected = [Some("atom"), Some("quo\"ted"), None, Some("ab\r\nc"), Some(""), Some("x")];
        assert_eq!(found, expected.map(|s| s.map(str::to_owned)));
    }

    #[test]
    fn a_literal_longer_than_the_response_is_not_read() {
        assert_eq!(Reader::new(b"{5}\r\nabc").string(), None);
        assert_eq!(Reader::new(b"{99999999999999999999}\r\nabc").string(), None);
    }

    #[test]
    fn an_item_name_keeps_its_section() {
        let mut reader = Reader::new(b"BODY[HEADER.FIELDS (FROM \"X ]\")]<0> {1}\r\nx)");
        assert_eq!(reader.item_name(), b"BODY[HEADER.FIELDS (FROM \"X ]\")]<0>");
    }

    #[test]
    fn nested_lists_are_skipped_whole_and_a_bomb_is_refused() {
        let mut reader = Reader::new(b"(a (b \"c)\" (d)) {2}\r\n))) tail");
        assert!(reader.skip_value().is_some());
        assert_eq!(reader.rest(), b" tail");
        assert!(Reader::new("(".repeat(10_000).as_bytes()).skip_value().is_none());
    }

    #[test]
    fn a_literals_announcement_is_told_from_other_braces() {
        for (line, expected) in [
            ("* 1 FETCH (BODY[] {12}\r\n", Some(12)),
            ("A {12+}\r\n", Some(12)),
            ("A ~{3}\r\n", Some(3)),
            ("A {}\r\n", None),
            ("A 12}\r\n", None),
            ("A {x}\r\n", None),
            ("A {12} \r\n", Some(12)),
        ] {
            assert_eq!(literal_length(line.as_bytes()), expected, "{line:?}");
        }
    }
}
