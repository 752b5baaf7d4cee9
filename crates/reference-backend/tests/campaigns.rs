//! Campaign states and the gate on a real store, against models of what they must be.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic in a test is its report")]

use answerback_backend::{Event, EventType, GateState, account_id, coverage, event_id, retract_id, source};
use answerback_reference_backend::Store;
use answerback_reference_backend::enrolment::{Change, State};
use answerback_reference_backend::store::enrolments::{CampaignSettings, Enrolment};
use answerback_reference_backend::store::events::IncomingEvent;
use answerback_reference_backend::store::sends::IncomingSend;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json, value::RawValue};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

const REP: &str = "rep@sales.example";
const ORG: &str = "acme";

/// A store that all cases of a property share; each case has a send of its own.
struct Scene {
    runtime: Runtime,
    store: Store,
    _folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let runtime = Runtime::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("backend.db").display());
        let store = runtime.block_on(Store::open(&url)).unwrap();
        Self { runtime, store, _folder: folder }
    }

    /// A send of its own campaign and prospect; gives its id.
    fn send(&self, sent_at: Timestamp, rep: &str) -> String {
        let id = Uuid::new_v4().to_string();
        let send: IncomingSend = serde_json::from_value(json!({
            "id": id, "message_ids": [format!("<{id}@sales.example>")], "from": rep, "to": [format!("{id}@encom.com")],
            "sent_at": sent_at, "campaign": {"id": id, "name": "A", "step": 1}, "prospect": {"id": id, "email": format!("{id}@encom.com")},
        }))
        .unwrap();
        self.runtime.block_on(self.store.upsert_sends(ORG, &[send.check().unwrap()])).unwrap();
        id
    }

    fn receive(&self, rep: &str, events: &[Value]) {
        let batch: Vec<IncomingEvent> = events
            .iter()
            .map(|json| {
                let event: Event = serde_json::from_value(json.clone()).unwrap();
                let raw = RawValue::from_string(json.to_string()).unwrap();
                IncomingEvent { id: Some(event.id), event: Ok((event, raw)) }
            })
            .collect();
        self.runtime.block_on(self.store.receive(ORG, rep, &batch)).unwrap();
    }

    fn gate(&self, send: &str, now: Timestamp) -> answerback_backend::Gate {
        self.runtime.block_on(self.store.gate(ORG, &Enrolment::OfSend(send), now)).unwrap().unwrap()
    }
}

fn event(event_type: EventType, rep: &str, send: &str, message: usize, data: Value) -> Value {
    let account = account_id(rep);
    let mut all = json!({"send_id": send, "campaign_id": send, "prospect_id": send});
    all.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
    json!({"specversion": "1.0", "id": event_id(account, send, &format!("<{message}@x>"), event_type), "source": source(account),
        "type": event_type.as_str(), "time": "2026-11-20T09:12:00Z", "subject": send, "datacontenttype": "application/json", "data": all})
}

/// What a laptop may say about one prospect, in any order and any number of times.
#[derive(Clone, Debug)]
enum Said {
    Stop(usize, bool),
    Pause(usize, u8),
    /// Takes back what was said with this number: a stop, else a pause.
    Retract(usize, bool),
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        (0_usize..5, any::<bool>()).prop_map(|(n, reply)| Said::Stop(n, reply)),
        (0_usize..5, 1_u8..28).prop_map(|(n, day)| Said::Pause(n, day)),
        (0_usize..5, any::<bool>()).prop_map(|(n, stop)| Said::Retract(n, stop)),
    ]
}

/// The state is that of the events that stand, each counted when it first came; whatever is repeated, and also where a retraction
/// comes before what it takes back.
#[test]
fn the_state_is_that_of_what_stands() {
    let scene = Scene::new();
    let now: Timestamp = "2026-11-25T00:00:00Z".parse().unwrap();
    proptest!(ProptestConfig::with_cases(96), |(history in proptest::collection::vec(said(), 0..14))| {
        let send = scene.send("2026-11-18T08:00:00Z".parse().unwrap(), REP);
        let mut came: Vec<(EventType, usize, Change)> = Vec::new();
        let mut gone: Vec<(EventType, usize)> = Vec::new();
        for said in &history {
            let json = match said {
                Said::Stop(n, reply) => {
                    let reason = if *reply { "reply" } else { "bounce" };
                    if !came.iter().any(|(t, m, _)| (*t, *m) == (EventType::Stop, *n)) {
                        let change = Change { event_type: EventType::Stop, reason: Some(reason.into()), until: None };
                        came.push((EventType::Stop, *n, change));
                    }
                    event(EventType::Stop, REP, &send, *n, json!({"reason": reason}))
                }
                Said::Pause(n, day) => {
                    let until = format!("2026-12-{day:02}");
                    if !came.iter().any(|(t, m, _)| (*t, *m) == (EventType::Pause, *n)) {
                        let until = format!("{until}T00:00:00Z").parse().ok();
                        came.push((EventType::Pause, *n, Change { event_type: EventType::Pause, reason: None, until }));
                    }
                    event(EventType::Pause, REP, &send, *n, json!({"until": until, "reason": "auto_reply"}))
                }
                Said::Retract(n, stop) => {
                    let of = if *stop { EventType::Stop } else { EventType::Pause };
                    gone.push((of, *n));
                    let account = account_id(REP);
                    let taken = event_id(account, &send, &format!("<{n}@x>"), of);
                    let mut retract = event(EventType::Retract, REP, &send, *n, json!({"event_ids": [taken], "reason": "undone"}));
                    retract["id"] = json!(retract_id(account, &send, &[taken]));
                    retract
                }
            };
            scene.receive(REP, &[json]);
        }
        let standing: Vec<Change> =
            came.into_iter().filter(|(t, n, _)| !gone.contains(&(*t, *n))).map(|(.., change)| change).collect();
        let state = scene.runtime.block_on(scene.store.state(ORG, &send, &send, now)).unwrap();
        prop_assert_eq!(&state, &State::after(&standing).at(now), "{:?}", history);
        let gate = scene.gate(&send, now).state;
        let expected = match state {
            State::Active => GateState::Hold,
            State::Paused { .. } => GateState::Paused,
            State::Stopped { .. } | State::Finished => GateState::Stopped,
        };
        prop_assert_eq!(gate, expected);
    });
}

/// What happens to a mailbox, a laptop and the way between it and the backend.
#[derive(Clone, Debug)]
enum Step {
    TimePasses(i64),
    SomebodyAnswers,
    LaptopChecks,
    /// So many of the outbox arrive, in order; with or without the laptop hearing of it.
    Arrive(usize, bool),
    NextStepGoesOut,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1_i64..60).prop_map(|n| Step::TimePasses(n * 600)),
        Just(Step::SomebodyAnswers),
        Just(Step::LaptopChecks),
        (1_usize..6, any::<bool>()).prop_map(|(n, heard)| Step::Arrive(n, heard)),
        Just(Step::NextStepGoesOut),
    ]
}

/// No step is ever cleared by a check of the mailbox for somebody whose answer had reached it before that check, whatever sleeps,
/// is lost on the way or is repeated.
#[test]
fn no_step_is_cleared_for_somebody_whose_answer_had_arrived_before_the_check() {
    let scene = Scene::new();
    // The backend believes nothing of the future; forty steps are less than thirty days.
    let start = Timestamp::now() - SignedDuration::from_hours(30 * 24);
    let inputs = (proptest::collection::vec(step(), 1..40), proptest::option::of(0_u32..200_000));
    proptest!(ProptestConfig::with_cases(64), |((steps, grace) in inputs)| {
        let rep = format!("{}@sales.example", Uuid::new_v4());
        let send = scene.send(start, &rep);
        let settings = CampaignSettings { grace_seconds: grace, ..CampaignSettings::default() };
        scene.runtime.block_on(scene.store.set_campaign(ORG, &send, &settings)).unwrap();
        let (mut now, mut answers, mut seen, mut outbox) = (start, Vec::<Timestamp>::new(), 0, Vec::<Value>::new());
        for step in &steps {
            match step {
                Step::TimePasses(seconds) => now += SignedDuration::from_secs(*seconds),
                Step::SomebodyAnswers => answers.push(now),
                Step::LaptopChecks => {
                    for n in seen..answers.len() {
                        outbox.push(event(EventType::Stop, &rep, &send, n, json!({"reason": "reply"})));
                    }
                    seen = answers.len();
                    let report = coverage(account_id(&rep), &rep, now, 3);
                    outbox.push(serde_json::to_value(report).unwrap());
                }
                Step::Arrive(count, heard) => {
                    let count = (*count).min(outbox.len());
                    scene.receive(&rep, &outbox[..count]);
                    if *heard {
                        outbox.drain(..count);
                    }
                }
                Step::NextStepGoesOut => {
                    let gate = scene.gate(&send, now);
                    if gate.state == GateState::Clear && gate.because == "mailbox_checked" {
                        let checked = gate.checked_up_to.unwrap();
                        prop_assert!(answers.iter().all(|answer| *answer >= checked), "{steps:?}");
                    }
                }
            }
        }
    });
}
