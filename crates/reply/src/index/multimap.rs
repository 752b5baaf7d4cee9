//! A multimap from hashes to slots that stays small at a million entries: 16 bytes an entry and 5 a bucket.

use hashbrown::HashTable;

const NONE: u32 = u32::MAX;

/// Slots by 64-bit hash, the newest first.
///
/// Keys themselves are not kept. With a random 64-bit hash, a million entries and a hundred million lookups, one wrong
/// answer is expected in 180,000 such mailboxes.
#[derive(Clone, Debug, Default)]
pub(super) struct Multimap {
    /// Indexes of the newest entry of each hash.
    heads: HashTable<u32>,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u64,
    slot: u32,
    next: u32,
}

impl Multimap {
    /// Adds a slot, unless the hash has it already among its newest.
    pub(super) fn insert(&mut self, hash: u64, slot: u32) {
        if self.get(hash).take(8).any(|known| known == slot) {
            return;
        }
        let Ok(index) = u32::try_from(self.entries.len()) else { return };
        let entries = &self.entries;
        let hash_of = |index: &u32| {
            usize::try_from(*index).ok().and_then(|at| entries.get(at)).map_or(0, |entry| entry.hash)
        };
        let next = match self.heads.find_mut(hash, |head| hash_of(head) == hash) {
            Some(head) => std::mem::replace(head, index),
            None => {
                self.heads.insert_unique(hash, index, hash_of);
                NONE
            }
        };
        self.entries.push(Entry { hash, slot, next });
    }

    /// The slots of a hash, the newest first.
    pub(super) fn get(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        let mut at =
            self.heads.find(hash, |head| self.entry(*head).is_some_and(|entry| entry.hash == hash)).copied();
        std::iter::from_fn(move || {
            let entry = self.entry(at?)?;
            at = (entry.next != NONE).then_some(entry.next);
            Some(entry.slot)
        })
    }

    /// The same map with other slots; an entry whose slot is gone is dropped.
    pub(super) fn remapped(&self, slot: impl Fn(u32) -> Option<u32>) -> Self {
        let mut map = Self::default();
        for entry in &self.entries {
            if let Some(slot) = slot(entry.slot) {
                map.insert(entry.hash, slot);
            }
        }
        map
    }

    fn entry(&self, index: u32) -> Option<&Entry> {
        self.entries.get(usize::try_from(index).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_found_newest_first_and_survive_a_remapping() {
        let mut map = Multimap::default();
        for (hash, slot) in [(7, 1), (7, 2), (7, 2), (9, 3)] {
            map.insert(hash, slot);
        }
        assert_eq!(map.get(7).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(map.get(9).collect::<Vec<_>>(), [3]);
        assert_eq!(map.get(8).count(), 0);
        let remapped = map.remapped(|slot| (slot != 2).then_some(slot * 10));
        assert_eq!(remapped.get(7).collect::<Vec<_>>(), [10]);
        assert_eq!(remapped.get(9).collect::<Vec<_>>(), [30]);
    }
}
