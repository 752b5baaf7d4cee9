//! How often to look.

use jiff::{SignedDuration, Timestamp};

/// Outlook allows a program 10,000 requests to one mailbox in ten minutes. Half of that leaves room for bodies, for the
/// rep's other laptop, and for a first scan.
const REQUESTS_PER_SECOND: i64 = 5000 / 600;

const ACTIVE: SignedDuration = SignedDuration::from_secs(15);
const QUIET: SignedDuration = SignedDuration::from_secs(30);
pub(crate) const IDLE: SignedDuration = SignedDuration::from_secs(60);

/// From one look at all folders to the next: every 15 seconds while mail comes, more seldom when nothing has come for
/// ten minutes and for an hour, half as often on battery (but once a minute at least),
/// and never more often than the limit allows.
pub(crate) fn interval(since_news: SignedDuration, folders: usize, on_battery: bool) -> SignedDuration {
    let wanted = match (since_news.as_mins(), on_battery) {
        (..10, false) => ACTIVE,
        (..10, true) | (10..60, false) => QUIET,
        _ => IDLE,
    };
    let requests = i64::try_from(folders).unwrap_or(i64::MAX).saturating_add(2);
    wanted.max(SignedDuration::from_secs(requests / REQUESTS_PER_SECOND))
}

/// The later time, or the time itself at the end of all times.
pub(crate) fn plus(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_mailbox_is_looked_at_more_seldom_and_many_folders_never_break_the_limit() {
        for (minutes, folders, seconds) in
            [(0, 10, 15), (9, 10, 15), (10, 10, 30), (60, 10, 60), (0, 800, 100)]
        {
            let found = interval(SignedDuration::from_mins(minutes), folders, false);
            assert_eq!(found.as_secs(), seconds, "{minutes} {folders}");
            let requests = 600 / seconds * (folders as i64 + 2);
            assert!(requests <= 10_000, "{requests}");
        }
    }

    #[test]
    fn on_battery_it_is_looked_at_half_as_often_but_once_a_minute_at_least() {
        for (minutes, seconds) in [(0, 30), (10, 60), (60, 60)] {
            assert_eq!(
                interval(SignedDuration::from_mins(minutes), 10, true).as_secs(),
                seconds,
                "{minutes}"
            );
        }
    }
}
