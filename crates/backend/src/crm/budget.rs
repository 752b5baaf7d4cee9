//! Requests are limited: ours of a day by the settings, the organisation's by the CRM.

use jiff::{Timestamp, ToSpan, tz::TimeZone};

/// Until when nothing may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Our own requests of the day (UTC) are used up: until the next.
    Ours(Timestamp),
    /// The whole organisation is short of requests: for a while.
    TheirOwn(Timestamp),
}

impl Hold {
    /// Until when.
    pub const fn until(self) -> Timestamp {
        match self {
            Self::Ours(until) | Self::TheirOwn(until) => until,
        }
    }
}

/// Whether our requests of the day are used up.
pub fn ours(used: i64, most: u32, now: Timestamp) -> Option<Hold> {
    let tomorrow = || now.to_zoned(TimeZone::UTC).start_of_day().and_then(|day| day.checked_add(1.day()));
    (used >= i64::from(most)).then(|| Hold::Ours(tomorrow().map_or(now, |day| day.timestamp())))
}

/// The day (UTC) whose requests are counted.
pub fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_s_requests_come_back_at_midnight() {
        let now: Timestamp = "2026-11-20T23:10:00Z".parse().unwrap();
        assert_eq!(ours(99, 100, now), None);
        assert_eq!(ours(100, 100, now), Some(Hold::Ours("2026-11-21T00:00:00Z".parse().unwrap())));
        assert_eq!(day(now), "2026-11-20");
    }
}
