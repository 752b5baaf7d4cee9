//! A prospect in a campaign: what the events that came say about it. Pure.
//!
//! ```text
//!            pause                     stop
//!  active ─────────▶ paused   active, paused ─────▶ stopped
//!         ◀─────────                         campaign ends
//!        until is over        active, paused ─────▶ finished
//! ```
//! The state is a fold over the events that were not retracted, so that a retraction gives the state that would be there
//! without the event, whatever came between.

use answerback_backend::EventType;
use jiff::Timestamp;

/// What stands of an event that changes the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Stop or pause.
    pub event_type: EventType,
    /// Of a stop.
    pub reason: Option<String>,
    /// Of a pause.
    pub until: Option<Timestamp>,
}

/// The state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Steps go out.
    Active,
    /// No step before this time.
    Paused {
        /// The time.
        until: Timestamp,
    },
    /// Somebody answered, or it can't or must not be delivered.
    Stopped {
        /// The stop event's reason.
        reason: String,
    },
    /// The campaign itself is over.
    Finished,
}

impl State {
    /// The state after these events, oldest first.
    pub fn after<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Self {
        changes.into_iter().fold(Self::Active, Self::then)
    }

    /// The state in a campaign that may be over. Who answered is told also then.
    #[must_use]
    pub fn in_campaign(self, finished: bool) -> Self {
        match self {
            Self::Active | Self::Paused { .. } if finished => Self::Finished,
            other => other,
        }
    }

    fn then(self, change: &Change) -> Self {
        match (self, change.event_type, change.until) {
            // The first stop is the one that ended it; later events are logged only.
            (stopped @ (Self::Stopped { .. } | Self::Finished), ..) => stopped,
            (_, EventType::Stop, _) => Self::Stopped { reason: change.reason.clone().unwrap_or_default() },
            (Self::Paused { until: before }, EventType::Pause, Some(until)) => {
                Self::Paused { until: before.max(until) }
            }
            (Self::Active, EventType::Pause, Some(until)) => Self::Paused { until },
            (state, ..) => state,
        }
    }

    /// The state at a time: a pause ends by itself.
    pub fn at(self, now: Timestamp) -> Self {
        match self {
            Self::Paused { until } if until <= now => Self::Active,
            other => other,
        }
    }

    /// Its name in the database.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused { .. } => "paused",
            Self::Stopped { .. } => "stopped",
            Self::Finished => "finished",
        }
    }

    /// From the columns of the database.
    pub fn from_columns(name: &str, reason: Option<String>, until: Option<Timestamp>) -> Self {
        match (name, until) {
            ("stopped", _) => Self::Stopped { reason: reason.unwrap_or_default() },
            ("finished", _) => Self::Finished,
            ("paused", Some(until)) => Self::Paused { until },
            _ => Self::Active,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stop(reason: &str) -> Change {
        Change { event_type: EventType::Stop, reason: Some(reason.into()), until: None }
    }

    fn pause(until: &str) -> Change {
        Change { event_type: EventType::Pause, reason: None, until: Some(until.parse().unwrap()) }
    }

    const EARLY: &str = "2026-12-01T00:00:00Z";
    const LATE: &str = "2026-12-10T00:00:00Z";

    #[test]
    fn a_campaign_goes_from_active_to_paused_and_back_and_ends_once() {
        let paused = |until: &str| State::Paused { until: until.parse().unwrap() };
        let stopped = |reason: &str| State::Stopped { reason: reason.into() };
        let cases: [(&str, Vec<Change>, bool, State); 8] = [
            ("nothing came", vec![], false, State::Active),
            ("out of office", vec![pause(EARLY)], false, paused(EARLY)),
            ("the longer absence counts", vec![pause(LATE), pause(EARLY)], false, paused(LATE)),
            ("a reply ends the pause", vec![pause(LATE), stop("reply")], false, stopped("reply")),
            ("the first stop counts", vec![stop("reply"), stop("bounce")], false, stopped("reply")),
            ("a pause does not revive it", vec![stop("reply"), pause(LATE)], false, stopped("reply")),
            ("finished", vec![pause(LATE)], true, State::Finished),
            ("who answered is told also when it is finished", vec![stop("reply")], true, stopped("reply")),
        ];
        for (name, changes, finished, expected) in cases {
            assert_eq!(State::after(&changes).in_campaign(finished), expected, "{name}");
        }
    }

    #[test]
    fn a_pause_ends_by_itself_on_its_day() {
        let until: Timestamp = EARLY.parse().unwrap();
        assert_eq!(State::Paused { until }.at(until), State::Active);
        let before = "2026-11-30T23:59:59Z".parse().unwrap();
        assert_eq!(State::Paused { until }.at(before), State::Paused { until });
    }

    /// A day of December as a pause's end, or a stop.
    fn change(of: u8) -> Change {
        match of {
            0 => stop("reply"),
            1 => stop("bounce"),
            day => pause(&format!("2026-12-{:02}T00:00:00Z", day + 1)),
        }
    }

    proptest! {
        /// Each event on its own changes the state in one direction only, and a stop is the end.
        #[test]
        fn a_stopped_campaign_stays_stopped_for_the_first_reason(
            before in proptest::collection::vec(2_u8..28, 0..6), first in 0_u8..2, later in proptest::collection::vec(0_u8..28, 0..8),
        ) {
            let changes: Vec<Change> = before.into_iter().chain([first]).chain(later).map(change).collect();
            let reason = if first == 0 { "reply" } else { "bounce" };
            prop_assert_eq!(State::after(&changes), State::Stopped { reason: reason.into() });
        }

        /// Pauses are over when the longest is, in whatever order they came.
        #[test]
        fn a_paused_campaign_is_active_again_after_its_longest_pause(
            mut days in proptest::collection::vec(2_u8..28, 1..8), at in 1_i64..32,
        ) {
            let longest = days.iter().max().map_or(0, |day| i64::from(*day) + 1);
            let now: Timestamp = "2026-11-30T00:00:00Z".parse().unwrap();
            let now = now + jiff::SignedDuration::from_hours(24 * at);
            let one = State::after(&days.iter().map(|d| change(*d)).collect::<Vec<_>>());
            days.reverse();
            let other = State::after(&days.iter().map(|d| change(*d)).collect::<Vec<_>>());
            prop_assert_eq!(&one, &other);
            prop_assert_eq!(one.at(now) == State::Active, at >= longest);
        }
    }
}
