//! A text that must not be seen.

use std::fmt;

use zeroize::Zeroize;

/// A password or token: shown as `[secret]`, not serialisable, and overwritten in memory when it is dropped.
///
/// The only way to its text is [`Secret::expose`], so every use can be found by searching for that word.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The text itself, to hand to the server that asked for it and to nobody else.
    pub const fn expose(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it holds no text.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_way_of_printing_shows_the_text() {
        let secret = Secret::from("hunter2");
        for shown in [
            format!("{secret}"),
            format!("{secret:?}"),
            format!("{:#?}", Some(&secret)),
            format!("{secret:>40}"),
        ] {
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(shown.contains("[secret]"), "{shown}");
        }
        assert_eq!(secret.expose(), "hunter2");
    }
}
