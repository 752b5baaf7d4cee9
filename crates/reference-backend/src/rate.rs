//! How many requests somebody may make: a token bucket for each token, and for each address that has none yet.
//!
//! The buckets are in this process's memory, so that n copies behind a load balancer allow n times as much. They keep a
//! laptop or a script that has run wild from holding up the others; they are no quota.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// Buckets that are kept before those that are full again are forgotten.
const SWEEP_AT: usize = 10_000;

/// How fast, and how much at once.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests a second in the long run.
    pub per_second: f64,
    /// Requests at once after a pause.
    pub burst: f64,
}

/// What is left of one rate.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    fn level(self, rate: Rate, now: Instant) -> f64 {
        let refilled = now.saturating_duration_since(self.at).as_secs_f64() * rate.per_second;
        (self.left + refilled).min(rate.burst)
    }

    /// Takes one; or tells how long it is until there is one.
    fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        let level = self.level(rate, now);
        if level < 1.0 {
            let seconds = (1.0 - level) / rate.per_second;
            return Err(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(3600)));
        }
        *self = Self { left: level - 1.0, at: now };
        Ok(())
    }
}

/// One rate for everybody, each with a bucket of their own.
#[derive(Debug)]
pub struct Limiter<K> {
    rate: Rate,
    buckets: Arc<Mutex<HashMap<K, Bucket>>>,
}

impl<K> Clone for Limiter<K> {
    fn clone(&self) -> Self {
        Self { rate: self.rate, buckets: self.buckets.clone() }
    }
}

impl<K: Eq + Hash> Limiter<K> {
    /// With full buckets.
    pub fn new(rate: Rate) -> Self {
        Self { rate, buckets: Arc::default() }
    }

    /// Takes one from somebody's bucket; or tells how long to wait.
    pub fn take(&self, who: K, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= SWEEP_AT && !buckets.contains_key(&who) {
            let rate = self.rate;
            // A full bucket is as good as none.
            buckets.retain(|_, bucket| bucket.level(rate, now) < rate.burst);
        }
        buckets.entry(who).or_insert(Bucket { left: self.rate.burst, at: now }).take(self.rate, now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: Rate = Rate { per_second: 2.0, burst: 5.0 };

    #[test]
    fn a_burst_is_taken_at_once_and_then_the_rate_counts() {
        let (limiter, start) = (Limiter::new(RATE), Instant::now());
        let taken = (0..8).filter(|_| limiter.take("laptop", start).is_ok()).count();
        assert_eq!(taken, 5);
        assert_eq!(limiter.take("laptop", start), Err(Duration::from_millis(500)));
        assert_eq!(limiter.take("another", start), Ok(()), "each has their own");
        assert_eq!(limiter.take("laptop", start + Duration::from_millis(500)), Ok(()));
        assert!(limiter.take("laptop", start + Duration::from_millis(501)).is_err());
    }

    #[test]
    fn those_who_have_not_asked_for_long_are_forgotten() {
        let (limiter, start) = (Limiter::new(RATE), Instant::now());
        for who in 0..SWEEP_AT {
            limiter.take(who, start).unwrap();
        }
        limiter.take(SWEEP_AT, start + Duration::from_secs(10)).unwrap();
        assert_eq!(limiter.buckets.lock().unwrap().len(), 1);
    }

    proptest! {
        /// Whoever waits as long as was said gets through, and nobody gets more than burst and rate allow.
        #[test]
        fn waiting_as_long_as_was_said_suffices(pauses in proptest::collection::vec(0_u64..1500, 1..60)) {
            let (limiter, start) = (Limiter::new(RATE), Instant::now());
            let (mut now, mut taken) = (start, 0.0);
            for pause in pauses {
                now += Duration::from_millis(pause);
                if let Err(wait) = limiter.take((), now) {
                    now += wait + Duration::from_micros(1);
                    prop_assert!(limiter.take((), now).is_ok());
                }
                taken += 1.0;
                let allowed = RATE.burst + RATE.per_second * now.duration_since(start).as_secs_f64();
                prop_assert!(taken <= allowed + 0.01, "{taken} of {allowed}");
            }
        }
    }
}
