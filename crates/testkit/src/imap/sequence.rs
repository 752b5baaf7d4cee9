//! Sequence sets, resolved against what is there.

use imap_types::sequence::{SeqOrUid, Sequence, SequenceSet};

/// The ranges of a set, `*` being `largest`. A range is the same either way round (RFC 3501 §9, seq-range), so
/// `559:*` always holds the last message.
pub(super) struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    pub(super) fn new(set: &SequenceSet, largest: u32) -> Self {
        let value = |at: &SeqOrUid| match at {
            SeqOrUid::Value(value) => value.get(),
            SeqOrUid::Asterisk => largest,
        };
        let range = |sequence: &Sequence| match sequence {
            Sequence::Single(one) => (value(one), value(one)),
            Sequence::Range(from, to) => (value(from).min(value(to)), value(from).max(value(to))),
        };
        Self(set.0.as_ref().iter().map(range).collect())
    }

    pub(super) fn contains(&self, number: u32) -> bool {
        self.0.iter().any(|(from, to)| (*from..=*to).contains(&number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_the_last_message_and_ranges_have_no_direction() {
        for (set, largest, inside, outside) in [
            ("1:*", 5, vec![1, 5], vec![6]),
            ("559:*", 5, vec![5, 559], vec![4]),
            ("4:2,9", 9, vec![2, 3, 4, 9], vec![1, 5]),
            ("*", 7, vec![7], vec![6]),
        ] {
            let ranges = Ranges::new(&set.parse().unwrap(), largest);
            assert!(inside.iter().all(|number| ranges.contains(*number)), "{set}");
            assert!(!outside.iter().any(|number| ranges.contains(*number)), "{set}");
        }
    }
}
