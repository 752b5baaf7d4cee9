//! IMAP: one connection that reads and waits, and never changes anything.
//!
//! From the outside in: [`ImapMailbox`] does what `plan` decides; `session` makes it a connection; `client` is the
//! checked command layer, over `wire`, which cuts the stream into responses.

mod capability;
mod client;
mod command;
mod connection_test;
mod cursor;
mod fetch;
mod folders;
mod items;
mod link_speed;
mod mailbox;
mod plan;
mod refusal;
mod response;
mod rows;
mod scram;
mod session;
mod sign_in;
mod syntax;
#[cfg(test)]
mod transcripts;
mod uid_set;
mod utf7;
mod wire;

pub use connection_test::{TestStep, TestStepKind, test_connection};
pub use mailbox::ImapMailbox;
pub use sign_in::Credential;

use crate::{Cursor, Error, ImapSettings, WatchOptions};

/// Connects, signs in, and watches from where `cursors` say.
///
/// # Errors
/// Whatever keeps the mailbox from being watched; [`crate::ErrorKind`] tells whose turn it is.
pub async fn connect(
    settings: &ImapSettings,
    credential: &Credential,
    options: WatchOptions,
    cursors: Vec<Cursor>,
) -> Result<ImapMailbox, Error> {
    let stream = session::reach(settings).await?;
    let greeted = session::greet(settings, stream).await?;
    let session = session::enter(greeted, settings, credential).await?;
    Ok(ImapMailbox::new(session, options, cursors))
}
