//! Reading and changing what is done about each kind of message.

use answerback_backend::{LogLevel, OrganisationPolicy};
use answerback_reply::Policy;
use serde_json::{Map, Value, json};

use super::Agent;
use crate::config::Config;
use crate::view::{Problem, RuleView, RulesView};

/// Each row of the policy table with what a rep may choose; the first is the default.
const CHOICES: &[(&str, &[&[&str]])] = &[
    ("reply", &[&["stop", "log"], &["log"], &[]]),
    ("opt_out", &[&["stop", "suppress", "log"], &["stop", "log"]]),
    ("colleague", &[&["log"], &["stop", "log"], &[]]),
    ("calendar_response", &[&["stop", "log"], &["log"], &[]]),
    ("auto_reply_dated", &[&["pause", "log"], &["log"], &[]]),
    ("auto_reply", &[&["pause", "log"], &["log"], &[]]),
    ("bounce_address", &[&["stop", "suppress", "log"], &["stop", "log"], &["log"]]),
    ("bounce_permanent", &[&["stop", "log"], &["log"], &[]]),
    ("bounce_transient", &[&["log"], &[]]),
    ("delay", &[&["log"], &[]]),
    ("acknowledgement", &[&["log"], &[]]),
    ("challenge", &[&["log"], &[]]),
    ("receipt", &[&["log"], &[]]),
    ("complaint", &[&["stop", "suppress", "log"], &["stop", "log"]]),
];

/// The longest pause that a rep may set for an absence without a date.
const LONGEST_PAUSE: u16 = 60;

impl Agent {
    /// What is done about each kind of message just now.
    pub fn rules(&self) -> RulesView {
        shown(&self.context.config(), &self.context.organisation())
    }

    /// Does something else about a kind of message from now on. What was decided before stays.
    ///
    /// # Errors
    /// There is no such row or choice, the organisation has set it, or the configuration can't be written.
    pub async fn set_rule(&self, name: String, actions: Vec<String>) -> Result<RulesView, Problem> {
        let known = self.rules().rows.into_iter().find(|row| row.name == name);
        let row = known.ok_or_else(|| not_a_choice(&name))?;
        if row.pinned {
            return Err(pinned(&name));
        }
        if !row.choices.contains(&actions) {
            return Err(not_a_choice(&name));
        }
        self.change_rules(|config| {
            let mut rows = rows_of(&config.policy);
            rows.insert(name.clone(), json!(actions));
            config.policy =
                serde_json::from_value(Value::Object(rows)).map_err(|_wrong| not_a_choice(&name))?;
            Ok(())
        })
        .await
    }

    /// Pauses this many days from now on for an absence that names no date.
    ///
    /// # Errors
    /// Too many, the organisation has set it, or the configuration can't be written.
    pub async fn set_pause_days(&self, days: u16) -> Result<RulesView, Problem> {
        if self.rules().pause_days_pinned {
            return Err(pinned("pause_days"));
        }
        if !(1..=LONGEST_PAUSE).contains(&days) {
            return Err(not_a_choice("pause_days"));
        }
        self.change_rules(|config| {
            config.policy.pause_days = days;
            Ok(())
        })
        .await
    }

    /// Sends this much of a reply to the backend from now on; never more than the organisation allows.
    ///
    /// # Errors
    /// There is no such level, or the configuration can't be written.
    pub async fn set_log_level(&self, level: String) -> Result<RulesView, Problem> {
        let level: LogLevel =
            serde_json::from_value(Value::String(level)).map_err(|_wrong| not_a_choice("log_level"))?;
        self.change_rules(|config| {
            config.log_level = level;
            Ok(())
        })
        .await
    }

    async fn change_rules(
        &self,
        change: impl FnOnce(&mut Config) -> Result<(), Problem>,
    ) -> Result<RulesView, Problem> {
        // Whoever else changes the configuration waits here, so that neither change is lost.
        let _turn = self.tasks.lock().await;
        let mut config = self.context.config();
        change(&mut config)?;
        self.save(config).await?;
        Ok(self.rules())
    }
}

fn shown(config: &Config, organisation: &OrganisationPolicy) -> RulesView {
    let policy = organisation.apply(config.policy.clone());
    let rows = rows_of(&policy);
    let pins = organisation.pins.rows();
    let rule = |(name, choices): &(&str, &[&[&str]])| {
        let actions: Vec<String> =
            rows.get(*name).and_then(|row| serde_json::from_value(row.clone()).ok()).unwrap_or_default();
        let mut choices: Vec<Vec<String>> =
            choices.iter().map(|choice| choice.iter().map(|action| (*action).to_owned()).collect()).collect();
        // What an admin wrote into the file by hand stays to be chosen.
        if !choices.contains(&actions) {
            choices.push(actions.clone());
        }
        RuleView { name: (*name).to_owned(), actions, choices, pinned: pins.contains(name) }
    };
    RulesView {
        rows: CHOICES.iter().map(rule).collect(),
        pause_days: policy.pause_days,
        pause_days_pinned: pins.contains(&"pause_days"),
        log_level: level_name(organisation.log_level(config.log_level)),
        max_log_level: organisation.max_log_level.map(level_name),
    }
}

pub(super) fn rows_of(policy: &Policy) -> Map<String, Value> {
    match serde_json::to_value(policy) {
        Ok(Value::Object(rows)) => rows,
        _ => Map::new(),
    }
}

fn level_name(level: LogLevel) -> String {
    match level {
        LogLevel::Metadata => "metadata",
        LogLevel::Snippet => "snippet",
        LogLevel::Full => "full",
    }
    .to_owned()
}

fn pinned(name: &str) -> Problem {
    Problem::new(
        "pinned",
        name,
        "Your organisation has set this rule.",
        "Ask your administrator if it should be another.",
    )
}

fn not_a_choice(name: &str) -> Problem {
    Problem::new("not_a_choice", name, "That can't be chosen here.", "Reload the page and choose again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_policy_is_shown_and_its_default_is_the_first_choice() {
        let view = shown(&Config::default(), &OrganisationPolicy::default());
        let rows = rows_of(&Policy::default());
        let lists = rows.values().filter(|row| row.is_array()).count();
        assert_eq!(view.rows.len(), lists);
        for row in &view.rows {
            assert_eq!(row.choices.first(), Some(&row.actions), "{}", row.name);
            assert!(!row.pinned);
        }
        assert_eq!((view.pause_days, view.log_level.as_str()), (5, "metadata"));
    }

    #[test]
    fn what_the_organisation_has_set_is_shown_as_set() {
        let organisation: OrganisationPolicy = serde_json::from_str(
            r#"{"pins":{"colleague":["stop","log"],"pause_days":9},"max_log_level":"metadata"}"#,
        )
        .unwrap();
        let config = Config { log_level: LogLevel::Full, ..Config::default() };
        let view = shown(&config, &organisation);
        let colleague = view.rows.iter().find(|row| row.name == "colleague").unwrap();
        assert!(colleague.pinned);
        assert_eq!(colleague.actions, ["stop", "log"]);
        assert_eq!((view.pause_days, view.pause_days_pinned), (9, true));
        assert_eq!(view.log_level, "metadata");
    }
}
