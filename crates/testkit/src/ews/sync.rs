//! Sync states, and what changed in a folder since one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::xml;
use crate::exchange::{Folder, Folders, Stored};

/// What a sync state encodes; opaque to clients.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    epoch: u64,
    folder: String,
    /// What was there at the beginning is given newest first; this one comes next. `None` later.
    next: Option<u64>,
    /// Changes after this one are news.
    change: u64,
}

impl State {
    /// From the beginning.
    pub(super) fn begin(folders: &Folders, folder: &str) -> Self {
        Self { epoch: folders.epoch, folder: folder.to_owned(), next: Some(u64::MAX), change: folders.change }
    }

    /// `None` when it is of another epoch, of another folder, or nonsense.
    pub(super) fn read(token: &str, folders: &Folders, folder: &str) -> Option<Self> {
        let state: Self = serde_json::from_slice(&STANDARD.decode(token).ok()?).ok()?;
        (state.epoch == folders.epoch && state.folder == folder).then_some(state)
    }

    pub(super) fn token(&self) -> String {
        STANDARD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// The next changes as XML, the state after them, and whether they are the last.
    pub(super) fn page(mut self, folder: &Folder, size: usize) -> (String, Self, bool) {
        if let Some(next) = self.next {
            let mut there: Vec<&Stored> = folder.messages.iter().filter(|m| m.serial <= next).collect();
            there.sort_by_key(|message| std::cmp::Reverse(message.serial));
            self.next = there.get(size).map(|message| message.serial);
            let rows = there.into_iter().take(size);
            let rows = rows.map(|m| format!("<t:Create>{}</t:Create>", xml::brief(m, &folder.id))).collect();
            let last = self.next.is_none();
            return (rows, self, last);
        }
        let mut news = self.news(folder);
        news.sort_by_key(|(change, _)| *change);
        let last = news.len() <= size;
        news.truncate(size);
        if let Some((change, _)) = news.last() {
            self.change = *change;
        }
        (news.into_iter().map(|(_, row)| row).collect(), self, last)
    }

    fn news(&self, folder: &Folder) -> Vec<(u64, String)> {
        let changed = folder.messages.iter().filter(|message| message.updated > self.change).map(|message| {
            let row = if message.created > self.change {
                format!("<t:Create>{}</t:Create>", xml::brief(message, &folder.id))
            } else {
                let id = xml::item_id(&message.id_in(&folder.id));
                format!("<t:ReadFlagChange>{id}<t:IsRead>{}</t:IsRead></t:ReadFlagChange>", message.read)
            };
            (message.updated, row)
        });
        // What came and went since was never told of.
        let gone =
            folder.removed.iter().filter(|(_, came, went)| *came <= self.change && *went > self.change);
        let gone = gone.map(|(serial, _, went)| {
            let id = xml::item_id(&Stored::id_of(*serial, &folder.id));
            (*went, format!("<t:Delete>{id}</t:Delete>"))
        });
        changed.chain(gone).collect()
    }
}
