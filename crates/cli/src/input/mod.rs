//! Exported mailboxes: which files hold messages, and reading those in batches.

pub mod batch;
pub mod files;
pub mod mbox;

pub use batch::{Batch, Item, Position, read_all, read_at};
pub use files::{Format, MailFile, Mailbox};
