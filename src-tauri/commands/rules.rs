//! What is done about each kind of message.

use answerback_agent::view::{Problem, RuleChoice, RulesPreview, RulesView};
use tauri::State;

use crate::host::Host;

/// What is done about each kind of message.
#[tauri::command]
#[specta::specta]
pub async fn rules(host: State<'_, Host>) -> Result<RulesView, Problem> {
    Ok(host.agent().await?.rules())
}

/// Does something else about a kind of message.
#[tauri::command]
#[specta::specta]
pub async fn set_rule(
    host: State<'_, Host>,
    name: String,
    actions: Vec<String>,
) -> Result<RulesView, Problem> {
    host.agent().await?.set_rule(name, actions).await
}

/// How long an absence without a date pauses a campaign.
#[tauri::command]
#[specta::specta]
pub async fn set_pause_days(host: State<'_, Host>, days: u16) -> Result<RulesView, Problem> {
    host.agent().await?.set_pause_days(days).await
}

/// How much of a reply is sent to the backend.
#[tauri::command]
#[specta::specta]
pub async fn set_log_level(host: State<'_, Host>, level: String) -> Result<RulesView, Problem> {
    host.agent().await?.set_log_level(level).await
}

/// What other rules would have given. Nothing is changed.
#[tauri::command]
#[specta::specta]
pub async fn preview_rules(
    host: State<'_, Host>,
    choices: Vec<RuleChoice>,
    pause_days: Option<u16>,
) -> Result<RulesPreview, Problem> {
    host.agent().await?.preview_rules(choices, pause_days).await
}
