//! What the server can do.

use std::collections::BTreeSet;

/// The server's capabilities, in upper case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Capabilities {
    words: BTreeSet<String>,
}

impl Capabilities {
    pub(crate) fn new(words: &[&str]) -> Self {
        Self { words: words.iter().map(|word| word.to_ascii_uppercase()).collect() }
    }

    /// Whether the server announced `word`, given in upper case.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.words.contains(word)
    }

    /// The number in a capability such as `MESSAGELIMIT=1000`; `name` without the sign.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
    }

    /// Whether literals up to 4,096 bytes may be sent without waiting (RFC 7888).
    pub(crate) fn sends_literals_at_once(&self) -> bool {
        self.has("LITERAL+") || self.has("LITERAL-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_found_in_any_case_and_with_their_number() {
        let capabilities = Capabilities::new(&["Idle", "MESSAGELIMIT=1000", "LITERAL-"]);
        assert!(capabilities.has("IDLE") && capabilities.sends_literals_at_once());
        assert_eq!(capabilities.number("MESSAGELIMIT"), Some(1000));
        assert_eq!(capabilities.number("MESSAGE"), None);
    }
}
