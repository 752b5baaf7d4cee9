//! A test's hold on one mailbox of the server.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::folder::Folder;
use super::server::Shared;
use crate::snapshot::{FolderSnapshot, Snapshot};

/// One user's mailbox, seen from behind the server: what happens here happens to the client.
#[derive(Clone)]
pub struct Account {
    pub(super) shared: Arc<Shared>,
    pub(super) user: String,
}

impl Account {
    /// The login name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// New mail in `folder` (created where missing), received now. Idling clients hear of it. Gives the UID.
    pub fn deliver(&self, folder: &str, raw: &[u8]) -> u32 {
        self.append(folder, raw, &[], Timestamp::now())
    }

    /// Puts a message into `folder` (created where missing) with flags such as `\Seen`. Gives the UID.
    pub fn append(&self, folder: &str, raw: &[u8], flags: &[&str], received_at: Timestamp) -> u32 {
        self.shared.change(&self.user, |mailboxes| {
            let message = mailboxes.message(raw, flags, received_at);
            mailboxes.create(folder, None).append(message)
        })
    }

    /// Creates a folder, with a special use such as `\Archive`.
    pub fn create_folder(&self, folder: &str, special_use: Option<&str>) {
        self.shared.change(&self.user, |mailboxes| {
            mailboxes.create(folder, special_use);
        });
    }

    /// Deletes a folder with all that is in it; sessions that have it open are closed.
    pub fn delete_folder(&self, folder: &str) {
        self.shared.change(&self.user, |mailboxes| mailboxes.folders.remove(folder));
    }

    /// What another client does when the rep reads or stars a message. Says whether the message is there.
    pub fn set_flags(&self, folder: &str, uid: u32, flags: &[&str]) -> bool {
        let flags = flags.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        self.change_folder(folder, false, |folder| folder.update_flags(uid, |old| *old = flags))
    }

    /// Removes a message for good. Says whether it was there.
    pub fn expunge(&self, folder: &str, uid: u32) -> bool {
        self.change_folder(folder, false, |folder| folder.expunge(uid))
    }

    /// Moves a message as a server rule or another client does; gives its new UID, `None` when it is not there.
    pub fn move_message(&self, from: &str, uid: u32, to: &str) -> Option<u32> {
        self.shared.change(&self.user, |mailboxes| {
            let folder = mailboxes.folders.get_mut(from)?;
            let message = folder.messages.get(&uid)?.clone();
            folder.expunge(uid);
            Some(mailboxes.create(to, None).append(message))
        })
    }

    /// Gives the folder a new UIDVALIDITY and its messages new UIDs; sessions that have it open are closed.
    pub fn renumber(&self, folder: &str) {
        self.shared.change(&self.user, |mailboxes| mailboxes.renumber(folder));
    }

    /// Sets the next UID without changing UIDVALIDITY, as a broken server did (GMX).
    pub fn set_uid_next(&self, folder: &str, uid_next: u32) {
        self.change_folder(folder, (), |folder| folder.uid_next = uid_next);
    }

    /// The folder's messages, by UID.
    pub fn messages(&self, folder: &str) -> Vec<(u32, Arc<[u8]>)> {
        self.shared.read(&self.user, Vec::new(), |mailboxes| {
            let folder = mailboxes.folders.get(folder);
            folder
                .iter()
                .flat_map(|folder| &folder.messages)
                .map(|(uid, message)| (*uid, message.raw.clone()))
                .collect()
        })
    }

    /// Every folder with its UIDs and flags.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.read(&self.user, Snapshot::default(), |mailboxes| {
            let folders = mailboxes.folders.iter().filter(|(_, folder)| folder.selectable);
            Snapshot { folders: folders.map(|(name, folder)| (name.clone(), snapshot(folder))).collect() }
        })
    }

    fn change_folder<T>(&self, folder: &str, otherwise: T, change: impl FnOnce(&mut Folder) -> T) -> T {
        self.shared.change(&self.user, |mailboxes| match mailboxes.folders.get_mut(folder) {
            Some(folder) => change(folder),
            None => otherwise,
        })
    }
}

fn snapshot(folder: &Folder) -> FolderSnapshot {
    FolderSnapshot {
        uid_validity: folder.uid_validity,
        messages: folder.messages.iter().map(|(uid, message)| (*uid, message.flags.clone())).collect(),
    }
}
