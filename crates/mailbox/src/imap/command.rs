//! Commands as bytes.

use zeroize::Zeroizing;

/// A command without its tag, in pieces: after each but the last comes a literal.
pub(crate) struct Command {
    /// Its first word, for error texts and logs: arguments may be secret.
    pub(crate) name: &'static str,
    pub(crate) parts: Vec<Part>,
}

/// A piece of a command.
pub(crate) enum Part {
    /// Sent as it is.
    Text(Zeroizing<Vec<u8>>),
    /// Sent as a literal.
    Literal(Zeroizing<Vec<u8>>),
}

impl Command {
    pub(crate) fn new(name: &'static str) -> Self {
        let text = Zeroizing::new(name.as_bytes().to_vec());
        Self { name, parts: vec![Part::Text(text)] }
    }

    /// Adds a blank and `text` as it is.
    pub(crate) fn word(self, text: &str) -> Self {
        self.raw(b" ").raw(text.as_bytes())
    }

    /// Adds a blank and a string, quoted where that can be, else as a literal.
    pub(crate) fn string(self, bytes: &[u8]) -> Self {
        let plain = bytes.len() <= 500 && bytes.iter().all(|b| matches!(b, b' '..=b'~'));
        if !plain {
            let mut command = self.raw(b" ");
            command.parts.push(Part::Literal(Zeroizing::new(bytes.to_vec())));
            return command;
        }
        let mut quoted = Zeroizing::new(Vec::with_capacity(bytes.len() * 2 + 3));
        quoted.extend_from_slice(b" \"");
        for b in bytes {
            if matches!(b, b'"' | b'\\') {
                quoted.push(b'\\');
            }
            quoted.push(*b);
        }
        quoted.push(b'"');
        self.raw(&quoted)
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        match self.parts.last_mut() {
            Some(Part::Text(text)) => text.extend_from_slice(bytes),
            _ => self.parts.push(Part::Text(Zeroizing::new(bytes.to_vec()))),
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(command: &Command) -> String {
        let parts = command.parts.iter().map(|part| match part {
            Part::Text(text) => String::from_utf8_lossy(text).into_owned(),
            Part::Literal(bytes) => format!("<{}>", String::from_utf8_lossy(bytes)),
        });
        parts.collect()
    }

    #[test]
    fn strings_are_quoted_or_sent_as_literals() {
        for (bytes, expected) in [
            ("INBOX", "EXAMINE \"INBOX\""),
            ("a \"b\" \\", "EXAMINE \"a \\\"b\\\" \\\\\""),
            ("Entwürfe", "EXAMINE <Entwürfe>"),
            ("x\r\nA1 LOGOUT", "EXAMINE <x\r\nA1 LOGOUT>"),
            ("", "EXAMINE \"\""),
        ] {
            assert_eq!(text(&Command::new("EXAMINE").string(bytes.as_bytes())), expected);
        }
    }
}
