//! Lines of a body on their way to the newly written text.

use std::borrow::Cow;

use crate::phrases::fold;

/// What is known of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// The author's, as far as is known.
    Own,
    /// Quoted by `>` or by markup.
    Quoted,
    /// Introduces a quote.
    Intro,
    /// In an element that a client marks as the signature.
    Signature,
    /// Here begins, in an element that a client marks so, the message that is answered; it has no end.
    Rest,
    /// Left out for another reason.
    Dropped,
}

/// One line, without its line break and its quote marks.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    pub text: Cow<'a, str>,
    pub mark: Mark,
}

impl<'a> Line<'a> {
    pub fn new(text: impl Into<Cow<'a, str>>, mark: Mark) -> Self {
        Self { text: text.into(), mark }
    }

    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    pub fn is_own(&self) -> bool {
        self.mark == Mark::Own
    }

    /// Folded, and without the asterisks by which clients show bold text in text/plain.
    pub fn folded(&self) -> String {
        let folded = fold(self.text.trim());
        if folded.contains('*') { folded.replace('*', "") } else { folded }
    }

    /// Only punctuation: a rule that parts things (`____`, `-----`, `* * *`).
    pub fn is_rule(&self) -> bool {
        let text = self.text.trim();
        text.len() >= 2
            && text.chars().all(|c| {
                matches!(
                    c,
                    '_' | '-'
                        | '='
                        | '*'
                        | '~'
                        | '#'
                        | '+'
                        | ' '
                        | '—'
                        | '–'
                        | '─'
                        | '━'
                        | '═'
                        | '\u{ad}'
                        | '.'
                )
            })
            && !text.chars().all(|c| c == '.')
    }
}
