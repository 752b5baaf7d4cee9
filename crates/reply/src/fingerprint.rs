//! What a text is recognised by when somebody quotes it: hashes of word sequences, which survive other line breaks,
//! quote marks and HTML.

use serde::{Deserialize, Serialize};

use crate::{kind, message::Message};

/// Words in a sequence: shorter ones are common phrases ("please let me know if you").
const WORDS: usize = 8;
/// Sequences kept of one text; the smallest hashes, which are a fair sample wherever in the text somebody quotes.
const KEPT: usize = 48;
/// Words looked at in one text.
const MAX_WORDS: usize = 60_000;

/// Hashes of word sequences of a send's text. It holds no text and none can be got back from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint(Box<[u32]>);

impl Fingerprint {
    /// The fingerprint of what a message's author wrote, without quotes and signature; `None` for texts of a few words.
    pub fn of(message: &Message) -> Option<Self> {
        let mut hashes: Vec<u32> = sequences(&kind::newly_written(message)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes.truncate(KEPT);
        (!hashes.is_empty()).then(|| Self(hashes.into()))
    }

    pub(crate) fn hashes(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().copied()
    }

    pub(crate) fn contains(&self, hash: u32) -> bool {
        self.0.binary_search(&hash).is_ok()
    }
}

/// The hashes of a text's word sequences, in order.
pub(crate) fn sequences(text: &str) -> impl Iterator<Item = u32> + '_ {
    let mut window = [0_u64; WORDS];
    let mut seen = 0_usize;
    words(text).take(MAX_WORDS).filter_map(move |word| {
        window.rotate_left(1);
        if let Some(last) = window.last_mut() {
            *last = word;
        }
        seen += 1;
        (seen >= WORDS).then(|| {
            let mixed = window.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, word| {
                (hash ^ word).wrapping_mul(PRIME).rotate_left(23)
            });
            fold(mixed)
        })
    })
}

const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;

/// Hashes of words: letters and digits in lower case; quote marks, tags' brackets and line breaks part them.
fn words(text: &str) -> impl Iterator<Item = u64> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(|word| {
        let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        if word.is_ascii() {
            word.bytes().fold(PRIME, |sum, byte| hash(sum, byte.to_ascii_lowercase()))
        } else {
            word.chars()
                .flat_map(char::to_lowercase)
                .fold(PRIME, |sum, c| c.encode_utf8(&mut [0; 4]).bytes().fold(sum, hash))
        }
    })
}

/// The upper half of a hash.
fn fold(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_text_is_recognised_in_other_line_breaks_and_behind_quote_marks() {
        let sent = "From: rep@sales.example\n\nYour arcade has the best high scores in town, and we would love to\nadd Space Paranoids to it before the winter season begins.\n";
        let fingerprint = Fingerprint::of(&Message::parse(sent.as_bytes())).unwrap();
        let quoted = "> Your arcade has the best high scores\n> in town, and we would love to add Space\n> Paranoids to it before the winter season begins.";
        assert!(sequences(quoted).filter(|hash| fingerprint.contains(*hash)).count() >= 5);
        let other = "Our town has the best arcade, and we would love to see the high scores before the season of Space Paranoids begins.";
        assert_eq!(sequences(other).filter(|hash| fingerprint.contains(*hash)).count(), 0);
        assert_eq!(Fingerprint::of(&Message::parse(b"From: a@b.example\n\nToo short to tell.")), None);
    }
}
