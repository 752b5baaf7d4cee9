//! Message-IDs and how they compare.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

/// A Message-ID: compared without blanks and angle brackets and with the domain in any case, shown as it was written.
///
/// The left part is case sensitive and the domain is not (RFC 5322 §3.6.4 with RFC 1035 §2.3.3). An id without
/// an `@` is kept as it is: some senders write such ids and their answers refer to them.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(from = "String", into = "String")]
#[cfg_attr(feature = "schema", schema(value_type = String, example = "<s1@sales.example>"))]
pub struct MessageId(Spelling);

#[derive(Clone)]
struct Spelling {
    /// What compares: the domain in lower case.
    normal: Box<str>,
    /// Where it differs, what was written.
    written: Option<Box<str>>,
}

impl MessageId {
    /// Takes an id with or without angle brackets. An empty one gives `None`.
    pub fn new(raw: &str) -> Option<Self> {
        let id = Self::normalise(raw);
        if id.as_str().is_empty() { None } else { Some(id) }
    }

    /// The id in the form that compares, without angle brackets.
    pub fn as_str(&self) -> &str {
        &self.0.normal
    }

    fn normalise(raw: &str) -> Self {
        let trimmed = raw.trim_matches(|c: char| c.is_whitespace() || c == '<' || c == '>');
        match trimmed.rsplit_once('@') {
            Some((left, domain)) if domain.bytes().any(|b| b.is_ascii_uppercase()) => Self(Spelling {
                normal: format!("{left}@{}", domain.to_ascii_lowercase()).into(),
                written: Some(trimmed.into()),
            }),
            _ => Self(Spelling { normal: trimmed.into(), written: None }),
        }
    }
}

impl PartialEq for MessageId {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for MessageId {}

impl Hash for MessageId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialOrd for MessageId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MessageId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl From<String> for MessageId {
    fn from(raw: String) -> Self {
        Self::normalise(&raw)
    }
}

impl From<MessageId> for String {
    fn from(id: MessageId) -> Self {
        id.to_string()
    }
}

/// With angle brackets, as it was written.
impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0.written.as_ref().unwrap_or(&self.0.normal))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_compare_without_brackets_and_with_the_domain_in_any_case() {
        let id = MessageId::new(" <S1.aB@Sales.EXAMPLE> ").unwrap();
        assert_eq!(id, MessageId::new("S1.aB@sales.example").unwrap());
        assert_ne!(id, MessageId::new("s1.ab@sales.example").unwrap());
        assert_eq!(id.to_string(), "<S1.aB@Sales.EXAMPLE>", "it is shown as it was written");
        assert_eq!(id.as_str(), "S1.aB@sales.example");
        assert_eq!(MessageId::new(" <> "), None);
    }
}
