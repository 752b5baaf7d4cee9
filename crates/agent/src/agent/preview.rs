//! What other rules would have given.

use std::collections::HashSet;

use answerback_reply::{Action, Policy, Verdict};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Agent, rules::rows_of};
use crate::show;
use crate::view::{ActionCounts, Problem, RuleChoice, RulesPreview};

/// How many days are looked back.
const DAYS: u32 = 30;

impl Agent {
    /// What the last 30 days' messages have given, and would give if these rows were chosen instead. Nothing is changed.
    ///
    /// # Errors
    /// There is no such row or action, or the store failed.
    pub async fn preview_rules(
        &self,
        choices: Vec<RuleChoice>,
        pause_days: Option<u16>,
    ) -> Result<RulesPreview, Problem> {
        let now = self.context.rules().policy;
        let mut rows = rows_of(&now);
        for choice in choices {
            rows.insert(choice.name, json!(choice.actions));
        }
        if let Some(days) = pause_days {
            rows.insert("pause_days".to_owned(), json!(days));
        }
        let wanted: Policy = serde_json::from_value(Value::Object(rows)).map_err(|_wrong| {
            Problem::new(
                "not_a_choice",
                "",
                "That can't be chosen here.",
                "Reload the page and choose again.",
            )
        })?;
        let wanted = self.context.organisation().apply(wanted);
        let since = Timestamp::now() - SignedDuration::from_hours(24 * i64::from(DAYS));
        let verdicts = self.store(move |store| store.verdicts_since(since)).await?;
        Ok(RulesPreview {
            days: DAYS,
            messages: show::small(verdicts.len() as u64),
            now: count(&verdicts, &now),
            then: count(&verdicts, &wanted),
        })
    }
}

/// What a policy gives for these verdicts. Two answers to one send stop one campaign.
fn count(verdicts: &[Verdict], policy: &Policy) -> ActionCounts {
    let mut counts = ActionCounts::default();
    let mut stopped = HashSet::new();
    for verdict in verdicts {
        let mut verdict = verdict.clone();
        policy.decide(&mut verdict);
        let does = |action| u32::from(verdict.actions.contains(&action));
        if verdict.actions.contains(&Action::Stop) {
            stopped.insert(verdict.send_id.clone());
        }
        counts.paused += does(Action::Pause);
        counts.blocked += does(Action::Suppress);
        counts.logged += does(Action::Log);
        counts.asked += does(Action::Ask);
    }
    counts.stopped = show::small(stopped.len() as u64);
    counts
}

#[cfg(test)]
mod tests {
    use answerback_reply::{Evidence, Intent, Kind, Relation, Rung};

    use super::*;

    fn verdict(kind: Kind, send: &str) -> Verdict {
        Verdict {
            kind,
            send_id: Some(send.into()),
            date: Some("2026-11-20T09:12:00Z".parse().unwrap()),
            evidence: vec![Evidence { rung: Rung::InReplyTo, value: "<s1@sales.example>".into() }],
            confidence: 1.0,
            relation: Some(Relation::Prospect),
            ..Verdict::default()
        }
    }

    #[test]
    fn what_each_policy_gives_is_counted() {
        let verdicts = [
            verdict(Kind::Reply, "a"),
            verdict(Kind::Reply, "a"),
            Verdict { intent: Intent::OptOut, ..verdict(Kind::Reply, "b") },
            verdict(Kind::AutoReply, "c"),
        ];
        let usual = count(&verdicts, &Policy::default());
        let expected = ActionCounts { stopped: 2, paused: 1, blocked: 1, logged: 4, asked: 0 };
        assert_eq!(usual, expected);
        let gentle = Policy { reply: vec![Action::Log], ..Policy::default() };
        assert_eq!(count(&verdicts, &gentle), ActionCounts { stopped: 1, ..expected });
    }
}
