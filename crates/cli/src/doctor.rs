//! `doctor`: checks every part that a configuration names.

use std::io::{self, Write};

use answerback_agent::Config;
use answerback_agent::doctor::check_config;
use answerback_agent::view::{Check, CheckState};
use answerback_keychain::Keychain;
use anyhow::Context;
use tokio::runtime::Runtime;

use crate::args::Configured;
use crate::line::printable;
use crate::outcome::Outcome;

/// Runs `doctor`. The outcome is partly done where something failed.
///
/// # Errors
/// The configuration is wrong, or standard output can't be written to.
pub fn doctor(args: &Configured) -> anyhow::Result<Outcome> {
    let config = Config::load(&args.config)?;
    let runtime = Runtime::new().context("The asynchronous runtime can't be started")?;
    let checks = runtime.block_on(check_config(&config, &Keychain::system()));
    let mut text = String::new();
    for check in &checks {
        if args.output.json {
            text.push_str(&serde_json::to_string(check)?);
        } else {
            text.extend(described(check).chars().map(|c| if c == '\n' { c } else { printable(c) }));
        }
        text.push('\n');
    }
    if checks.is_empty() && !args.output.json {
        text.push_str("The configuration names no account and no backend: there is nothing to check.\n");
    }
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(error).context("The checks can't be written");
        }
        _ => {}
    }
    Ok(Outcome::of(checks.iter().filter(|check| check.state == CheckState::Failed).count()))
}

fn described(check: &Check) -> String {
    let mark = match check.state {
        CheckState::Passed => "ok",
        CheckState::Warning => "warning",
        CheckState::Failed => "FAILED",
        CheckState::Skipped => "skipped",
    };
    let what = check.name.replace('_', " ");
    let mut text = format!("{mark:<8} {what:<18} {}", check.about).trim_end().to_owned();
    if let Some(detail) = &check.detail {
        text.push_str(&format!(" ({detail})"));
    }
    if let Some(problem) = &check.problem {
        text.push_str(&format!("\n         {}\n         What to do: {}", problem.summary, problem.remedy));
    }
    text
}
