//! A way on which things happen.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;

use crate::bad_network::{Proxy, Trouble};

/// A proxy, and what happens to its next connections.
pub(super) struct Way {
    proxy: Proxy,
    next: Arc<Mutex<VecDeque<Trouble>>>,
}

impl Way {
    /// To a loopback port.
    pub(super) async fn to(port: u16) -> Result<Self> {
        let (proxy, next) = (Proxy::start(port).await?, Arc::<Mutex<VecDeque<Trouble>>>::default());
        let queue = Arc::clone(&next);
        proxy.plan(move |_| lock(&queue).pop_front().into_iter().collect());
        Ok(Self { proxy, next })
    }

    /// Where it begins.
    pub(super) fn port(&self) -> u16 {
        self.proxy.port()
    }

    /// Cuts what is open; this happens to the next connection.
    pub(super) fn spoil(&self, trouble: Trouble) {
        lock(&self.next).push_back(trouble);
        self.proxy.cut();
    }

    /// Nothing happens any more. Gives the number of troubles that no connection has met.
    pub(super) fn heal(&self) -> usize {
        let unmet = std::mem::take(&mut *lock(&self.next)).len();
        self.proxy.cut();
        unmet
    }
}

fn lock(next: &Mutex<VecDeque<Trouble>>) -> MutexGuard<'_, VecDeque<Trouble>> {
    next.lock().unwrap_or_else(PoisonError::into_inner)
}
