//! Where the computer's power comes from.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the computer runs on its battery, as its owner said last; mains at first. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Power(Arc<AtomicBool>);

impl Power {
    /// Says where it comes from now.
    pub fn set_on_battery(&self, on_battery: bool) {
        self.0.store(on_battery, Ordering::Relaxed);
    }

    /// Whether it comes from the battery.
    pub fn is_on_battery(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
