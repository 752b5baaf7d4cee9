//! What a mailbox reports.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something worth knowing about the mailbox.
#[derive(Clone, Debug)]
pub enum Event {
    /// Signed in; these folders are watched.
    Connected {
        /// The folders that will be watched.
        folders: Vec<Folder>,
        /// How the connection is secured, such as `TLS 1.3`, for the rep to read.
        security: String,
    },
    /// New messages, oldest first within the folder. May be empty when only the cursor moves.
    Batch(Batch),
    /// The first scan of a folder is done.
    Scanned {
        /// Its name.
        folder: String,
        /// How many messages were read.
        messages: u64,
        /// How long it took.
        took: Duration,
    },
    /// Everything that the server had received before this time, in every folder, has been handed over (and, as
    /// the owner called `next` again, committed).
    CheckedUpTo {
        /// The coverage time, by the server's clock where it can be known.
        time: Timestamp,
        /// How many folders that covers.
        folders: u32,
    },
    /// Nothing is left to read; waiting for the server. Sent once each time that the mailbox falls idle.
    Idle,
}

/// New messages of one folder, and the cursor to commit with what they give.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The folder that they are in.
    pub folder: Folder,
    /// The messages, in ascending order of arrival.
    pub messages: Vec<FoundMessage>,
    /// Where the folder has been read up to when this batch is committed.
    pub cursor: Cursor,
    /// First scan of this folder: how many messages are left after this batch.
    pub remaining: Option<u64>,
}

/// A message that the folder had not shown before.
#[derive(Clone, Debug)]
pub struct FoundMessage {
    /// Where it is, for [`crate::Mailbox::body`].
    pub at: MessageRef,
    /// When the server received it.
    pub received_at: Option<Timestamp>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// The header fields of `answerback_reply::message::HEADER_FIELDS`, as they stand in the message; in a first scan perhaps
    /// only those of `TRIAGE_FIELDS`.
    pub header: Vec<u8>,
    /// Provider thread ids as `scheme:value` (`gm:17…`, `objectid:T…`).
    pub thread_ids: Vec<String>,
}

impl FoundMessage {
    /// One that the server tells of and can't give. It must neither block the folder nor get lost in silence
    /// (chatmail/core#7290).
    pub(crate) fn unreadable(folder: &Folder, id: &str) -> Self {
        let at = MessageRef { folder: folder.name.clone(), id: id.to_owned() };
        Self { at, received_at: None, size: None, header: Vec::new(), thread_ids: Vec::new() }
    }
}

/// Where a message is, until its folder is recreated.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MessageRef {
    /// The folder's name.
    pub folder: String,
    /// The provider's id of the message in that folder; for IMAP `uidvalidity:uid`.
    pub id: String,
}

/// How far a folder has been read. Opaque to everyone but the mailbox that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The folder's name.
    pub folder: String,
    /// The mailbox's own notes, as JSON.
    pub state: String,
}

/// A folder that is watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// Its name, decoded for people.
    pub name: String,
    /// What it is for.
    pub role: FolderRole,
}

/// What a folder is for (RFC 6154 special use, or a known name).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FolderRole {
    /// New mail.
    Inbox,
    /// The rep's own mail.
    Sent,
    /// Spam.
    Junk,
    /// Deleted mail.
    Trash,
    /// Archived mail.
    Archive,
    /// Everything (Gmail).
    All,
    /// Unfinished mail; not watched.
    Drafts,
    /// Any other.
    Other,
}
