//! What is remembered of a server's compression from one connection to the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a server's COMPRESS=DEFLATE is to be left alone, since it was refused, has hung, or sent nonsense. Clones share it: a mailbox's next
/// connection gets the one of the last.
#[derive(Clone, Debug, Default)]
pub struct Compression(Arc<AtomicBool>);

impl Compression {
    /// It went wrong.
    pub(crate) fn set_broken(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it went wrong.
    pub(crate) fn is_broken(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
