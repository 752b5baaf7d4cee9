//! Notices that the computer slept.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// More than a clock is ever set by in passing, and less than any sleep that breaks connections.
const JUMP: Duration = Duration::from_secs(30);

/// Compares the wall clock, which goes on while the computer sleeps, with the monotonic one, which on many
/// systems stands still. Where it doesn't, a check that comes much later than it was due shows the same.
#[derive(Clone, Copy, Debug)]
pub struct WakeDetector {
    wall: Timestamp,
    monotonic: Instant,
}

impl WakeDetector {
    /// Begins to watch at this moment, given by both clocks.
    pub fn new(wall: Timestamp, monotonic: Instant) -> Self {
        Self { wall, monotonic }
    }

    /// Whether the computer seems to have slept since the last look, and for how long about. To be asked every
    /// few seconds; `JUMP` (30 seconds) is what it takes. A clock set forward by hand looks the same, which only costs
    /// a new connection.
    pub fn slept(&mut self, wall: Timestamp, monotonic: Instant) -> Option<Duration> {
        let by_wall = Duration::try_from(wall.duration_since(self.wall)).unwrap_or_default();
        let by_monotonic = monotonic.saturating_duration_since(self.monotonic);
        *self = Self { wall, monotonic };
        let late = by_wall.max(by_monotonic);
        (late >= JUMP).then_some(late)
    }
}

/// How long to wait for the next look, at this time. Everything in a process that looks now and then does so at the same moments,
/// `every` apart, so that an idle processor is woken up once for all of it. Never zero, never more than `every`.
pub fn until_next_look(wall: Timestamp, every: Duration) -> Duration {
    // Each process has moments of its own: a backend must not hear from all laptops at once.
    static PHASE: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
    until_next_moment(wall, every, *PHASE)
}

fn until_next_moment(wall: Timestamp, every: Duration, phase: u64) -> Duration {
    let every = every.as_nanos().clamp(1, u128::from(u64::MAX));
    let since_epoch = wall.as_nanosecond().unsigned_abs();
    let past = (since_epoch + u128::from(phase)) % every;
    Duration::from_nanos(u64::try_from(every - past).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_look_at_the_same_moments_and_none_at_once() {
        for (wall, every, phase, wait) in [
            (0, 10, 0, 10),
            (1, 10, 0, 9),
            (59, 20, 0, 1),
            (60, 20, 0, 20),
            (60, 20, 7, 13),
            (60, 20, 3 * 20 + 7, 13),
        ] {
            let found = until_next_moment(
                Timestamp::from_second(wall).unwrap(),
                Duration::from_secs(every),
                phase * 1_000_000_000,
            );
            assert_eq!(found, Duration::from_secs(wait), "{wall} {every} {phase}");
        }
        assert!(until_next_moment(Timestamp::MIN, Duration::ZERO, u64::MAX) > Duration::ZERO);
    }

    #[test]
    fn only_a_jump_counts_as_sleep() {
        let (wall, start) = (Timestamp::UNIX_EPOCH, Instant::now());
        let second = Duration::from_secs(1);
        for (wall_by, monotonic_by, slept) in
            [(10, 10, false), (600, 10, true), (600, 600, true), (29, 0, false)]
        {
            let mut detector = WakeDetector::new(wall, start);
            let found = detector.slept(wall + second * wall_by, start + second * monotonic_by);
            assert_eq!(found.is_some(), slept, "{wall_by} {monotonic_by}");
        }
    }

    #[test]
    fn a_clock_set_back_is_no_sleep_and_the_next_sleep_is_seen() {
        let (wall, start) = (Timestamp::UNIX_EPOCH + Duration::from_secs(9000), Instant::now());
        let mut detector = WakeDetector::new(wall, start);
        assert_eq!(detector.slept(wall - Duration::from_secs(3600), start + Duration::from_secs(1)), None);
        assert!(detector.slept(wall, start + Duration::from_secs(2)).is_some());
    }
}
