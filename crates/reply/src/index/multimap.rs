//! A multimap from hashes to slots that stays small at a million entries: 12 or 16 bytes an entry and 4 a bucket.

const NONE: u32 = u32::MAX;
/// Buckets of a map that holds something; always a power of two.
const MIN_BUCKETS: usize = 8;

/// What is kept of a 64-bit hash.
pub(super) trait Kept: Copy + Eq {
    fn of(hash: u64) -> Self;
    fn spread(self) -> u64;
}

/// All of it, where nothing else tells keys apart: with a random hash, a million entries and a hundred million lookups,
/// one wrong answer is expected in 180,000 such mailboxes.
impl Kept for u64 {
    fn of(hash: u64) -> Self {
        hash
    }

    fn spread(self) -> u64 {
        self
    }
}

/// Half of it, where what is found is compared with the message anyway.
impl Kept for u32 {
    fn of(hash: u64) -> Self {
        Self::try_from(hash >> 32).unwrap_or_default()
    }

    fn spread(self) -> u64 {
        u64::from(self)
    }
}

/// Slots by hash, the newest first. Keys themselves are not kept.
#[derive(Clone, Debug)]
pub(super) struct Multimap<H> {
    /// Indexes of the newest entry of each bucket.
    buckets: Vec<u32>,
    entries: Vec<Entry<H>>,
}

impl<H> Default for Multimap<H> {
    fn default() -> Self {
        Self { buckets: Vec::new(), entries: Vec::new() }
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry<H> {
    hash: H,
    slot: u32,
    /// The next older entry of the bucket.
    next: u32,
}

impl<H: Kept> Multimap<H> {
    /// Adds a slot, unless the hash has it already among its newest.
    pub(super) fn insert(&mut self, hash: u64, slot: u32) {
        if !self.get(hash).take(8).any(|known| known == slot) {
            self.push(H::of(hash), slot);
        }
    }

    /// The slots of a hash, the newest first.
    pub(super) fn get(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        let hash = H::of(hash);
        let mut at = self.buckets.get(self.bucket(hash)).copied().unwrap_or(NONE);
        std::iter::from_fn(move || {
            loop {
                let entry = self.entries.get(usize::try_from(at).ok()?)?;
                at = entry.next;
                if entry.hash == hash && entry.slot != NONE {
                    return Some(entry.slot);
                }
            }
        })
    }

    /// Takes a slot out again. Its entry stays behind without one until the map is made anew.
    pub(super) fn remove(&mut self, hash: u64, slot: u32) {
        let kept = H::of(hash);
        let mut at = self.buckets.get(self.bucket(kept)).copied().unwrap_or(NONE);
        while let Some(entry) = usize::try_from(at).ok().and_then(|at| self.entries.get_mut(at)) {
            if entry.hash == kept && entry.slot == slot {
                entry.slot = NONE;
            }
            at = entry.next;
        }
    }

    /// The same map with other slots; an entry whose slot is gone is dropped.
    pub(super) fn remapped(&self, slot: impl Fn(u32) -> Option<u32>) -> Self {
        let mut map = Self::default();
        for entry in &self.entries {
            if let Some(slot) = slot(entry.slot) {
                map.push(entry.hash, slot);
            }
        }
        map
    }

    fn push(&mut self, hash: H, slot: u32) {
        if self.entries.len() >= self.buckets.len() {
            self.grow();
        }
        let Ok(index) = u32::try_from(self.entries.len()) else { return };
        let bucket = self.bucket(hash);
        let Some(newest) = self.buckets.get_mut(bucket) else { return };
        let next = std::mem::replace(newest, index);
        self.entries.push(Entry { hash, slot, next });
    }

    /// Twice the buckets, filled in the order of insertion.
    fn grow(&mut self) {
        self.buckets = vec![NONE; (self.buckets.len() * 2).max(MIN_BUCKETS)];
        for (index, at) in (0_u32..).zip(0..self.entries.len()) {
            let Some(hash) = self.entries.get(at).map(|entry| entry.hash) else { return };
            let bucket = self.bucket(hash);
            if let (Some(newest), Some(entry)) = (self.buckets.get_mut(bucket), self.entries.get_mut(at)) {
                entry.next = std::mem::replace(newest, index);
            }
        }
    }

    fn bucket(&self, hash: H) -> usize {
        let mask = self.buckets.len().saturating_sub(1);
        usize::try_from(hash.spread() & u64::try_from(mask).unwrap_or_default()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_found_newest_first_and_survive_a_remapping() {
        let hash = |n: u64| n << 32;
        let mut map = Multimap::<u32>::default();
        assert_eq!(map.get(hash(7)).count(), 0);
        for (n, slot) in [(7, 1), (7, 2), (7, 2), (9, 3)] {
            map.insert(hash(n), slot);
        }
        assert_eq!(map.get(hash(7)).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(map.get(hash(9)).collect::<Vec<_>>(), [3]);
        assert_eq!(map.get(hash(8)).count(), 0);
        let remapped = map.remapped(|slot| (slot != 2).then_some(slot * 10));
        assert_eq!(remapped.get(hash(7)).collect::<Vec<_>>(), [10]);
        assert_eq!(remapped.get(hash(9)).collect::<Vec<_>>(), [30]);
    }

    #[test]
    fn a_slot_that_was_taken_out_is_gone_and_can_come_back() {
        let mut map = Multimap::<u64>::default();
        (0..20).for_each(|slot| map.insert(7, slot));
        map.remove(7, 3);
        map.remove(8, 4);
        assert_eq!(map.get(7).count(), 19);
        assert!(map.get(7).all(|slot| slot != 3));
        assert!(map.remapped(Some).get(7).all(|slot| slot != 3));
        map.insert(7, 3);
        assert_eq!(map.get(7).next(), Some(3));
    }

    #[test]
    fn nothing_is_lost_while_it_grows() {
        let mut map = Multimap::<u64>::default();
        (0..10_000_u32).for_each(|slot| map.insert(u64::from(slot % 1000), slot));
        for hash in 0..1000 {
            let slots: Vec<u32> = map.get(hash).collect();
            assert_eq!(slots.len(), 10);
            assert!(slots.is_sorted_by(|newer, older| newer > older));
        }
    }
}
