//! When an event that was refused is tried again.

use std::time::Duration;

/// Waits between an event's attempts; after the last it is given up. A good day and a half in all.
const WAITS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 60 * 60),
    Duration::from_secs(5 * 60 * 60),
    Duration::from_secs(10 * 60 * 60),
    Duration::from_secs(20 * 60 * 60),
];

/// How long an event waits after so many attempts; `None` where it is given up. `jitter` is from 0 to 1.
pub fn next_attempt(attempts: i64, jitter: f64) -> Option<Duration> {
    let wait = usize::try_from(attempts).ok().and_then(|n| WAITS.get(n.checked_sub(1)?))?;
    Some(wait.mul_f64(0.75 + jitter.clamp(0.0, 1.0) / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_tried_ten_times_over_a_day_and_a_half() {
        let waits: Vec<Duration> = (1..).map_while(|attempts| next_attempt(attempts, 0.5)).collect();
        assert_eq!(waits.len(), 9);
        let all: Duration = waits.iter().sum();
        assert!(all > Duration::from_secs(36 * 3600) && all < Duration::from_secs(48 * 3600), "{all:?}");
        assert!(waits.is_sorted());
        assert_eq!(next_attempt(i64::MAX, 0.5), None);
    }
}
