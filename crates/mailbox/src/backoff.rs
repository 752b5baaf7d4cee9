//! When to connect again, as a state machine without clock or dice.

use std::time::Duration;

use crate::{Error, ErrorKind};

const SHORTEST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(80);

/// Sign-ins in a row that may be refused before the rep is asked: providers refuse a good password now and then,
/// after sleep or with many connections (chatmail/core `imap.rs`, mustang#350), and lock accounts at many bad ones. An
/// access token may be revoked before its time; the next attempt has a new one.
const REFUSALS: u32 = 2;

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Try again after this time, or at once when the network changes or the computer wakes.
    After(Duration),
    /// Try again after this time and not before: the server asked for it.
    NotBefore(Duration),
    /// Don't try until the rep changed something.
    Stop,
}

/// The waiting time between attempts to connect: from 2 to 80 seconds, doubling, with jitter so that a server that
/// comes back doesn't meet all its clients at once (chatmail/core#5443).
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    failures: u32,
    refusals: u32,
}

impl Backoff {
    /// Nothing has failed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// An attempt failed, or a connection was lost. `dice` is a random number from 0 to 1.
    pub fn failed(&mut self, error: &Error, dice: f64) -> Retry {
        if matches!(error.kind, ErrorKind::WrongPassword | ErrorKind::WrongToken) {
            self.refusals += 1;
            if self.refusals >= REFUSALS {
                return Retry::Stop;
            }
        } else if matches!(error.kind, ErrorKind::Settings | ErrorKind::Unsupported) {
            return Retry::Stop;
        } else if !error.kind.is_transient() {
            // An unknown name or a foreign certificate may be a hotel's network login page, or a VPN that is off.
            return Retry::After(LONGEST);
        }
        let doubled = SHORTEST.saturating_mul(1 << self.failures.min(6)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        // From half of it to the whole.
        let wait = doubled.mul_f64(0.5 + dice.clamp(0.0, 1.0) / 2.0).max(SHORTEST);
        match error.retry_after {
            Some(asked) => Retry::NotBefore(asked.max(wait)),
            None if error.kind == ErrorKind::Throttled => Retry::NotBefore(LONGEST.max(wait)),
            None => Retry::After(wait),
        }
    }

    /// Signed in, and something was read: the next failure starts from the shortest wait. To be called after
    /// [`crate::Event::Connected`], since a server may accept a connection and then drop it.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// The network changed or the computer woke: what failed before says nothing about now. Refused sign-ins still
    /// count.
    pub fn interrupted(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error(kind: ErrorKind) -> Error {
        Error::new(kind, String::new())
    }

    #[test]
    fn waits_double_from_two_to_eighty_seconds() {
        let mut backoff = Backoff::new();
        let waits = (0..8).map(|_| match backoff.failed(&error(ErrorKind::Lost), 1.0) {
            Retry::After(wait) => wait.as_secs(),
            other => panic!("{other:?}"),
        });
        assert_eq!(waits.collect::<Vec<_>>(), [2, 4, 8, 16, 32, 64, 80, 80]);
        backoff.interrupted();
        assert_eq!(backoff.failed(&error(ErrorKind::Lost), 1.0), Retry::After(SHORTEST));
    }

    #[test]
    fn the_second_wrong_password_stops_and_success_forgets_the_first() {
        let mut backoff = Backoff::new();
        assert!(matches!(backoff.failed(&error(ErrorKind::WrongPassword), 0.5), Retry::After(_)));
        backoff.succeeded();
        assert!(matches!(backoff.failed(&error(ErrorKind::WrongPassword), 0.5), Retry::After(_)));
        backoff.interrupted();
        assert_eq!(backoff.failed(&error(ErrorKind::WrongPassword), 0.5), Retry::Stop);
    }

    #[test]
    fn what_only_the_rep_can_mend_stops_at_once() {
        for kind in [ErrorKind::Settings, ErrorKind::Unsupported] {
            assert_eq!(Backoff::new().failed(&error(kind), 0.5), Retry::Stop, "{kind:?}");
        }
    }

    #[test]
    fn a_captive_portal_is_outlasted() {
        for kind in [ErrorKind::Certificate, ErrorKind::UnknownHost] {
            assert_eq!(Backoff::new().failed(&error(kind), 0.5), Retry::After(LONGEST), "{kind:?}");
        }
    }

    #[test]
    fn a_server_that_asks_for_time_gets_it() {
        let asked = Duration::from_secs(300);
        let throttled = Error { retry_after: Some(asked), ..error(ErrorKind::Throttled) };
        assert_eq!(Backoff::new().failed(&throttled, 0.0), Retry::NotBefore(asked));
        assert_eq!(Backoff::new().failed(&error(ErrorKind::Throttled), 0.0), Retry::NotBefore(LONGEST));
    }

    proptest! {
        #[test]
        fn no_wait_is_shorter_or_longer_than_the_bounds(dice in prop::collection::vec(-1.0_f64..2.0, 1..100)) {
            let mut backoff = Backoff::new();
            for dice in dice {
                match backoff.failed(&error(ErrorKind::TimedOut), dice) {
                    Retry::After(wait) => prop_assert!(wait >= SHORTEST && wait <= LONGEST),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
    }
}
