//! May the next step go out? Pure.
//!
//! A step is held until the mailbox that the campaign is sent from was checked late enough for an answer to have been
//! found. How late that is:
//! - with the campaign's grace time set: up to the last send plus the grace time. Set it to the time between two steps,
//!   and each step waits until the mailbox was checked up to the time at which it is due;
//! - without: up to now, but for [`FRESH`], and never before the last send.
//!
//! A laptop reports coverage only after the events of what it found, so that an answer that had reached the mailbox before the
//! coverage is known here before the coverage is.

use std::time::Duration;

use answerback_backend::{Gate, GateState};
use jiff::{SignedDuration, Timestamp};

use crate::enrolment::State;

/// A mailbox that was checked this recently counts as checked up to now.
pub const FRESH: SignedDuration = SignedDuration::from_mins(15);
/// How long a step is held at most, where the campaign does not say.
pub const LONGEST_HOLD: Duration = Duration::from_secs(72 * 60 * 60);

/// What the decision depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The prospect in the campaign.
    pub state: State,
    /// Whether the prospect's address must not be mailed.
    pub suppressed: bool,
    /// When the last step went out.
    pub last_sent: Option<Timestamp>,
    /// Up to when the mailbox was checked.
    pub checked_up_to: Option<Timestamp>,
    /// The campaign's grace time.
    pub grace: Option<Duration>,
    /// The campaign's longest hold.
    pub longest_hold: Duration,
    /// Since when the step has been held, if it is.
    pub hold_since: Option<Timestamp>,
}

/// The answer, and since when the step has been held from now on.
pub fn decide(facts: &Facts, now: Timestamp) -> (Gate, Option<Timestamp>) {
    let gate = |state, until, because: &str| Gate {
        state,
        until,
        because: because.into(),
        checked_up_to: facts.checked_up_to,
    };
    match facts.state.clone().at(now) {
        State::Stopped { reason } => return (gate(GateState::Stopped, None, &reason), None),
        State::Finished => return (gate(GateState::Stopped, None, "finished"), None),
        _ if facts.suppressed => return (gate(GateState::Stopped, None, "suppressed"), None),
        State::Paused { until } => return (gate(GateState::Paused, Some(until), "auto_reply"), None),
        State::Active => {}
    }
    let Some(last_sent) = facts.last_sent else {
        return (gate(GateState::Clear, None, "nothing_sent"), None);
    };
    let needed = match facts.grace {
        Some(grace) => later(last_sent, grace),
        None => now.checked_sub(FRESH).map_or(last_sent, |fresh| fresh.max(last_sent)),
    };
    if facts.checked_up_to.is_some_and(|checked| checked >= needed) {
        return (gate(GateState::Clear, None, "mailbox_checked"), None);
    }
    // A hold from before the last send was that of an earlier step.
    let since = facts.hold_since.filter(|since| *since >= last_sent).unwrap_or(now);
    let until = later(since, facts.longest_hold);
    if until <= now {
        (gate(GateState::Clear, None, "longest_hold_is_over"), Some(since))
    } else {
        (gate(GateState::Hold, Some(until), "mailbox_not_checked"), Some(since))
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(time: &str) -> Timestamp {
        format!("2026-11-{time}:00Z").parse().unwrap()
    }

    fn facts() -> Facts {
        Facts {
            state: State::Active,
            suppressed: false,
            last_sent: Some(at("18T08:00")),
            checked_up_to: None,
            grace: None,
            longest_hold: LONGEST_HOLD,
            hold_since: None,
        }
    }

    fn decided(facts: Facts, now: &str) -> (GateState, String) {
        let (gate, _) = decide(&facts, at(now));
        (gate.state, gate.because)
    }

    #[test]
    fn the_laptop_sleeps_while_the_next_step_is_due() {
        let evening = Facts { checked_up_to: Some(at("18T18:00")), ..facts() };
        assert_eq!(decided(evening.clone(), "21T08:00"), (GateState::Hold, "mailbox_not_checked".into()));
        let awake = Facts { checked_up_to: Some(at("21T08:55")), ..evening.clone() };
        assert_eq!(decided(awake, "21T09:00"), (GateState::Clear, "mailbox_checked".into()));
        let answered = Facts { state: State::Stopped { reason: "reply".into() }, ..evening };
        assert_eq!(decided(answered, "21T09:00"), (GateState::Stopped, "reply".into()));
    }

    #[test]
    fn with_a_grace_time_the_mailbox_has_to_be_checked_up_to_the_last_send_and_it() {
        let facts = Facts { grace: Some(48 * HOUR), ..facts() };
        let checked = |time| Facts { checked_up_to: Some(at(time)), ..facts.clone() };
        assert_eq!(decided(checked("20T07:59"), "25T00:00").0, GateState::Hold);
        assert_eq!(decided(checked("20T08:00"), "25T00:00").0, GateState::Clear);
    }

    #[test]
    fn a_hold_ends_after_the_longest_hold_and_each_step_has_its_own() {
        let now = at("21T08:00");
        let (gate, since) = decide(&facts(), now);
        assert_eq!((gate.state, gate.until, since), (GateState::Hold, Some(at("24T08:00")), Some(now)));
        let held = Facts { hold_since: since, ..facts() };
        assert_eq!(decided(held.clone(), "24T07:59").0, GateState::Hold);
        assert_eq!(decided(held.clone(), "24T08:00"), (GateState::Clear, "longest_hold_is_over".into()));
        let next = Facts { last_sent: Some(at("24T08:01")), ..held };
        assert_eq!(decide(&next, at("26T08:00")).1, Some(at("26T08:00")));
    }

    #[test]
    fn what_forbids_a_step_goes_before_what_holds_it() {
        let pause = State::Paused { until: at("25T00:00") };
        let checked = Facts { checked_up_to: Some(at("21T08:00")), ..facts() };
        let cases = [
            (Facts { state: State::Finished, ..checked.clone() }, GateState::Stopped, "finished"),
            (Facts { suppressed: true, ..checked.clone() }, GateState::Stopped, "suppressed"),
            (Facts { state: pause, ..checked.clone() }, GateState::Paused, "auto_reply"),
            (Facts { last_sent: None, ..facts() }, GateState::Clear, "nothing_sent"),
        ];
        for (facts, state, because) in cases {
            assert_eq!(decided(facts, "21T08:00"), (state, because.into()));
        }
    }

    /// A mailbox, a laptop that checks it now and then, a network that loses and repeats, and this backend.
    #[derive(Default)]
    struct World {
        now: i64,
        answers: Vec<i64>,
        seen: usize,
        outbox: Vec<Sent>,
        stopped: bool,
        checked: Option<i64>,
    }

    #[derive(Clone, Copy)]
    enum Sent {
        Stop,
        Coverage(i64),
    }

    impl World {
        fn act(&mut self, action: u8, amount: i64) {
            match action {
                0 => self.now += amount * 600,
                1 => self.answers.push(self.now),
                2 => {
                    let new = self.answers.len() - self.seen;
                    self.outbox.extend(std::iter::repeat_n(Sent::Stop, new));
                    self.seen = self.answers.len();
                    self.outbox.push(Sent::Coverage(self.now));
                }
                // A batch arrives; its acknowledgement may be lost, and then it comes again.
                _ => {
                    let batch: Vec<Sent> = self.outbox.iter().copied().take(amount as usize).collect();
                    for event in &batch {
                        match event {
                            Sent::Stop => self.stopped = true,
                            Sent::Coverage(at) => self.checked = self.checked.max(Some(*at)),
                        }
                    }
                    if action == 3 {
                        self.outbox.drain(..batch.len());
                    }
                }
            }
        }
    }

    proptest! {
        /// Whatever happens when, nobody gets the next step whose answer had reached the mailbox before the coverage that cleared it.
        #[test]
        fn no_step_is_cleared_for_somebody_who_had_answered_before_the_check(
            actions in proptest::collection::vec((0_u8..5, 1_i64..60), 1..80),
            grace in proptest::option::of(0_u64..200_000),
        ) {
            let time = |s| Timestamp::from_second(s).unwrap();
            let mut world = World::default();
            let mut hold_since = None;
            for (action, amount) in actions {
                world.act(action, amount);
                let state = if world.stopped { State::Stopped { reason: "reply".into() } } else { State::Active };
                let facts = Facts {
                    state,
                    last_sent: Some(time(0)),
                    checked_up_to: world.checked.map(time),
                    grace: grace.map(Duration::from_secs),
                    hold_since,
                    ..facts()
                };
                let (gate, since) = decide(&facts, time(world.now));
                hold_since = since;
                if gate.state == GateState::Clear && gate.because == "mailbox_checked" {
                    let checked = world.checked.unwrap_or(-1);
                    prop_assert!(world.answers.iter().all(|answer| *answer >= checked), "cleared by the check at {checked}");
                }
            }
        }

        /// Short of the longest hold, a step is cleared only when the mailbox was checked after the last send, and after
        /// the grace time or almost up to now.
        #[test]
        fn no_step_is_cleared_by_a_check_that_was_too_early(
            sent in 0_i64..1_000_000, checked in proptest::option::of(0_i64..2_000_000),
            grace in proptest::option::of(0_u64..500_000), now in 0_i64..2_000_000,
        ) {
            let time = |s| Timestamp::from_second(s).unwrap();
            let facts = Facts {
                last_sent: Some(time(sent)),
                checked_up_to: checked.map(time),
                grace: grace.map(Duration::from_secs),
                ..facts()
            };
            let (gate, _) = decide(&facts, time(now));
            if gate.state == GateState::Clear {
                let checked = checked.unwrap_or(i64::MIN);
                prop_assert!(checked >= sent);
                prop_assert!(grace.map_or(checked >= now - 900, |g| checked >= sent + g as i64));
            }
        }
    }
}
