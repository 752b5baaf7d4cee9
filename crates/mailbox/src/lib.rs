//! Watches a mailbox without ever changing it, and never loses a message.
//!
//! A [`Mailbox`] is pulled: its owner asks for the next [`Event`], judges what it holds, commits verdicts and
//! the event's [`Cursor`] together, and asks again. The mailbox itself remembers nothing over a restart; after any
//! error the owner drops it and opens a new one from the cursors that it committed.
#![forbid(unsafe_code)]

pub mod backoff;
mod compression;
pub mod error;
pub mod event;
pub mod ews;
mod exchange;
pub mod graph;
pub mod imap;
mod net;
mod power;
pub mod settings;
pub mod wake;

pub use backoff::{Backoff, Retry};
pub use compression::Compression;
pub use error::{Error, ErrorKind};
pub use event::{Batch, Cursor, Event, Folder, FolderRole, FoundMessage, MessageRef};
pub use ews::{EwsMailbox, EwsSettings, Place as EwsPlace};
pub use graph::{GraphMailbox, GraphSettings, TokenSource};
pub use imap::{Credential, ImapMailbox};
pub use net::{Proxy, ProxyChoice, ProxyProtocol, tls_config};
pub use power::Power;
pub use settings::{ImapSettings, Security, WatchOptions};
pub use wake::{WakeDetector, until_next_look};

use std::future::Future;

/// A mailbox that is being watched: over IMAP, Microsoft Graph or EWS.
pub trait Mailbox: Send {
    /// Waits for the next thing worth knowing. Returns at once while there is something to read, and sleeps in
    /// IDLE or between polls otherwise.
    ///
    /// A batch's cursor counts as committed when `next` is called again; dropping the future is safe at any time
    /// (the owner then opens a new mailbox from what it committed).
    ///
    /// # Errors
    /// After an error the mailbox must be dropped.
    fn next(&mut self) -> impl Future<Output = Result<Event, Error>> + Send;

    /// The first `max_bytes` of a message, header included, without marking it as read.
    /// `None` when it has gone meanwhile.
    ///
    /// # Errors
    /// After an error the mailbox must be dropped.
    fn body(
        &mut self,
        at: &MessageRef,
        max_bytes: u32,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, Error>> + Send;

    /// The same of several messages, in their order. All are in memory at the end: ask for few at a time.
    ///
    /// # Errors
    /// After an error the mailbox must be dropped.
    fn bodies(
        &mut self,
        at: &[MessageRef],
        max_bytes: u32,
    ) -> impl Future<Output = Result<Vec<Option<Vec<u8>>>, Error>> + Send {
        async move {
            let mut bodies = Vec::with_capacity(at.len());
            for at in at {
                bodies.push(self.body(at, max_bytes).await?);
            }
            Ok(bodies)
        }
    }

    /// The folders that were read to their end, each with the time up to which: what it held then has been handed over. The
    /// mailbox as a whole may be covered less far ([`Event::CheckedUpTo`]), since a message may have moved from a folder that
    /// was not read yet to one that was.
    fn folders_read(&self) -> Vec<(String, jiff::Timestamp)>;

    /// Says good-bye; waits at most a second or two.
    fn close(self) -> impl Future<Output = ()> + Send;
}
