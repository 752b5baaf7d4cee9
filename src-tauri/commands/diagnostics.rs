//! What is wrong, and who can help.

use std::sync::{Mutex, PoisonError};

use answerback_agent::view::{Check, Problem};
use tauri::{AppHandle, State};

use super::save;
use crate::{host::Host, journal::Journal};

/// Checks every part.
#[tauri::command]
#[specta::specta]
pub async fn doctor(host: State<'_, Host>) -> Result<Vec<Check>, Problem> {
    Ok(host.agent().await?.doctor().await)
}

/// Makes every connection anew at once.
#[tauri::command]
#[specta::specta]
pub async fn try_again(host: State<'_, Host>) -> Result<(), Problem> {
    host.agent().await?.try_again();
    Ok(())
}

/// What was logged since the start.
#[tauri::command]
#[specta::specta]
pub async fn journal(journal: State<'_, Journal>) -> Result<Vec<String>, Problem> {
    Ok(journal.lines())
}

/// The report for whoever helps, to be read before it is saved.
#[tauri::command]
#[specta::specta]
pub async fn support_report(
    host: State<'_, Host>,
    journal: State<'_, Journal>,
    last: State<'_, LastReport>,
) -> Result<String, Problem> {
    let about = format!(
        "Answerback {} on {} {}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    let report = host.agent().await?.support_report(&about, &journal.lines()).await?;
    last.0.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&report);
    Ok(report)
}

/// The report that the rep was shown last.
#[derive(Default)]
pub struct LastReport(Mutex<String>);

/// Saves the report that was read, to the letter, and says where.
#[tauri::command]
#[specta::specta]
pub async fn save_support_report(app: AppHandle, last: State<'_, LastReport>) -> Result<String, Problem> {
    let report = last.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    save(&app, "answerback-report", "txt", &report)
}
