//! An Exchange mailbox as it lies behind its doors, Microsoft Graph and EWS.

mod account;
mod folder;
mod message;
mod script;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use account::Account;
pub use folder::Language;

pub(crate) use folder::{Folder, Folders, ROOT};
pub(crate) use message::Stored;
pub(crate) use script::Script;
use tokio::sync::watch;

/// A mailbox, and who wants to know of changes in it.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) folders: Mutex<Folders>,
    /// Counts arrivals.
    pub(crate) arrivals: watch::Sender<u64>,
}

impl Store {
    pub(crate) fn new(language: Language) -> Self {
        Self { folders: Mutex::new(Folders::new(language)), arrivals: watch::Sender::new(0) }
    }
}

/// Locks; a test that panicked while it held the lock has failed anyway.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
