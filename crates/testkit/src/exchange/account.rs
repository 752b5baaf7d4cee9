//! A test's hold on the mailbox.

use std::collections::BTreeSet;
use std::sync::Arc;

use answerback_reply::Message;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use jiff::Timestamp;

use super::folder::{Folder, Folders};
use super::message::Stored;
use super::{Store, lock};
use crate::snapshot::{FolderSnapshot, Snapshot};

/// The rep's mailbox, seen from behind the server. Folders are named by path (`Inbox/Prospects`) or well-known name
/// (`sentitems`).
#[derive(Clone)]
pub struct Account {
    store: Arc<Store>,
}

impl Account {
    pub(crate) fn of(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// New mail in `folder` (created where missing), received now. Gives its serial number.
    pub fn deliver(&self, folder: &str, raw: &[u8]) -> u64 {
        self.append(folder, raw, false, Timestamp::now())
    }

    /// Puts a message into `folder` (created where missing), received at `received_at`.
    pub fn append(&self, folder: &str, raw: &[u8], read: bool, received_at: Timestamp) -> u64 {
        let serial = self.change(|folders| {
            let id = folders.ensure(folder);
            let (serial, change) = (folders.serial(), folders.tick());
            let conversation = conversation_of(folders, raw, serial);
            let composed = folders.find("sentitems").is_some_and(|sent| sent.id == id);
            let message = Stored {
                serial,
                raw: raw.into(),
                received_at,
                read,
                conversation,
                composed,
                created: change,
                updated: change,
            };
            if let Some(folder) = folders.all.get_mut(&id) {
                folder.messages.push(message);
            }
            serial
        });
        self.store.arrivals.send_modify(|count| *count += 1);
        serial
    }

    /// The serial number of the message with this Message-ID (without brackets) in `folder`.
    pub fn find(&self, folder: &str, message_id: &str) -> Option<u64> {
        let folders = lock(&self.store.folders);
        let folder = folders.all.get(&folders.by_path(folder)?)?;
        let is_it = |message: &&Stored| {
            Message::from_header(&message.raw).message_id.is_some_and(|id| id.as_str() == message_id)
        };
        folder.messages.iter().find(is_it).map(|message| message.serial)
    }

    /// Creates a folder, with those above it.
    pub fn create_folder(&self, path: &str) {
        self.change(|folders| folders.ensure(path));
    }

    /// Makes a folder hidden, as Outlook's own ones are.
    pub fn hide_folder(&self, path: &str) {
        self.change(|folders| {
            let id = folders.ensure(path);
            if let Some(folder) = folders.all.get_mut(&id) {
                folder.hidden = true;
            }
        });
    }

    /// Renames a folder; its id stays.
    pub fn rename_folder(&self, path: &str, name: &str) {
        self.change(|folders| {
            let id = folders.ensure(path);
            if let Some(folder) = folders.all.get_mut(&id) {
                name.clone_into(&mut folder.name);
            }
        });
    }

    /// Deletes a folder with all that is in it.
    pub fn delete_folder(&self, path: &str) {
        self.change(|folders| {
            if let Some(id) = folders.by_path(path) {
                folders.all.remove(&id);
            }
        });
    }

    /// What Outlook does when the rep opens a message. Says whether it is there.
    pub fn mark_read(&self, serial: u64) -> bool {
        self.change(|folders| {
            let change = folders.tick();
            let mut all = folders.all.values_mut().flat_map(|folder| &mut folder.messages);
            let Some(message) = all.find(|message| message.serial == serial) else { return false };
            message.read = true;
            message.updated = change;
            true
        })
    }

    /// Removes a message for good. Says whether it was there.
    pub fn delete(&self, serial: u64) -> bool {
        self.change(|folders| take(folders, serial).is_some())
    }

    /// Moves a message as a rule or another client does. Says whether it was there.
    pub fn move_message(&self, serial: u64, to: &str) -> bool {
        let moved = self.change(|folders| {
            let to = folders.ensure(to);
            let Some(mut message) = take(folders, serial) else { return false };
            message.created = folders.tick();
            message.updated = message.created;
            if let Some(folder) = folders.all.get_mut(&to) {
                folder.messages.push(message);
            }
            true
        });
        self.store.arrivals.send_modify(|count| *count += 1);
        moved
    }

    /// Every delta token or sync state given so far is not known any more.
    pub fn expire_sync_state(&self) {
        self.change(|folders| folders.epoch += 1);
    }

    /// Every folder with its messages and whether each was read.
    pub fn snapshot(&self) -> Snapshot {
        let folders = lock(&self.store.folders);
        let read = |message: &Stored| -> BTreeSet<String> {
            message.read.then(|| "\\Seen".to_owned()).into_iter().collect()
        };
        let of = |folder: &Folder| FolderSnapshot {
            uid_validity: 1,
            messages: folder
                .messages
                .iter()
                .map(|message| (u32::try_from(message.serial).unwrap_or(u32::MAX), read(message)))
                .collect(),
        };
        Snapshot { folders: folders.all.values().map(|folder| (folders.path(folder), of(folder))).collect() }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Folders) -> T) -> T {
        change(&mut lock(&self.store.folders))
    }
}

/// Takes a message out of its folder, which remembers that.
fn take(folders: &mut Folders, serial: u64) -> Option<Stored> {
    let change = folders.tick();
    let folder =
        folders.all.values_mut().find(|f| f.messages.iter().any(|message| message.serial == serial))?;
    let at = folder.messages.iter().position(|message| message.serial == serial)?;
    let message = folder.messages.remove(at);
    folder.removed.push((serial, message.created, change));
    Some(message)
}

/// The conversation of the message that it answers, or a new one.
fn conversation_of(folders: &Folders, raw: &[u8], serial: u64) -> String {
    let message = Message::from_header(raw);
    let parents: Vec<_> = message.in_reply_to.iter().chain(&message.references).collect();
    let all = folders.all.values().flat_map(|folder| &folder.messages);
    let parent = all.into_iter().find(|known| {
        Message::from_header(&known.raw)
            .message_id
            .is_some_and(|id| parents.iter().any(|parent| **parent == id))
    });
    parent.map_or_else(
        || URL_SAFE.encode(format!("conversation-{serial:06}")),
        |known| known.conversation.clone(),
    )
}
