//! What is known of each mail so far: a pure state that the agent's lines and the backend's events change.

use std::collections::{BTreeMap, HashSet};

use jiff::Zoned;
use serde_json::Value;

use crate::act::{Act, Expected};
use crate::words;

/// The state of the story.
#[derive(Debug, Default)]
pub(crate) struct Story {
    pub(crate) rows: Vec<Row>,
    seen_events: HashSet<String>,
    /// What the backend did for a send since its last log entry.
    effects: BTreeMap<String, Vec<String>>,
}

/// One mail.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) time: Zoned,
    pub(crate) who: &'static str,
    pub(crate) what: String,
    pub(crate) outcome: Outcome,
    message_id: String,
    expected: Expected,
}

/// What has come of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// It lies in the mailbox; the agent has not judged it.
    Arrived,
    /// The agent read it, and nothing leaves the laptop.
    LeftAlone,
    /// The agent judged it.
    Judged {
        verdict: Verdict,
        /// What the backend did, once it has.
        effects: Option<Vec<String>>,
    },
}

/// The part of a verdict that the story tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) kind: String,
    pub(crate) send_id: Option<String>,
    pub(crate) relation: Option<String>,
    pub(crate) rung: Option<String>,
    pub(crate) actions: Vec<String>,
    pub(crate) detail: Option<String>,
}

impl Story {
    /// A mail was delivered.
    pub(crate) fn arrived(&mut self, act: &Act, time: Zoned) {
        self.rows.push(Row {
            time,
            who: act.who,
            what: act.what.clone(),
            outcome: Outcome::Arrived,
            message_id: message_id(&act.raw),
            expected: act.expected,
        });
    }

    /// The agent printed a line.
    pub(crate) fn agent_said(&mut self, line: &Value) {
        if text(line, "event") == Some("verdict") {
            self.judged(text(line, "message_id").unwrap_or_default(), Verdict::of_line(line));
        }
    }

    /// The backend has this event.
    pub(crate) fn backend_has(&mut self, event: &Value) {
        let (Some(id), Some(event_type)) = (text(event, "id"), text(event, "type")) else { return };
        let Some(data) = event.get("data") else { return };
        let Some(send_id) = text(data, "send_id").or(text(event, "subject")) else { return };
        let Some(effect) = words::effect(event_type, data) else { return };
        if !self.seen_events.insert(id.to_owned()) {
            return;
        }
        self.effects.entry(send_id.to_owned()).or_default().push(effect);
        if event_type != "answerback.log.v1" {
            return;
        }
        let done = self.effects.remove(send_id).unwrap_or_default();
        let message_id = data.get("reply").and_then(|reply| text(reply, "message_id")).unwrap_or_default();
        // With the window there are no lines of the agent: the log entry says what it decided.
        self.judged(message_id, Verdict::of_log(data, send_id));
        if let Some(row) = self.row(message_id)
            && let Outcome::Judged { effects, .. } = &mut row.outcome
        {
            *effects = Some(done);
        }
    }

    /// The first rows about which nothing can change any more.
    pub(crate) fn settled(&self) -> usize {
        self.rows.iter().take_while(|row| row.is_settled()).count()
    }

    /// What went otherwise than it should, one sentence each.
    pub(crate) fn flaws(&self) -> Vec<String> {
        self.rows.iter().filter_map(Row::flaw).collect()
    }

    /// How many mails the agent judged to belong to the campaign.
    pub(crate) fn detected(&self) -> usize {
        self.rows.iter().filter(|row| matches!(row.outcome, Outcome::Judged { .. })).count()
    }

    fn judged(&mut self, message_id: &str, verdict: Verdict) {
        let Some(at) = self.rows.iter().position(|row| same_id(&row.message_id, message_id)) else { return };
        for (index, row) in self.rows.iter_mut().enumerate() {
            // A folder is read in the order of arrival: what came before has been judged too.
            if index < at && row.outcome == Outcome::Arrived {
                row.outcome = Outcome::LeftAlone;
            }
            if index == at && !matches!(row.outcome, Outcome::Judged { .. }) {
                let verdict = verdict.clone();
                row.outcome = if verdict.acts() {
                    Outcome::Judged { verdict, effects: None }
                } else {
                    Outcome::LeftAlone
                };
            }
        }
    }

    fn row(&mut self, message_id: &str) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| same_id(&row.message_id, message_id))
    }
}

impl Row {
    pub(crate) fn is_settled(&self) -> bool {
        match &self.outcome {
            Outcome::Arrived => false,
            Outcome::LeftAlone => true,
            Outcome::Judged { effects, .. } => effects.is_some(),
        }
    }

    fn flaw(&self) -> Option<String> {
        let who = format!("{} ({})", self.who, self.what);
        match (&self.expected, &self.outcome) {
            (Expected::Nothing, Outcome::LeftAlone) => None,
            (_, Outcome::Arrived) => Some(format!("{who} was not judged.")),
            (Expected::Nothing, Outcome::Judged { .. }) => Some(format!("{who} was taken for an answer.")),
            (Expected::Verdict { .. }, Outcome::LeftAlone) => Some(format!("{who} was missed.")),
            (Expected::Verdict { kind, send_id, actions }, Outcome::Judged { verdict, effects }) => {
                if verdict.kind != *kind || verdict.send_id.as_deref() != Some(*send_id) {
                    let send = verdict.send_id.as_deref().unwrap_or("no send");
                    Some(format!("{who} was judged to be {} to {send}.", words::kind(&verdict.kind)))
                } else if !verdict.actions.is_empty() && !verdict.actions.iter().eq(actions.iter()) {
                    Some(format!("{who} led to {}.", verdict.actions.join(", ")))
                } else if effects.as_ref().map(Vec::len) != Some(actions.len()) {
                    let done = effects.as_deref().unwrap_or_default().join(", ");
                    Some(format!("{who} should have led to {}; the backend did: {done}.", actions.join(", ")))
                } else {
                    None
                }
            }
        }
    }
}

impl Verdict {
    /// From a line of `answerbackctl run --json`.
    fn of_line(line: &Value) -> Self {
        let strings =
            |name| line.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        Self {
            kind: text(line, "kind").unwrap_or_default().to_owned(),
            send_id: text(line, "send_id").map(str::to_owned),
            relation: text(line, "relation").map(str::to_owned),
            rung: first_rung(line),
            actions: strings("actions").map(str::to_owned).collect(),
            detail: detail(line),
        }
    }

    /// From the data of a log event; the actions are not in it.
    fn of_log(data: &Value, send_id: &str) -> Self {
        Self {
            kind: text(data, "kind").unwrap_or_default().to_owned(),
            send_id: Some(send_id.to_owned()),
            relation: text(data, "relation").map(str::to_owned),
            rung: first_rung(data),
            actions: Vec::new(),
            detail: data.get("reply").and_then(detail),
        }
    }

    /// Whether something leaves the laptop.
    fn acts(&self) -> bool {
        self.send_id.is_some() && !matches!(self.kind.as_str(), "own" | "bulk" | "unknown")
    }
}

fn first_rung(value: &Value) -> Option<String> {
    let first = value.get("evidence")?.as_array()?.first()?;
    text(first, "rung").map(str::to_owned)
}

/// What is worth adding: when somebody is back, why something bounced.
fn detail(value: &Value) -> Option<String> {
    if let Some(day) = text(value, "returns_on") {
        return Some(format!("back on {day}"));
    }
    let bounce = value.get("bounce")?;
    match (text(bounce, "reason"), text(bounce, "status")) {
        (Some("address"), Some(status)) => Some(format!("no such address, {status}")),
        (Some(reason), Some(status)) => Some(format!("{reason}, {status}")),
        (reason, _) => reason.map(str::to_owned),
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

fn message_id(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let line = text.lines().find_map(|line| line.strip_prefix("Message-ID: "));
    line.unwrap_or_default().to_owned()
}

fn same_id(one: &str, other: &str) -> bool {
    let bare = |id: &str| id.trim_matches(['<', '>', ' ']).to_ascii_lowercase();
    bare(one) == bare(other)
}

#[cfg(test)]
mod tests {
    use answerback_testkit::campaign::Campaign;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::*;
    use crate::act::acts;

    fn told(lines: &[Value], events: &[Value]) -> Story {
        let now = "2026-11-20T09:12:00Z".parse::<Timestamp>().unwrap().to_zoned(TimeZone::UTC);
        let mut story = Story::default();
        for act in acts(&Campaign::new(now.timestamp())).iter().take(2) {
            story.arrived(act, now.clone());
        }
        lines.iter().for_each(|line| story.agent_said(line));
        events.iter().for_each(|event| story.backend_has(event));
        story
    }

    fn verdict() -> Value {
        json!({"event": "verdict", "message_id": "<flynn-1@flynnsarcade.com>", "kind": "reply", "send_id": "snd_flynn",
            "relation": "same_person_other_address", "evidence": [{"rung": "in_reply_to", "value": "<x>"}],
            "actions": ["stop", "log"]})
    }

    fn events() -> [Value; 2] {
        [
            json!({"id": "1", "type": "answerback.stop.v1", "data": {"send_id": "snd_flynn", "reason": "reply"}}),
            json!({"id": "2", "type": "answerback.log.v1", "data": {"send_id": "snd_flynn", "kind": "reply",
                "relation": "same_person_other_address", "evidence": [{"rung": "in_reply_to", "value": "<x>"}],
                "reply": {"message_id": "flynn-1@FlynnsArcade.com"}}}),
        ]
    }

    #[test]
    fn a_row_is_settled_when_the_backend_has_logged_it() {
        assert_eq!(told(&[], &[]).settled(), 0);
        assert_eq!(told(&[verdict()], &[]).settled(), 1, "the newsletter before it has been left alone");
        let story = told(&[verdict()], &[events(), events()].concat());
        assert_eq!((story.settled(), story.flaws()), (2, Vec::new()), "an event counts once");
    }

    #[test]
    fn without_the_agents_lines_the_backends_log_tells_the_story() {
        let story = told(&[], &events());
        assert_eq!((story.settled(), story.flaws(), story.detected()), (2, Vec::new(), 1));
    }

    #[test]
    fn what_goes_wrong_is_named() {
        assert_eq!(told(&[], &[]).flaws().len(), 2);
        let wrong = json!({"event": "verdict", "message_id": "<flynn-1@flynnsarcade.com>", "kind": "bulk"});
        assert_eq!(
            told(&[wrong], &[]).flaws(),
            ["Kevin Flynn (answers from kevinf@flynnsarcade.com) was missed."]
        );
        let only_log = &events()[1..];
        assert_eq!(told(&[verdict()], only_log).flaws().len(), 1, "the stop is missing");
    }
}
