//! What a mailbox looks like from the outside, to prove that nobody touched it.

use std::collections::{BTreeMap, BTreeSet};

/// Every folder of a mailbox with its UIDs and flags; two equal snapshots mean an untouched mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// By folder name.
    pub folders: BTreeMap<String, FolderSnapshot>,
}

/// One folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderSnapshot {
    /// Its UIDVALIDITY.
    pub uid_validity: u32,
    /// Its messages: UID to flags, as the server writes them (`\Seen`).
    pub messages: BTreeMap<u32, BTreeSet<String>>,
}

impl Snapshot {
    /// How many messages there are in all folders.
    pub fn count(&self) -> usize {
        self.folders.values().map(|folder| folder.messages.len()).sum()
    }

    /// The same without `\\Recent`, which says only that no session has opened the folder for writing.
    #[must_use]
    pub fn without_recent(mut self) -> Self {
        for flags in self.folders.values_mut().flat_map(|folder| folder.messages.values_mut()) {
            flags.remove("\\Recent");
        }
        self
    }

    /// The flags of every message in `folder`, by UID.
    pub fn flags(&self, folder: &str) -> Vec<BTreeSet<String>> {
        self.folders.get(folder).map(|folder| folder.messages.values().cloned().collect()).unwrap_or_default()
    }
}
