//! Folders and messages in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::profile::Profile;

/// A message in a folder.
#[derive(Clone, Debug)]
pub(super) struct StoredMessage {
    pub(super) raw: Arc<[u8]>,
    pub(super) flags: BTreeSet<String>,
    pub(super) received_at: Timestamp,
    pub(super) modseq: u64,
    /// X-GM-MSGID, the same in every folder of Gmail.
    pub(super) gmail_id: u64,
    /// X-GM-THRID.
    pub(super) gmail_thread: u64,
}

/// A folder.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) uid_validity: u32,
    pub(super) uid_next: u32,
    pub(super) highest_modseq: u64,
    pub(super) messages: BTreeMap<u32, StoredMessage>,
    pub(super) special_use: Option<String>,
    pub(super) selectable: bool,
    /// It is listed as if it could be opened.
    pub(super) phantom: bool,
}

/// One user's folders.
#[derive(Clone, Debug)]
pub(super) struct Mailboxes {
    pub(super) password: String,
    pub(super) folders: BTreeMap<String, Folder>,
    next_uid_validity: u32,
    next_gmail_id: u64,
}

impl Folder {
    fn new(uid_validity: u32, special_use: Option<&str>) -> Self {
        let selectable = special_use != Some("\\Noselect");
        Self {
            uid_validity,
            uid_next: 1,
            highest_modseq: 1,
            messages: BTreeMap::new(),
            special_use: special_use.filter(|_| selectable).map(str::to_owned),
            selectable,
            phantom: false,
        }
    }

    /// Adds a message and gives its UID.
    pub(super) fn append(&mut self, mut message: StoredMessage) -> u32 {
        let uid = self.uid_next;
        self.uid_next += 1;
        self.highest_modseq += 1;
        message.modseq = self.highest_modseq;
        self.messages.insert(uid, message);
        uid
    }

    /// Changes the flags of a message and says whether it is there.
    pub(super) fn update_flags(&mut self, uid: u32, change: impl FnOnce(&mut BTreeSet<String>)) -> bool {
        let Some(message) = self.messages.get_mut(&uid) else { return false };
        let before = message.flags.clone();
        change(&mut message.flags);
        if message.flags != before {
            self.highest_modseq += 1;
            message.modseq = self.highest_modseq;
        }
        true
    }

    /// Removes a message for good and says whether it was there.
    pub(super) fn expunge(&mut self, uid: u32) -> bool {
        let found = self.messages.remove(&uid).is_some();
        self.highest_modseq += u64::from(found);
        found
    }

    pub(super) fn unseen(&self) -> usize {
        self.messages.values().filter(|message| !message.flags.contains("\\Seen")).count()
    }
}

impl Mailboxes {
    pub(super) fn new(password: &str, profile: &Profile) -> Self {
        let mut mailboxes = Self {
            password: password.to_owned(),
            folders: BTreeMap::new(),
            next_uid_validity: 1_700_000_001,
            next_gmail_id: 1_800_000_000_000_000_001,
        };
        for (name, special_use) in profile.folders {
            mailboxes.create(name, *special_use);
        }
        for name in profile.phantoms {
            let folder = mailboxes.create(name, None);
            (folder.selectable, folder.phantom) = (false, true);
        }
        mailboxes
    }

    /// Creates a folder unless it is there.
    pub(super) fn create(&mut self, name: &str, special_use: Option<&str>) -> &mut Folder {
        let uid_validity = &mut self.next_uid_validity;
        self.folders.entry(name.to_owned()).or_insert_with(|| {
            *uid_validity += 1;
            Folder::new(*uid_validity, special_use)
        })
    }

    /// A message that is about to be stored; answers get the Gmail thread of the message that they answer.
    pub(super) fn message(&mut self, raw: &[u8], flags: &[&str], received_at: Timestamp) -> StoredMessage {
        let gmail_id = self.next_gmail_id;
        self.next_gmail_id += 1;
        let parents = super::fetch::header_value(raw, "References").unwrap_or_default()
            + " "
            + &super::fetch::header_value(raw, "In-Reply-To").unwrap_or_default();
        let gmail_thread = self
            .folders
            .values()
            .flat_map(|folder| folder.messages.values())
            .find(|message| {
                super::fetch::header_value(&message.raw, "Message-ID")
                    .is_some_and(|id| parents.split_whitespace().any(|parent| parent == id.trim()))
            })
            .map_or(gmail_id, |parent| parent.gmail_thread);
        StoredMessage {
            raw: raw.into(),
            flags: flags.iter().map(ToString::to_string).collect(),
            received_at,
            modseq: 0,
            gmail_id,
            gmail_thread,
        }
    }

    /// Gives a folder a new UIDVALIDITY and its messages new UIDs, as after a restored backup.
    pub(super) fn renumber(&mut self, name: &str) {
        self.next_uid_validity += 1;
        let uid_validity = self.next_uid_validity;
        if let Some(folder) = self.folders.get_mut(name) {
            let messages = std::mem::take(&mut folder.messages);
            folder.uid_validity = uid_validity;
            folder.uid_next = 1;
            for message in messages.into_values() {
                folder.append(message);
            }
        }
    }
}
