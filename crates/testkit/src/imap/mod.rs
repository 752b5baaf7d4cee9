//! An IMAP server of ours, in memory and on loopback, that a test can script.
//!
//! Wire syntax is by `imap-codec`; the few extensions that it lacks (LIST-EXTENDED, X-GM-*) are written here. It keeps
//! to RFC 3501 with UIDPLUS, IDLE, ID, SPECIAL-USE, LIST-STATUS and CONDSTORE, marks messages as read where a
//! client forgets to PEEK, and can be made to misbehave in every way that servers were seen to ([`Fault`],
//! [`Profile`]).
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use answerback_testkit::imap::{Fault, ImapServer};
//!
//! let server = ImapServer::start().await?;
//! let mailbox = server.add_account("rep@sales.example", "secret");
//! mailbox.deliver("INBOX", b"Subject: hello\r\n\r\nHi\r\n");
//! server.fault_once("UID FETCH", Fault::CutAt(10));
//! # Ok(())
//! # }
//! ```

mod account;
mod command;
mod fetch;
mod folder;
pub(crate) mod folder_name;
#[cfg(unix)]
pub(crate) mod hand_over;
mod list;
mod profile;
mod script;
mod search;
mod selected;
mod sequence;
mod server;
mod session;
mod wire;

pub use account::Account;
pub use profile::Profile;
pub use script::{Fault, Seen};
pub use server::ImapServer;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks; a test that panicked while it held the lock has failed anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
