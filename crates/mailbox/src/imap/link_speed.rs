//! How fast a first scan comes in, and whether compressing it pays.

use std::time::Duration;

/// A pause of the server's must not pass for a slow link.
const LOOKED_FOR: Duration = Duration::from_secs(2);

/// Servers deflate some 20 MB a second: at this speed compression costs them a twentieth of the time, and header fields become
/// a fifth of their size.
const SLOW_BYTES_A_SECOND: u64 = 1_000_000;

/// What came while the client waited for it. Time that the client spent on what it had is not counted, so that only the link and
/// the server make it slow.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LinkSpeed {
    bytes: u64,
    waited: Duration,
}

impl LinkSpeed {
    /// So many bytes came, and so long they were waited for.
    pub(crate) fn note(&mut self, bytes: u64, waited: Duration) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.waited = self.waited.saturating_add(waited);
    }

    /// Whether compression pays.
    pub(crate) fn is_slow(&self) -> bool {
        let most = u128::from(SLOW_BYTES_A_SECOND) * self.waited.as_millis() / 1000;
        self.waited >= LOOKED_FOR && u128::from(self.bytes) < most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_slow_when_little_came_in_a_long_time_of_waiting() {
        for (bytes, millis, slow) in [
            (0, 0, false),
            // A fast link: the client hardly waits.
            (77_000_000, 900, false),
            // Too early to say.
            (100_000, 1_900, false),
            // 4 and 10 Mbit/s.
            (1_000_000, 2_000, true),
            (12_500_000, 10_000, false),
            (u64::MAX, u64::MAX, true),
        ] {
            let mut link = LinkSpeed::default();
            link.note(bytes, Duration::from_millis(millis));
            assert_eq!(link.is_slow(), slow, "{bytes} bytes in {millis} ms");
        }
    }

    #[test]
    fn what_is_noted_adds_up() {
        let mut link = LinkSpeed::default();
        for _ in 0..3 {
            link.note(300_000, Duration::from_secs(1));
        }
        assert!(link.is_slow());
        link.note(10_000_000, Duration::ZERO);
        assert!(!link.is_slow());
    }
}
