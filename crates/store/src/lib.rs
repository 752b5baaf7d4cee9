//! What the agent remembers: cursors, tracked sends, verdicts and the outbox, in one SQLite file.
//!
//! No message body, no password and no token is kept. A verdict, the events that it gives and the folder's cursor
//! are committed together or not at all ([`Store::commit_batch`]): after a crash the folder is read again from the
//! old cursor, and the message's key and the events' ids make the second time harmless.
//!
//! Each file in `table/` holds one table: its migration, its rows and its queries.
#![forbid(unsafe_code)]

mod batch;
mod durability;
mod error;
mod open;
mod table;
mod time;

pub use batch::{BatchOutcome, Lesson, NewVerdict};
pub use error::Error;
pub use open::Store;
pub use table::account::AccountState;
pub use table::event::{EventRow, EventState, NewEvent, Outcome};
pub use table::folder::FolderRow;
pub use table::learned::Learned;
pub use table::verdict::{Answer, Review, VerdictFilter, VerdictRow};

/// The result of every call.
pub type Result<T> = std::result::Result<T, Error>;
