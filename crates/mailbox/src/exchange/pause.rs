//! Waiting when a server asks for it.

use std::time::Duration;

/// How long a server that gives no time is left alone.
pub(crate) const A_WHILE: Duration = Duration::from_secs(10);

/// Longer than this nobody is made to wait, whatever a server says.
pub(crate) const LONGEST: Duration = Duration::from_secs(3600);

/// A pause of this length is waited for within the connection. A longer one ends the mailbox, which says why.
const SHORT: Duration = Duration::from_secs(30);

/// So often one request is made.
const TRIES: u32 = 4;

/// How often one request was put off.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    taken: u32,
}

impl Pauses {
    /// Whether waiting so long, and asking again, is worth it.
    pub(crate) fn allow(&self, wait: Duration) -> bool {
        self.taken + 1 < TRIES && wait <= SHORT
    }

    /// Waits.
    pub(crate) async fn take(&mut self, wait: Duration) {
        self.taken += 1;
        tokio::time::sleep(wait).await;
    }
}
