//! Delta queries: state tokens, and what changed since one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::resource::{self, select};
use crate::exchange::{Folder, Folders, Stored};

/// With `$filter`, a delta query gives this many messages at most (documented).
const FILTERED_AT_MOST: usize = 5000;

/// What a link encodes; opaque to clients.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    epoch: u64,
    folder: String,
    select: Option<String>,
    since: Option<Timestamp>,
    /// What was there at the beginning is given newest first: so many were, and this one comes next. `None` in later
    /// rounds.
    first_round: Option<(usize, Option<(Timestamp, u64)>)>,
    /// Changes after this one are news.
    change: u64,
}

impl State {
    pub(super) fn begin(
        folders: &Folders,
        folder: &str,
        select: Option<String>,
        since: Option<Timestamp>,
    ) -> Self {
        let folder = folder.to_owned();
        Self {
            epoch: folders.epoch,
            folder,
            select,
            since,
            first_round: Some((0, None)),
            change: folders.change,
        }
    }

    /// `None` when it is of another epoch, of another folder, or nonsense.
    pub(super) fn read(token: &str, folders: &Folders, folder: &str) -> Option<Self> {
        let state: Self = serde_json::from_slice(&URL_SAFE.decode(token).ok()?).ok()?;
        (state.epoch == folders.epoch && state.folder == folder).then_some(state)
    }

    pub(super) fn token(&self) -> String {
        URL_SAFE.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// The next page, and what its link encodes; `true` when more pages follow.
    pub(super) fn page(mut self, folder: &Folder, size: usize, immutable: bool) -> (Vec<Value>, Self, bool) {
        match self.first_round {
            Some((given, next)) => {
                let key = |message: &Stored| (message.received_at, message.serial);
                let follows = |message: &&Stored| next.is_none_or(|next| key(message) <= next);
                let mut there: Vec<&Stored> =
                    folder.messages.iter().filter(|message| self.wants(message)).filter(follows).collect();
                there.sort_by_key(|message| std::cmp::Reverse(key(message)));
                if self.since.is_some() {
                    there.truncate(FILTERED_AT_MOST.saturating_sub(given));
                }
                let next = there.get(size).map(|message| key(message));
                let rows: Vec<Value> =
                    there.into_iter().take(size).map(|m| self.whole(m, folder, immutable)).collect();
                self.first_round = next.map(|next| (given + rows.len(), Some(next)));
                let more = next.is_some();
                (rows, self, more)
            }
            None => {
                let mut news = self.news(folder, immutable);
                news.sort_by_key(|(change, _)| *change);
                let more = news.len() > size;
                news.truncate(size);
                if let Some((change, _)) = news.last() {
                    self.change = *change;
                }
                (news.into_iter().map(|(_, row)| row).collect(), self, more)
            }
        }
    }

    fn wants(&self, message: &Stored) -> bool {
        self.since.is_none_or(|since| message.received_at >= since)
    }

    fn whole(&self, message: &Stored, folder: &Folder, immutable: bool) -> Value {
        select(resource::message(message, &folder.id, immutable), self.select.as_deref())
    }

    fn news(&self, folder: &Folder, immutable: bool) -> Vec<(u64, Value)> {
        let there = folder.messages.iter().filter(|message| self.wants(message));
        let changed = there.filter(|message| message.updated > self.change).map(|message| {
            let row = if message.created > self.change {
                self.whole(message, folder, immutable)
            } else {
                // A change of the read state comes with three properties, whatever was selected
                // (microsoft-graph-docs#7776).
                let few = "isRead,parentFolderId";
                select(resource::message(message, &folder.id, immutable), Some(few))
            };
            (message.updated, row)
        });
        // What came and went since was never told of.
        let gone =
            folder.removed.iter().filter(|(_, came, went)| *came <= self.change && *went > self.change);
        let gone = gone.map(|(serial, _, went)| {
            let id = if immutable {
                URL_SAFE.encode(format!("immutable-{serial:06}"))
            } else {
                Stored::id_of(*serial, &folder.id)
            };
            let reason = json!({"reason": "deleted"});
            (*went, json!({"@odata.type": "#microsoft.graph.message", "id": id, "@removed": reason}))
        });
        changed.chain(gone).collect()
    }
}
