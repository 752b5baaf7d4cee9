//! What happens, for the command line to print and for the window to know that something changed.

use answerback_reply::Verdict;
use serde::Serialize;

use crate::view::Problem;

/// Something that happened. Serialises to a line of `answerbackctl run --json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum AgentEvent {
    /// Signed in to a mailbox, or reached the backend for the first time.
    Connected {
        /// The mailbox's address, or the backend's URL.
        account: String,
        /// How many folders are watched; absent for the backend.
        #[serde(skip_serializing_if = "Option::is_none")]
        folders: Option<usize>,
        /// How the connection is secured.
        #[serde(skip_serializing_if = "Option::is_none")]
        security: Option<String>,
    },
    /// The first scan of a folder is done.
    Scanned {
        /// The mailbox's address.
        account: String,
        /// The folder's name.
        folder: String,
        /// How many messages were read.
        messages: u64,
        /// How long it took.
        seconds: f64,
    },
    /// A message was attributed to a send.
    Verdict {
        /// The verdict's number in the store.
        id: i64,
        /// The mailbox's address.
        account: String,
        /// The folder that it is in.
        path: String,
        /// Its UID there, where the mailbox has such numbers.
        offset: Option<u64>,
        /// The verdict.
        #[serde(flatten)]
        verdict: Box<Verdict>,
    },
    /// The backend has answered for an event.
    Pushed {
        /// The event's id.
        id: String,
        /// Its CloudEvents type.
        #[serde(rename = "type")]
        event_type: String,
        /// The send that it is about.
        send_id: String,
        /// `accepted`, `duplicate` or `rejected`.
        status: String,
        /// Why it was rejected.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Everything received before this time has been judged, and the backend knows it.
    Coverage {
        /// The mailbox's address.
        account: String,
        /// The time, RFC 3339.
        checked_up_to: String,
        /// How many folders that covers.
        folders: u32,
    },
    /// Something is wrong.
    Problem {
        /// The mailbox's address or the backend's URL.
        account: String,
        /// What, and what to do.
        #[serde(flatten)]
        problem: Problem,
    },
}
