//! Sets of UIDs as closed ranges.

use std::fmt;

/// UIDs in ascending, disjoint closed ranges. Never holds 0, which is no UID.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UidSet {
    ranges: Vec<(u32, u32)>,
}

/// RFC 7162 §4 asks clients for lines below 8,192 bytes; older servers stop at 1,000 (RFC 2683 §3.2.1.5).
const MAX_TEXT: usize = 900;

impl UidSet {
    /// From `first` to `last`, both included; empty when there is none.
    pub(crate) fn range(first: u32, last: u32) -> Self {
        let first = first.max(1);
        Self { ranges: if first <= last { vec![(first, last)] } else { Vec::new() } }
    }

    /// From UIDs in any order.
    pub(crate) fn from_uids(mut uids: Vec<u32>) -> Self {
        uids.sort_unstable();
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for uid in uids {
            match ranges.last_mut() {
                _ if uid == 0 => {}
                Some((_, last)) if uid <= *last => {}
                Some((_, last)) if uid == *last + 1 => *last = uid,
                _ => ranges.push((uid, uid)),
            }
        }
        Self { ranges }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many UIDs.
    pub(crate) fn len(&self) -> u64 {
        self.ranges.iter().map(|(first, last)| u64::from(last - first) + 1).sum()
    }

    pub(crate) fn first(&self) -> Option<u32> {
        self.ranges.first().map(|(first, _)| *first)
    }

    pub(crate) fn last(&self) -> Option<u32> {
        self.ranges.last().map(|(_, last)| *last)
    }

    pub(crate) fn contains(&self, uid: u32) -> bool {
        let i = self.ranges.partition_point(|(_, last)| *last < uid);
        self.ranges.get(i).is_some_and(|(first, _)| *first <= uid)
    }

    pub(crate) fn uids(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// Only those from `first` to `last`.
    pub(crate) fn clamp(&self, first: u32, last: u32) -> Self {
        let ranges = self.ranges.iter().map(|(a, b)| ((*a).max(first), (*b).min(last)));
        Self { ranges: ranges.filter(|(a, b)| a <= b).collect() }
    }

    /// Takes away and returns the lowest UIDs: at most `max`, and no more ranges than fit in one command.
    pub(crate) fn take_lowest(&mut self, max: u32) -> Self {
        self.take(max, false)
    }

    /// Takes away and returns the highest UIDs, under the same limits.
    pub(crate) fn take_highest(&mut self, max: u32) -> Self {
        self.take(max, true)
    }

    fn take(&mut self, max: u32, from_end: bool) -> Self {
        // A range is at most "4294967295:4294967295," long.
        let most_ranges = MAX_TEXT / 22;
        let (mut taken, mut left) = (Vec::new(), max);
        if from_end {
            while left > 0 && taken.len() < most_ranges {
                let Some((first, last)) = self.ranges.pop() else { break };
                let start = first.max(last.saturating_sub(left - 1));
                taken.push((start, last));
                left -= last - start + 1;
                if start > first {
                    self.ranges.push((first, start - 1));
                }
            }
            taken.reverse();
        } else {
            let mut used = 0;
            for (first, last) in &mut self.ranges {
                if left == 0 || taken.len() == most_ranges {
                    break;
                }
                let end = (*last).min(first.saturating_add(left - 1));
                taken.push((*first, end));
                left -= end - *first + 1;
                if end < *last {
                    *first = end + 1;
                    break;
                }
                used += 1;
            }
            self.ranges.drain(..used);
        }
        Self { ranges: taken }
    }
}

/// As a sequence set (RFC 9051 §9): `4:8,12`.
impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (first, last)) in self.ranges.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}:{last}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn uids_become_closed_ranges() {
        assert_eq!(UidSet::from_uids(vec![9, 3, 1, 2, 3, 0]).to_string(), "1:3,9");
        assert_eq!(UidSet::range(5, 4), UidSet::default());
        assert_eq!(UidSet::range(0, 2).to_string(), "1:2");
    }

    proptest! {
        #[test]
        fn taking_from_either_end_gives_every_uid_once(
            uids in prop::collection::vec(1_u32..3000, 0..400), max in 1_u32..60, from_end: bool,
        ) {
            let mut set = UidSet::from_uids(uids.clone());
            let mut seen = Vec::new();
            while !set.is_empty() {
                let part = if from_end { set.take_highest(max) } else { set.take_lowest(max) };
                prop_assert!(part.len() <= u64::from(max) && !part.is_empty());
                prop_assert!(part.to_string().len() <= MAX_TEXT);
                prop_assert!(part.uids().all(|uid| uids.contains(&uid) && part.contains(uid)));
                seen.extend(part.uids());
            }
            seen.sort_unstable();
            let mut expected = uids;
            expected.sort_unstable();
            expected.dedup();
            prop_assert_eq!(seen, expected);
        }

        #[test]
        fn clamping_keeps_what_is_within(uids in prop::collection::vec(1_u32..100, 0..40), a in 0_u32..100, b in 0_u32..100) {
            let set = UidSet::from_uids(uids);
            let clamped: Vec<u32> = set.clamp(a, b).uids().collect();
            let expected: Vec<u32> = set.uids().filter(|uid| (a..=b).contains(uid)).collect();
            prop_assert_eq!(clamped, expected);
        }
    }
}
