//! How long to wait before trying again.

use std::time::Duration;

/// Doubles from two seconds up to a limit, with jitter, and starts over after a success.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    failures: u32,
    longest: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_secs(2);

    /// Never waits longer than `longest`.
    pub fn up_to(longest: Duration) -> Self {
        Self { failures: 0, longest }
    }

    /// It worked.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// It failed: how long to wait now. `jitter` is a random number from 0 to 1; laptops that lost the same server
    /// at the same moment must not come back at the same moment. A longer wait that the other side asked for wins.
    pub fn next(&mut self, jitter: f64, asked: Option<Duration>) -> Duration {
        let doubled = Self::FIRST.saturating_mul(1 << self.failures.min(16)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        doubled.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0).max(asked.unwrap_or_default())
    }
}

/// A number from 0 to 1 that differs between laptops and calls; need not be unpredictable.
pub fn jitter() -> f64 {
    let random = uuid::Uuid::new_v4().as_u128() as u32;
    f64::from(random) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_and_start_over() {
        let mut backoff = Backoff::up_to(Duration::from_secs(80));
        let waits: Vec<u64> = (0..8).map(|_| backoff.next(1.0, None).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 64, 80, 80]);
        backoff.reset();
        assert_eq!(backoff.next(0.0, None), Duration::from_secs(1));
    }

    #[test]
    fn what_the_server_asked_for_is_the_least() {
        let mut backoff = Backoff::up_to(Duration::from_secs(80));
        assert_eq!(backoff.next(0.5, Some(Duration::from_secs(300))), Duration::from_secs(300));
    }
}
