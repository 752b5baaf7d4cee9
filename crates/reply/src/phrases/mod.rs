//! What products and people write, by language: the files in `phrases/`, and how they are found in text.

mod acknowledgement;
mod fold;
mod matcher;
mod receipt;
mod subject;
mod table;

pub use acknowledgement::{acknowledgement_subject, acknowledgement_text};
pub(crate) use fold::fold;
pub(crate) use matcher::{Found, Matcher};
pub(crate) use receipt::read_receipt;
pub use subject::normalise_subject;
pub(crate) use subject::{is_answer, without_answers};
pub(crate) use table::tables;

/// A phrase of the language files that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Phrase {
    /// As it stands in the language file.
    pub text: &'static str,
    /// The file's language (ISO 639-1).
    pub language: &'static str,
}

/// A matcher for some sections of all languages, each with its tag.
pub(crate) fn matcher<T: Copy>(sections: &'static [(T, &'static str)]) -> Matcher<T> {
    Matcher::new(tables().iter().flat_map(|table| {
        sections.iter().flat_map(move |&(tag, section)| {
            table.phrases(section).map(move |text| (tag, table.language, text))
        })
    }))
}
