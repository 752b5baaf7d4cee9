//! The language files, read once.

use std::collections::HashMap;
use std::sync::LazyLock;

/// One language's lists, by the name of their section.
pub(crate) struct Table {
    /// ISO 639-1.
    pub language: &'static str,
    sections: HashMap<&'static str, Vec<Vec<&'static str>>>,
}

impl Table {
    fn parse(language: &'static str, file: &'static str) -> Self {
        let mut sections: HashMap<&'static str, Vec<Vec<&'static str>>> = HashMap::new();
        let mut current = "";
        for line in file.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                Some(name) if SECTIONS.contains(&name) => {
                    current = name;
                    sections.entry(current).or_default();
                }
                _ => {
                    let phrases = line.split(" | ").map(str::trim).filter(|phrase| !phrase.is_empty());
                    sections.entry(current).or_default().push(phrases.collect());
                }
            }
        }
        Self { language, sections }
    }

    /// The lines of a section, each a list of alternatives.
    pub fn lines(&self, section: &str) -> &[Vec<&'static str>] {
        self.sections.get(section).map_or(&[], Vec::as_slice)
    }

    /// All phrases of a section.
    pub fn phrases(&self, section: &str) -> impl Iterator<Item = &'static str> {
        self.lines(section).iter().flatten().copied()
    }
}

/// Every section that a file may hold.
const SECTIONS: &[&str] = &[
    "order",
    "reply",
    "forward",
    "from",
    "sent",
    "to",
    "cc",
    "subject",
    "wrote",
    "opener",
    "original",
    "sent-from",
    "valediction",
    "thanks",
    "disclaimer",
    "banner",
    "absence-subject",
    "absence-topic",
    "absence",
    "absence-weak",
    "acknowledgement-subject",
    "acknowledgement",
    "receipt-subject",
    "receipt",
    "contact",
    "contact-not",
    "opt-out",
    "opt-out-alone",
    "opt-out-not",
    "negation",
    "months",
    "weekdays",
    "back",
    "back-after",
    "until",
    "until-after",
    "through",
    "through-after",
    "from-date",
    "to-date",
    "next",
    "this",
    "tomorrow",
    "in",
    "day",
    "week",
    "numbers",
];

macro_rules! languages {
    ($($code:literal),*) => {
        vec![$(Table::parse($code, include_str!(concat!("../../phrases/", $code, ".txt")))),*]
    };
}

static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| {
    languages![
        "en", "es", "fr", "de", "pt", "it", "nl", "sv", "da", "no", "fi", "pl", "cs", "tr", "ru", "ja", "zh",
        "ko"
    ]
});

/// All languages.
pub(crate) fn tables() -> &'static [Table] {
    &TABLES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_section_and_nothing_outside_one() {
        assert_eq!(tables().len(), 18);
        for table in tables() {
            for section in SECTIONS {
                assert!(table.sections.contains_key(section), "{} lacks [{section}]", table.language);
            }
            assert!(!table.sections.contains_key(""), "{} has a phrase outside a section", table.language);
            assert_eq!(table.lines("months").len(), 12, "{}", table.language);
            assert_eq!(table.lines("weekdays").len(), 7, "{}", table.language);
            for section in [
                "reply",
                "from",
                "sent",
                "to",
                "subject",
                "original",
                "sent-from",
                "disclaimer",
                "absence",
                "opt-out",
                "contact",
                "contact-not",
            ] {
                assert!(table.phrases(section).count() > 0, "{} [{section}] is empty", table.language);
            }
        }
    }

    #[test]
    fn no_phrase_is_a_misspelt_section_heading() {
        for table in tables() {
            for (section, lines) in &table.sections {
                for phrase in lines.iter().flatten() {
                    let heading = phrase.starts_with('[') && phrase.ends_with(']') && !phrase.contains(' ');
                    assert!(
                        !heading || *phrase == "[external]" || *phrase == "[autoreply]",
                        "{} [{section}]: {phrase}",
                        table.language
                    );
                }
            }
        }
    }
}
