//! The tracked sends, found by what answers carry.

mod arena;
mod multimap;

use std::{
    borrow::Cow,
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use hashbrown::HashTable;
use jiff::Timestamp;

use self::{
    arena::{Arena, Span},
    multimap::Multimap,
};
use crate::{Fingerprint, MessageId, OwnCopy, TrackedSend, address, phrases};

/// Spreads a 32-bit hash over the 64 bits that the maps want.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
/// Sends looked at for one participant or subject; the newest come first.
const MAX_CANDIDATES: usize = 64;
/// Records that are replaced or removed before the memory of the old ones is taken back.
const MIN_GARBAGE: usize = 100_000;

/// Tracked sends by Message-ID, thread, marker and participants; answers by id in O(1).
///
/// Keys are kept as hashes and records packed, so that a million sends need less than 200 MB.
#[derive(Clone, Debug, Default)]
pub struct SendIndex {
    hasher: RandomState,
    records: Vec<Record>,
    texts: Arena,
    /// Slots by the send's id.
    by_send: HashTable<u32>,
    /// Slots by Message-ID, marker, thread and chain entry; the sort of key is part of the hash.
    by_key: Multimap<u64>,
    /// Slots by the canonical address of each recipient.
    by_participant: Multimap<u32>,
    /// Slots by normalised subject.
    by_subject: Multimap<u32>,
    /// Slots by word sequence of the sends' texts.
    by_sequence: Multimap<u64>,
    fingerprints: HashMap<u32, Fingerprint>,
    live: usize,
    markers: usize,
}

/// What is kept of a send. The strings stand in one text: id, prospect's address and name, To, CC with BCC.
#[derive(Clone, Copy, Debug)]
struct Record {
    text: Span,
    /// `REMOVED` where the send is gone.
    sent_at: u32,
    /// `u32::MAX` where there is no end.
    track_until: u32,
    subject: u32,
    /// 0 where it isn't known.
    from: u32,
}

/// No send is as late as 2106.
const REMOVED: u32 = u32::MAX;

impl Record {
    const fn is_live(&self) -> bool {
        self.sent_at != REMOVED
    }
}

/// A send as attribution sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Send<'x> {
    pub slot: u32,
    pub id: &'x str,
    /// The prospect's address: the backend's, else the first in To.
    pub prospect: &'x str,
    /// The prospect's name; empty where it isn't known.
    pub name: &'x str,
    to: &'x str,
    cc: &'x str,
    /// Seconds since 1970.
    pub sent_at: i64,
    pub track_until: Option<i64>,
    subject: u32,
    from: u32,
}

impl<'x> Send<'x> {
    /// Equal for sends with one subject.
    pub(crate) const fn subject_hash(&self) -> u32 {
        self.subject
    }

    /// Addresses in To.
    pub(crate) fn to(&self) -> impl Iterator<Item = &'x str> + use<'x> {
        self.to.split(',').filter(|address| !address.is_empty())
    }

    /// Addresses in CC and BCC.
    pub(crate) fn cc(&self) -> impl Iterator<Item = &'x str> + use<'x> {
        self.cc.split(',').filter(|address| !address.is_empty())
    }

    /// The prospect and every recipient.
    pub(crate) fn participants(&self) -> impl Iterator<Item = &'x str> + use<'x> {
        std::iter::once(self.prospect).filter(|address| !address.is_empty()).chain(self.to()).chain(self.cc())
    }
}

/// The sorts of keys that name a send exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key<'x> {
    Id(&'x str),
    Marker(&'x str),
    Thread(&'x str),
    Chain(&'x str),
}

impl SendIndex {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a send, or replaces the one of that id. Ids, threads and chain entries learned before are kept.
    pub fn insert(&mut self, send: &TrackedSend) {
        let record = self.record(send);
        let slot = match self.slot(&send.id) {
            Some(slot) => {
                if let Some(known) = self.records.get_mut(to_usize(slot)) {
                    *known = record;
                }
                slot
            }
            None => {
                let Ok(slot) = u32::try_from(self.records.len()) else { return };
                self.records.push(record);
                self.live += 1;
                let hash = self.hasher.hash_one(one_line(&send.id).as_ref());
                let (records, texts, hasher) = (&self.records, &self.texts, &self.hasher);
                self.by_send.insert_unique(hash, slot, |slot| {
                    hasher.hash_one(
                        records.get(to_usize(*slot)).map_or("", |record| id_of(texts.get(record.text))),
                    )
                });
                slot
            }
        };
        for id in &send.message_ids {
            self.insert_key(Key::Id(id.as_str()), slot);
        }
        if let Some(marker) = send.marker.as_deref().map(str::trim).filter(|marker| !marker.is_empty()) {
            self.markers += 1;
            self.insert_key(Key::Marker(marker), slot);
        }
        let prospect = send.prospect.as_ref().and_then(|prospect| prospect.email.as_deref());
        for participant in
            prospect.into_iter().chain(send.to.iter().chain(&send.cc).chain(&send.bcc).map(String::as_str))
        {
            let hash = self.hash_address(participant);
            self.by_participant.insert(hash, slot);
        }
        if let Some(hash) = send.subject.as_deref().and_then(|subject| self.hash_subject(subject)) {
            self.by_subject.insert(hash, slot);
        }
        self.take_back_garbage();
    }

    /// Forgets a send and all that was learned of it.
    pub fn remove(&mut self, send_id: &str) {
        let Some(slot) = self.slot(send_id) else { return };
        let hash = self.hasher.hash_one(one_line(send_id).as_ref());
        if let Ok(entry) = self.by_send.find_entry(hash, |known| *known == slot) {
            entry.remove();
        }
        if let Some(record) = self.records.get_mut(to_usize(slot)) {
            record.sent_at = REMOVED;
            self.live -= 1;
        }
        self.take_back_garbage();
    }

    /// Another Message-ID that the send is known by (found in the Sent folder).
    pub fn learn_id(&mut self, send_id: &str, id: &MessageId) {
        if let Some(slot) = self.slot(send_id) {
            self.insert_key(Key::Id(id.as_str()), slot);
        }
    }

    /// A provider thread id (`scheme:value`) of the send's own copy.
    pub fn learn_thread(&mut self, send_id: &str, thread: &str) {
        if let Some(slot) = self.slot(send_id) {
            self.insert_key(Key::Thread(thread), slot);
        }
    }

    /// A message that was attributed to the send, so that answers to it are found by the `chain` rung.
    pub fn learn_chain(&mut self, send_id: &str, id: &MessageId) {
        if let Some(slot) = self.slot(send_id) {
            self.insert_key(Key::Chain(id.as_str()), slot);
        }
    }

    /// A message that was taken for an answer and is none: what answers it has nothing to do with the send either.
    pub fn forget_chain(&mut self, send_id: &str, id: &MessageId) {
        if let Some(slot) = self.slot(send_id) {
            self.by_key.remove(self.hasher.hash_one(Key::Chain(id.as_str())), slot);
        }
    }

    /// All that a send's own copy teaches.
    pub fn learn_copy(&mut self, copy: &OwnCopy) {
        copy.ids.iter().for_each(|id| self.learn_id(&copy.send_id, id));
        copy.threads.iter().for_each(|thread| self.learn_thread(&copy.send_id, thread));
        if let Some(text) = &copy.text {
            self.learn_text(&copy.send_id, text);
        }
    }

    /// What the send's text is recognised by when an answer quotes it.
    pub fn learn_text(&mut self, send_id: &str, text: &Fingerprint) {
        if let Some(slot) = self.slot(send_id) {
            for hash in text.hashes() {
                self.by_sequence.insert(u64::from(hash).wrapping_mul(SPREAD), slot);
            }
            self.fingerprints.insert(slot, text.clone());
        }
    }

    /// How many sends it holds.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether any send has a marker.
    pub(crate) const fn has_markers(&self) -> bool {
        self.markers > 0
    }

    /// The sends that a key names, the newest first.
    pub(crate) fn by_key(&self, key: Key<'_>) -> impl Iterator<Item = Send<'_>> {
        self.by_key.get(self.hasher.hash_one(key)).filter_map(|slot| self.send(slot))
    }

    /// Whether a key names a send.
    pub(crate) fn knows(&self, key: Key<'_>) -> bool {
        self.by_key(key).next().is_some()
    }

    /// Sends to that address, the newest first.
    pub(crate) fn by_participant(&self, address: &str) -> impl Iterator<Item = Send<'_>> {
        self.by_participant
            .get(self.hash_address(address))
            .take(MAX_CANDIDATES)
            .filter_map(|slot| self.send(slot))
    }

    /// Sends with that subject, prefixes aside, the newest first.
    pub(crate) fn by_subject(&self, subject: &str) -> impl Iterator<Item = Send<'_>> {
        self.hash_subject(subject)
            .into_iter()
            .flat_map(|hash| self.by_subject.get(hash).take(MAX_CANDIDATES))
            .filter_map(|slot| self.send(slot))
    }

    /// Whether the send is from that address.
    pub(crate) fn is_from(&self, send: &Send<'_>, address: &str) -> bool {
        send.from != 0 && fold(self.hash_address(address)) == send.from
    }

    /// Whether the send has that subject, prefixes aside.
    pub(crate) fn has_subject(&self, send: &Send<'_>, subject: &str) -> bool {
        send.subject != 0 && self.hash_subject(subject).is_some_and(|hash| fold(hash) == send.subject)
    }

    pub(crate) fn has_fingerprints(&self) -> bool {
        !self.fingerprints.is_empty()
    }

    /// Whether any send's text holds that word sequence.
    pub(crate) fn is_quoted(&self, sequence: u32) -> bool {
        self.by_sequence.get(u64::from(sequence).wrapping_mul(SPREAD)).next().is_some()
    }

    /// The sends whose text holds a word sequence, the newest first.
    pub(crate) fn by_sequence(&self, sequence: u32) -> impl Iterator<Item = Send<'_>> {
        self.by_sequence.get(u64::from(sequence).wrapping_mul(SPREAD)).filter_map(|slot| self.send(slot))
    }

    pub(crate) fn fingerprint(&self, send: &Send<'_>) -> Option<&Fingerprint> {
        self.fingerprints.get(&send.slot)
    }

    fn insert_key(&mut self, key: Key<'_>, slot: u32) {
        self.by_key.insert(self.hasher.hash_one(key), slot);
    }

    fn slot(&self, send_id: &str) -> Option<u32> {
        let send_id = one_line(send_id);
        let hash = self.hasher.hash_one(send_id.as_ref());
        self.by_send
            .find(hash, |slot| {
                self.records
                    .get(to_usize(*slot))
                    .is_some_and(|record| id_of(self.texts.get(record.text)) == send_id)
            })
            .copied()
    }

    fn send(&self, slot: u32) -> Option<Send<'_>> {
        let record = self.records.get(to_usize(slot)).filter(|record| record.is_live())?;
        let mut lines = self.texts.get(record.text).split('\n');
        let mut line = || lines.next().unwrap_or_default();
        let (id, prospect, name, to, cc) = (line(), line(), line(), line(), line());
        let prospect = if prospect.is_empty() { to.split(',').next().unwrap_or_default() } else { prospect };
        let track_until = (record.track_until != u32::MAX).then_some(i64::from(record.track_until));
        Some(Send {
            slot,
            id,
            prospect,
            name,
            to,
            cc,
            sent_at: i64::from(record.sent_at),
            track_until,
            subject: record.subject,
            from: record.from,
        })
    }

    fn record(&mut self, send: &TrackedSend) -> Record {
        let prospect = send.prospect.as_ref();
        let email = prospect.and_then(|prospect| prospect.email.as_deref()).unwrap_or_default();
        let is_first = send.to.first().is_some_and(|first| first.eq_ignore_ascii_case(email));
        let email = if is_first { "" } else { email };
        let name = prospect.and_then(|prospect| prospect.name.as_deref()).unwrap_or_default();
        let joined = |addresses: &mut dyn Iterator<Item = &String>| {
            addresses.map(|address| clean(address)).collect::<Vec<_>>().join(",").to_lowercase()
        };
        let to = joined(&mut send.to.iter());
        let cc = joined(&mut send.cc.iter().chain(&send.bcc));
        let (id, email, name) = (one_line(&send.id), clean(email).to_lowercase(), clean(name));
        let text = [id.as_ref(), &email, &name, &to, &cc].join("\n");
        Record {
            text: self.texts.push(&text),
            sent_at: seconds(send.sent_at),
            track_until: send.track_until.map_or(u32::MAX, seconds),
            subject: send.subject.as_deref().and_then(|subject| self.hash_subject(subject)).map_or(0, fold),
            from: send.from.as_deref().map_or(0, |from| fold(self.hash_address(from))),
        }
    }

    fn hash_address(&self, address: &str) -> u64 {
        let lower = address.trim().to_lowercase();
        self.hasher.hash_one(address::canonical(&lower).as_ref())
    }

    fn hash_subject(&self, subject: &str) -> Option<u64> {
        let subject = phrases::normalise_subject(subject);
        (!subject.is_empty()).then(|| self.hasher.hash_one(subject.as_str()))
    }

    /// Packs records and maps anew when most of them are dead.
    fn take_back_garbage(&mut self) {
        if self.records.len() < self.live * 2 + MIN_GARBAGE {
            return;
        }
        let mut slots = vec![None; self.records.len()];
        let mut packed = Self { hasher: self.hasher.clone(), markers: self.markers, ..Self::default() };
        for (old, record) in self.records.iter().enumerate().filter(|(_, record)| record.is_live()) {
            let Ok(slot) = u32::try_from(packed.records.len()) else { return };
            if let Some(place) = slots.get_mut(old) {
                *place = Some(slot);
            }
            packed.records.push(Record { text: packed.texts.push(self.texts.get(record.text)), ..*record });
        }
        packed.live = packed.records.len();
        let hash = |slot: &u32| {
            let record = packed.records.get(to_usize(*slot));
            packed.hasher.hash_one(record.map_or("", |record| id_of(packed.texts.get(record.text))))
        };
        for slot in slots.iter().flatten() {
            packed.by_send.insert_unique(hash(slot), *slot, hash);
        }
        let remap = |old: u32| slots.get(to_usize(old)).copied().flatten();
        packed.by_key = self.by_key.remapped(remap);
        packed.by_participant = self.by_participant.remapped(remap);
        packed.by_subject = self.by_subject.remapped(remap);
        packed.by_sequence = self.by_sequence.remapped(remap);
        let texts = self.fingerprints.iter();
        packed.fingerprints = texts.filter_map(|(old, text)| Some((remap(*old)?, text.clone()))).collect();
        *self = packed;
    }
}

fn id_of(text: &str) -> &str {
    text.split('\n').next().unwrap_or_default()
}

/// An id as it stands in a record's text.
fn one_line(id: &str) -> Cow<'_, str> {
    if id.contains('\n') { Cow::Owned(id.replace('\n', " ")) } else { Cow::Borrowed(id) }
}

/// Without the characters that separate a record's strings.
fn clean(text: &str) -> String {
    text.trim().replace(['\n', ','], " ")
}

fn to_usize(slot: u32) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
}

/// Seconds since 1970; good until 2106.
fn seconds(time: Timestamp) -> u32 {
    u32::try_from(time.as_second()).ok().filter(|seconds| *seconds != REMOVED).unwrap_or(0)
}

/// 32 bits of a hash, never 0, which stands for "no subject".
fn fold(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or(1).max(1)
}
