use proptest::prelude::*;

use super::*;

fn id(n: usize) -> Uuid {
    Uuid::from_u128(n as u128 + 1)
}

fn queue(n: usize) -> Vec<Queued> {
    (0..n).map(|i| Queued { id: id(i), send_id: Some(format!("snd_{i}")), bytes: 100 }).collect()
}

fn now() -> Timestamp {
    "2026-11-20T09:12:00Z".parse().unwrap()
}

fn accepted(batch: &[Uuid]) -> Outcome {
    let result = |id: &Uuid| EventResult { id: Some(*id), status: EventStatus::Accepted, reason: None };
    Outcome::Results(batch.iter().map(result).collect())
}

fn sent(step: Step) -> Vec<Uuid> {
    match step {
        Step::Send(batch) => batch,
        other => panic!("expected a batch, not {other:?}"),
    }
}

/// Runs until the queue is empty against a backend that is a function of the batch; gives what was acknowledged and what was set
/// aside, in order.
fn drain(mut queue: Vec<Queued>, mut backend: impl FnMut(&[Uuid]) -> Outcome) -> (Vec<Uuid>, Vec<Uuid>) {
    let mut pusher = Pusher::default();
    let (mut acknowledged, mut aside) = (Vec::new(), Vec::new());
    let mut clock = now();
    for _ in 0..100_000 {
        match pusher.next(clock, &queue) {
            Step::Idle => break,
            Step::Wait(wait) => clock += SignedDuration::try_from(wait).unwrap(),
            Step::Send(batch) => {
                for effect in pusher.answered(backend(&batch), clock, 0.5) {
                    let (Effect::Acknowledge(id) | Effect::SetAside { id, .. }) = &effect;
                    queue.retain(|e| e.id != *id);
                    match effect {
                        Effect::Acknowledge(id) => acknowledged.push(id),
                        Effect::SetAside { id, .. } => aside.push(id),
                    }
                }
            }
        }
    }
    assert_eq!(queue, [], "the queue drains");
    (acknowledged, aside)
}

#[test]
fn a_batch_holds_no_more_events_and_bytes_than_the_contract_allows() {
    let mut pusher = Pusher::default();
    assert_eq!(sent(pusher.next(now(), &queue(1200))).len(), MAX_BATCH_EVENTS);
    let mut pusher = Pusher::default();
    let mut large = queue(5);
    large.iter_mut().for_each(|e| e.bytes = 400 * 1024);
    assert_eq!(sent(pusher.next(now(), &large)), [id(0), id(1)]);
}

#[test]
fn one_batch_is_in_flight_at_a_time() {
    let mut pusher = Pusher::default();
    let batch = sent(pusher.next(now(), &queue(3)));
    assert_eq!(pusher.next(now(), &queue(3)), Step::Idle);
    let effects = pusher.answered(accepted(&batch), now(), 0.5);
    assert_eq!(effects, [0, 1, 2].map(|n| Effect::Acknowledge(id(n))));
    assert_eq!(pusher.answered(accepted(&batch), now(), 0.5), [], "an answer counts once");
}

#[test]
fn waits_double_up_to_a_limit_and_a_success_ends_them() {
    let mut pusher = Pusher::default();
    let mut waits = Vec::new();
    let mut clock = now();
    for _ in 0..12 {
        sent(pusher.next(clock, &queue(1)));
        pusher.answered(Outcome::Undelivered { retry_after: None }, clock, 1.0);
        let Step::Wait(wait) = pusher.next(clock, &queue(1)) else { panic!("it waits") };
        waits.push(wait.as_secs());
        clock += SignedDuration::try_from(wait).unwrap();
    }
    assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
    let batch = sent(pusher.next(clock, &queue(1)));
    pusher.answered(accepted(&batch), clock, 1.0);
    assert_eq!(pusher.failures(), 0);
}

#[test]
fn the_backend_can_ask_for_a_longer_break_but_not_for_ever() {
    for (asked, expected) in [(120, 120), (1_000_000, 3600)] {
        let mut pusher = Pusher::default();
        sent(pusher.next(now(), &queue(1)));
        let retry_after = Some(Duration::from_secs(asked));
        pusher.answered(Outcome::Undelivered { retry_after }, now(), 0.5);
        assert_eq!(pusher.next(now(), &queue(1)), Step::Wait(Duration::from_secs(expected)));
        pusher.hurry();
        assert_eq!(sent(pusher.next(now(), &queue(1))), [id(0)]);
    }
}

#[test]
fn a_clock_that_was_set_back_does_not_stop_the_outbox() {
    let mut pusher = Pusher::default();
    sent(pusher.next(now(), &queue(1)));
    pusher.answered(Outcome::Undelivered { retry_after: None }, now(), 0.5);
    let yesterday = now() - SignedDuration::from_hours(24);
    assert_eq!(sent(pusher.next(yesterday, &queue(1))), [id(0)]);
}

#[test]
fn an_event_that_makes_the_backend_refuse_its_batch_is_found_and_set_aside() {
    let poison = id(700);
    let (acknowledged, aside) = drain(queue(1200), |batch| {
        if batch.contains(&poison) { Outcome::Refused { reason: "bad".into() } } else { accepted(batch) }
    });
    assert_eq!(aside, [poison]);
    assert_eq!(acknowledged, (0..1200).filter(|n| *n != 700).map(id).collect::<Vec<_>>(), "in order");
}

#[test]
fn an_event_that_makes_the_backend_fail_is_set_aside_only_because_others_pass() {
    let poison = id(3);
    let (acknowledged, aside) = drain(queue(40), |batch| {
        if batch.contains(&poison) { Outcome::Failed { retry_after: None } } else { accepted(batch) }
    });
    assert_eq!(aside, [poison]);
    assert_eq!(acknowledged.len(), 39);
}

/// Days offline: the agent reads 600 from its store at a time. Full batches, one after another, in order; what the network loses comes
/// again; a poison event costs some small batches and no other event.
#[test]
fn a_hundred_thousand_events_drain_steadily() {
    let mut queue: std::collections::VecDeque<Queued> = queue(100_000).into();
    let poison = id(61_234);
    let (mut pusher, mut clock) = (Pusher::default(), now());
    let (mut acknowledged, mut aside, mut batches, mut requests) = (Vec::new(), Vec::new(), 0, 0);
    while !queue.is_empty() {
        let ahead: Vec<Queued> = queue.iter().take(600).cloned().collect();
        match pusher.next(clock, &ahead) {
            Step::Idle => panic!("it stopped with {} left", queue.len()),
            Step::Wait(wait) => clock += SignedDuration::try_from(wait).unwrap(),
            Step::Send(batch) => {
                requests += 1;
                let outcome = match requests % 50 {
                    0 => Outcome::Undelivered { retry_after: None },
                    _ if batch.contains(&poison) => Outcome::Refused { reason: "bad".into() },
                    _ => accepted(&batch),
                };
                batches += usize::from(matches!(outcome, Outcome::Results(_)));
                for effect in pusher.answered(outcome, clock, 0.5) {
                    let (Effect::Acknowledge(done) | Effect::SetAside { id: done, .. }) = &effect;
                    assert_eq!(queue.pop_front().map(|event| event.id), Some(*done), "in order");
                    match effect {
                        Effect::Acknowledge(id) => acknowledged.push(id),
                        Effect::SetAside { id, .. } => aside.push(id),
                    }
                }
            }
        }
    }
    assert_eq!((acknowledged.len(), aside), (99_999, vec![poison]));
    assert!(batches < 200 + 30, "{batches} batches for 200 full ones");
}

#[test]
fn a_backend_that_is_down_for_long_costs_no_event() {
    let mut calls = 0;
    let (acknowledged, aside) = drain(queue(40), |batch| {
        calls += 1;
        if calls < 500 { Outcome::Failed { retry_after: None } } else { accepted(batch) }
    });
    assert!(aside.is_empty(), "{aside:?}");
    assert_eq!(acknowledged.len(), 40);
}

#[test]
fn results_that_answer_nothing_are_not_asked_for_again_at_once() {
    let mut pusher = Pusher::default();
    sent(pusher.next(now(), &queue(2)));
    assert_eq!(pusher.answered(Outcome::Results(vec![]), now(), 1.0), []);
    assert_eq!(pusher.next(now(), &queue(2)), Step::Wait(Duration::from_secs(2)));
}

#[test]
fn only_what_is_the_batchs_fault_is_held_against_it() {
    let refused = |status| Outcome::from(Err(BackendError::Rejected { status, detail: None }));
    assert!(matches!(refused(400), Outcome::Refused { .. }));
    assert!(matches!(refused(413), Outcome::Refused { .. }));
    assert!(matches!(refused(404), Outcome::Undelivered { .. }));
    let server = |status| Outcome::from(Err(BackendError::Server { status, retry_after: None }));
    assert!(matches!(server(500), Outcome::Failed { .. }));
    assert!(matches!(server(503), Outcome::Undelivered { .. }));
    assert!(matches!(Outcome::from(Err(BackendError::Unauthorised)), Outcome::Undelivered { .. }));
}

proptest! {
    /// Whatever the backend does for a while, each event that it takes is acknowledged exactly once, and those of one send in order.
    #[test]
    fn every_event_leaves_the_queue_once_and_in_its_sends_order(
        sends in proptest::collection::vec(0_u8..6, 1..80),
        poison in proptest::collection::vec(0_usize..80, 0..4),
        faults in proptest::collection::vec(0_u8..4, 0..60),
    ) {
        let queue: Vec<Queued> = sends
            .iter()
            .enumerate()
            .map(|(n, send)| Queued { id: id(n), send_id: Some(format!("snd_{send}")), bytes: 10 })
            .collect();
        let mut faults = faults.into_iter();
        let (acknowledged, aside) = drain(queue, |batch| match faults.next() {
            Some(0) => Outcome::Undelivered { retry_after: None },
            Some(1) => Outcome::Failed { retry_after: None },
            _ if batch.iter().any(|b| poison.iter().any(|p| id(*p) == *b)) => {
                Outcome::Refused { reason: "bad".into() }
            }
            _ => accepted(batch),
        });
        let mut all: Vec<Uuid> = acknowledged.iter().chain(&aside).copied().collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..sends.len()).map(id).collect::<Vec<_>>());
        for send in 0..6 {
            let of_send: Vec<&Uuid> = acknowledged
                .iter()
                .filter(|i| sends.get(i.as_u128() as usize - 1) == Some(&send))
                .collect();
            prop_assert!(of_send.is_sorted(), "send {send}: {of_send:?}");
        }
    }
}

#[test]
fn an_event_that_is_postponed_holds_nothing_up_and_is_offered_again() {
    let mut pusher = Pusher::new(PusherConfig { max_events: 1, ..PusherConfig::default() });
    let queue = queue(2);
    assert_eq!(sent(pusher.next(now(), &queue)), [id(0)]);
    assert_eq!(pusher.answered(Outcome::Postponed, now(), 0.5), []);
    // The caller leaves it out until its time has come.
    assert_eq!(sent(pusher.next(now(), &queue[1..])), [id(1)]);
    assert_eq!(pusher.answered(accepted(&[id(1)]), now(), 0.5), [Effect::Acknowledge(id(1))]);
    assert_eq!(sent(pusher.next(now(), &queue[..1])), [id(0)]);
}
