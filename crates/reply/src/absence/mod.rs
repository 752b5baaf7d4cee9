//! Out-of-office mail: whether a message is one, when its author is back, and whom to write to meanwhile.

mod contact;
mod expression;
mod returns;
mod signal;
mod words;

pub use contact::alternative_contact;
pub use returns::{returns_on, returns_on_apple};
pub use signal::{Signal, Strength, signal};

/// Out-of-office mail is short; what stands further down is not looked at.
const MAX_TEXT: usize = 8 * 1024;

fn head(text: &str) -> &str {
    let mut end = MAX_TEXT.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests;
