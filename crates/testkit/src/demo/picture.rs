//! The story as lines of text.

use answerback_testkit::campaign::CAMPAIGN_NAME;
use answerback_testkit::personas::{Person, REP};
use serde_json::Value;

use crate::act::{TARGETS, Target};
use crate::story::{Outcome, Row, Story, Verdict};
use crate::words;

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Bold,
    Dim,
    Green,
    Yellow,
    Red,
    Blue,
}

/// A line: pieces with their looks.
pub(crate) type Line = Vec<(Style, String)>;

/// What the backend says of each prospect.
pub(crate) type Gates = [Option<Value>; TARGETS.len()];

/// The columns of a row's first line.
const WHO: usize = 15;
const WHAT: usize = 40;

/// What stands above the story.
pub(crate) fn title(mailbox: &str, window: bool) -> Vec<Line> {
    let shown = if window { "the desktop app" } else { "the agent without a window" };
    vec![
        vec![],
        vec![
            (Style::Bold, " Answerback".to_owned()),
            (Style::Plain, format!("  watches {} ({mailbox})", REP.address)),
        ],
        vec![(
            Style::Dim,
            format!(
                " Campaign “{CAMPAIGN_NAME}”: {} tracked sends. Now mail arrives; {shown} judges it.",
                TARGETS.len()
            ),
        )],
        vec![],
    ]
}

/// One mail: what arrived and what came of it, then why.
pub(crate) fn row(row: &Row) -> Vec<Line> {
    let mut first = vec![
        (Style::Dim, format!(" {}  ", row.time.strftime("%H:%M:%S"))),
        (Style::Bold, column(row.who, WHO)),
        (Style::Plain, column(&row.what, WHAT)),
    ];
    let why = match &row.outcome {
        Outcome::Arrived => {
            first.push((Style::Blue, "…".to_owned()));
            "is being judged".to_owned()
        }
        Outcome::LeftAlone => {
            first.push((Style::Dim, "left alone".to_owned()));
            "belongs to no tracked send, or is the rep's own: nothing leaves the laptop".to_owned()
        }
        Outcome::Judged { verdict, effects } => {
            first.extend(result(verdict, effects.as_deref()));
            why(verdict)
        }
    };
    vec![first, vec![(Style::Dim, format!("           {why}"))]]
}

/// The backend's view, below the story.
pub(crate) fn backend(gates: &Gates) -> Vec<Line> {
    let mut lines = vec![vec![], vec![(Style::Bold, " The backend: may the next step go out?".to_owned())]];
    for (target, gate) in TARGETS.iter().zip(gates) {
        lines.push(prospect(target, gate.as_ref()));
    }
    lines
}

/// What stands in the CRM, below the backend's view.
pub(crate) fn crm(timelines: &[(Person, Vec<String>)]) -> Vec<Line> {
    let heading = " Salesforce (simulated), after the backend was killed and everything was sent again:";
    let mut lines = vec![vec![], vec![(Style::Bold, heading.to_owned())]];
    for (person, timeline) in timelines {
        lines.push(vec![
            (Style::Plain, format!("   {}", column(person.name, WHO))),
            (Style::Green, timeline.join(" · ")),
        ]);
    }
    lines
}

/// The last words.
pub(crate) fn summary(story: &Story, gates: &Gates, flaws: &[String]) -> Vec<Line> {
    let count = |state| gates.iter().flatten().filter(|gate| gate_state(gate) == state).count();
    let mut lines = vec![
        vec![],
        vec![(
            Style::Bold,
            format!(
                " {} mails arrived, {} had to do with the campaign: stopped for {}, paused for {}.",
                story.rows.len(),
                story.detected(),
                count("stopped"),
                count("paused"),
            ),
        )],
    ];
    if flaws.is_empty() {
        let promise = " No flag was changed in the mailbox, and no mail text left the laptop.";
        lines.push(vec![(Style::Dim, promise.to_owned())]);
    }
    lines.extend(flaws.iter().map(|flaw| vec![(Style::Red, format!(" ✘ {flaw}"))]));
    lines
}

/// What to do now.
pub(crate) fn farewell() -> Vec<Line> {
    vec![
        vec![],
        vec![(Style::Dim, " Everything keeps running. Ctrl-C ends it and removes every trace.".to_owned())],
    ]
}

/// Whether the backend's answers are what they must be in the end.
pub(crate) fn gates_are_right(gates: &Gates) -> bool {
    TARGETS
        .iter()
        .zip(gates)
        .all(|(target, gate)| gate.as_ref().is_some_and(|gate| target.gate.contains(&gate_state(gate))))
}

fn result(verdict: &Verdict, effects: Option<&[String]>) -> Line {
    let style = match verdict.kind.as_str() {
        "reply" | "calendar_response" => Style::Green,
        "bounce" | "complaint" => Style::Red,
        _ => Style::Yellow,
    };
    match effects {
        Some(effects) => vec![(style, format!("✔ {}", effects.join(" · ")))],
        None => vec![(style, verdict.actions.join(" · ")), (Style::Dim, " → sending".to_owned())],
    }
}

fn why(verdict: &Verdict) -> String {
    let kind = words::kind(&verdict.kind);
    let detail = verdict.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    let target = verdict.send_id.as_deref().and_then(|id| TARGETS.iter().find(|target| target.send_id == id));
    let send = target.map(|target| format!(" to the mail to {}", target.person.name)).unwrap_or_default();
    let rung = verdict.rung.as_deref().map(|rung| format!(": {}", words::rung(rung))).unwrap_or_default();
    let relation = verdict.relation.as_deref().and_then(words::relation);
    let relation =
        relation.filter(|_| verdict.kind == "reply").map(|text| format!("; {text}")).unwrap_or_default();
    format!("{kind}{detail}{send}{rung}{relation}")
}

fn prospect(target: &Target, gate: Option<&Value>) -> Line {
    let (style, state, because) = match gate {
        None => (Style::Dim, "?", String::new()),
        Some(gate) => {
            let text = |name: &str| gate.get(name).and_then(Value::as_str);
            let because = words::because(text("because").unwrap_or_default());
            // A hold ends when the mailbox has been checked; its last moment would only confuse.
            let until = text("until").filter(|_| gate_state(gate) == "paused");
            let until = until.map(|until| format!(", until {}", until.get(..10).unwrap_or(until)));
            let because = format!("{because}{}", until.unwrap_or_default());
            match gate_state(gate) {
                "clear" => (Style::Green, "yes", because),
                "hold" => (Style::Yellow, "wait", because),
                "paused" => (Style::Yellow, "paused", because),
                "stopped" => (Style::Red, "stopped", because),
                _ => (Style::Dim, "?", because),
            }
        }
    };
    vec![
        (Style::Plain, format!("   {}", column(target.person.name, WHO))),
        (Style::Dim, column(target.person.address, 26)),
        (style, column(state, 9)),
        (Style::Dim, because),
    ]
}

fn gate_state(gate: &Value) -> &str {
    gate.get("state").and_then(Value::as_str).unwrap_or_default()
}

/// Padded or cut to a column with a blank after it.
fn column(text: &str, width: usize) -> String {
    if text.chars().count() > width {
        text.chars().take(width.saturating_sub(1)).chain("… ".chars()).collect()
    } else {
        format!("{text:<width$} ")
    }
}

#[cfg(test)]
mod tests {
    use answerback_testkit::campaign::Campaign;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::*;
    use crate::act::acts;

    fn plain(lines: &[Line]) -> String {
        let line = |line: &Line| line.iter().map(|(_, text)| text.as_str()).collect::<String>() + "\n";
        lines.iter().map(line).collect()
    }

    #[test]
    fn a_judged_mail_says_what_why_and_what_came_of_it() {
        let now = "2026-11-20T09:12:00Z".parse::<Timestamp>().unwrap().to_zoned(TimeZone::UTC);
        let mut story = Story::default();
        for act in acts(&Campaign::new(now.timestamp())).iter().take(3) {
            story.arrived(act, now.clone());
        }
        story.agent_said(
            &json!({"event": "verdict", "message_id": "<flynn-1@flynnsarcade.com>", "kind": "reply",
            "send_id": "snd_flynn", "relation": "same_person_other_address", "actions": ["stop", "log"],
            "evidence": [{"rung": "in_reply_to", "value": "<x>"}]}),
        );
        let text = story.rows.iter().map(|one| plain(&row(one))).collect::<String>();
        for words in ["left alone", "stop · log → sending", "same person, another address", "is being judged"]
        {
            assert!(text.contains(words), "{words:?} in:\n{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
    }

    #[test]
    fn the_backends_answers_are_shown_and_checked() {
        let gate = |state: &str| {
            Some(json!({"state": state, "until": "2026-11-30T00:00:00Z", "because": "auto_reply"}))
        };
        let right: Gates = [gate("stopped"), gate("paused"), gate("stopped"), gate("clear")];
        assert!(gates_are_right(&right));
        assert!(!gates_are_right(&[None, gate("paused"), gate("stopped"), gate("clear")]));
        let text = plain(&backend(&right));
        assert!(
            text.contains("stopped") && text.contains("away, until 2026-11-30") && text.contains("yes"),
            "{text}"
        );
    }
}
