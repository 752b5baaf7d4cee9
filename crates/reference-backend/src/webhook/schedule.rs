//! What an attempt's outcome means, and when the next one is. Pure.
//!
//! Two things are told apart. An endpoint that is *down* is tried with one delivery at a time, at most every five minutes, whatever
//! is waiting; the first success lets everything out at once. A *delivery* has so many attempts of its own, and when they are
//! used up it is dead: an administrator sees it and can have it delivered again.

use std::time::Duration;

const LONGEST_HOLD: Duration = Duration::from_secs(5 * 60);
/// The longest wait that an endpoint can ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// How an attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint has it.
    Delivered,
    /// The endpoint does not want this one.
    Refused,
    /// The endpoint can't take anything now.
    Down {
        /// When to come back, where it said so.
        retry_after: Option<Duration>,
    },
    /// The endpoint is gone for good (410).
    Gone,
}

impl Outcome {
    /// From the HTTP status of the answer.
    pub const fn of_status(status: u16, retry_after: Option<Duration>) -> Self {
        match status {
            200..=299 => Self::Delivered,
            410 => Self::Gone,
            // Redirects are not followed: the secret's owner gave this address and no other.
            300..=399 | 408 | 429 | 500..=599 => Self::Down { retry_after },
            _ => Self::Refused,
        }
    }
}

/// How long an endpoint is left alone after it was down so many times in a row.
pub fn hold(failures: i64, retry_after: Option<Duration>) -> Duration {
    let doubled = Duration::from_secs(5).saturating_mul(1 << failures.saturating_sub(1).clamp(0, 10));
    doubled.min(LONGEST_HOLD).max(retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_meaning() {
        let down = Outcome::Down { retry_after: None };
        let cases = [
            (200, Outcome::Delivered),
            (204, Outcome::Delivered),
            (301, down),
            (400, Outcome::Refused),
            (401, Outcome::Refused),
            (404, Outcome::Refused),
            (408, down),
            (410, Outcome::Gone),
            (429, down),
            (500, down),
            (503, down),
        ];
        for (status, outcome) in cases {
            assert_eq!(Outcome::of_status(status, None), outcome, "{status}");
        }
    }

    #[test]
    fn an_endpoint_that_is_down_is_asked_every_five_minutes_at_the_least() {
        let holds: Vec<u64> = (1..9).map(|n| hold(n, None).as_secs()).collect();
        assert_eq!(holds, [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(hold(i64::MAX, None), LONGEST_HOLD);
        assert_eq!(hold(1, Some(Duration::from_secs(90))).as_secs(), 90);
        assert_eq!(hold(1, Some(Duration::from_secs(1_000_000))), LONGEST_RETRY_AFTER);
    }
}
