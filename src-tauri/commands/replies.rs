//! What was found, and what the rep says about it.

use answerback_agent::view::{
    History, MessageText, Overview, PauseFor, Problem, ReplyDetail, ReplyFilter, ReplyPage,
};
use tauri::State;

use crate::host::Host;

/// The state of everything.
#[tauri::command]
#[specta::specta]
pub async fn overview(host: State<'_, Host>) -> Result<Overview, Problem> {
    host.agent().await?.overview().await
}

/// What was attributed on each of the last days.
#[tauri::command]
#[specta::specta]
pub async fn history(host: State<'_, Host>, days: u32) -> Result<History, Problem> {
    host.agent().await?.history(days).await
}

/// A part of the list of verdicts.
#[tauri::command]
#[specta::specta]
pub async fn replies(host: State<'_, Host>, filter: ReplyFilter) -> Result<ReplyPage, Problem> {
    host.agent().await?.replies(filter).await
}

/// One verdict.
#[tauri::command]
#[specta::specta]
pub async fn reply(host: State<'_, Host>, id: i32) -> Result<ReplyDetail, Problem> {
    host.agent().await?.reply(id.into()).await
}

/// It isn't an answer: what it caused is taken back at the backend.
#[tauri::command]
#[specta::specta]
pub async fn retract(host: State<'_, Host>, id: i32) -> Result<ReplyDetail, Problem> {
    host.agent().await?.retract(id.into()).await
}

/// It was an answer.
#[tauri::command]
#[specta::specta]
pub async fn affirm(host: State<'_, Host>, id: i32) -> Result<ReplyDetail, Problem> {
    host.agent().await?.affirm(id.into()).await
}

/// Answers "Is this an answer to …?".
#[tauri::command]
#[specta::specta]
pub async fn answer_question(
    host: State<'_, Host>,
    id: i32,
    is_answer: bool,
) -> Result<ReplyDetail, Problem> {
    host.agent().await?.answer_question(id.into(), is_answer).await
}

/// What the author newly wrote, fetched from the mailbox.
#[tauri::command]
#[specta::specta]
pub async fn message_text(host: State<'_, Host>, id: i32) -> Result<MessageText, Problem> {
    host.agent().await?.message_text(id.into()).await
}

/// Stops watching for a while.
#[tauri::command]
#[specta::specta]
pub async fn pause(host: State<'_, Host>, how_long: PauseFor) -> Result<(), Problem> {
    host.agent().await?.pause(how_long).await
}

/// Watches again.
#[tauri::command]
#[specta::specta]
pub async fn resume(host: State<'_, Host>) -> Result<(), Problem> {
    host.agent().await?.resume().await
}
