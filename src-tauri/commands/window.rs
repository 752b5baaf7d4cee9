//! The window's own settings, and how it comes to be open.

use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, State};

use answerback_agent::view::Problem;

use super::not_saved;
use crate::{
    host,
    link::{Link, OpenedLink},
    preferences::{PreferenceFile, Preferences},
    start_at_login,
    updates::{self, Newer, UpdateView},
    window,
};

/// What the window needs to know before it shows anything.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// What the rep prefers.
    preferences: Preferences,
    /// The code of the catalogue to use.
    language: String,
    /// Whether the agent starts at login; `None` where that can't be known.
    start_at_login: Option<bool>,
    /// The app's version.
    version: String,
    /// The host that is asked for newer versions; `None` where none is.
    update_host: Option<String>,
}

/// The window's own settings.
#[tauri::command]
#[specta::specta]
pub async fn settings(app: AppHandle, file: State<'_, PreferenceFile>) -> Result<Settings, Problem> {
    Ok(Settings {
        preferences: file.get(),
        language: file.language().to_owned(),
        start_at_login: start_at_login::is_on(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        update_host: updates::host(app.config()),
    })
}

/// Keeps what the rep prefers.
#[tauri::command]
#[specta::specta]
pub async fn save_preferences(
    app: AppHandle,
    file: State<'_, PreferenceFile>,
    preferences: Preferences,
) -> Result<Settings, Problem> {
    file.set(preferences).map_err(|error| not_saved("preferences_not_saved", &error.to_string()))?;
    window::follow_appearance(&app);
    settings(app, file).await
}

/// Starts the agent at login, or no longer.
#[tauri::command]
#[specta::specta]
pub async fn set_start_at_login(
    app: AppHandle,
    file: State<'_, PreferenceFile>,
    enabled: bool,
) -> Result<Settings, Problem> {
    start_at_login::set(enabled)
        .map_err(|error| not_saved("start_at_login_not_saved", &error.to_string()))?;
    settings(app, file).await
}

/// Starts the agent again after it could not start.
#[tauri::command]
#[specta::specta]
pub async fn retry_start(app: AppHandle) {
    host::retry(&app);
}

/// The link that was opened last, once.
#[tauri::command]
#[specta::specta]
pub async fn take_link(link: State<'_, OpenedLink>) -> Result<Option<Link>, Problem> {
    Ok(link.take())
}

/// The newer version, if one was found.
#[tauri::command]
#[specta::specta]
pub async fn newer_version(newer: State<'_, Newer>) -> Result<Option<UpdateView>, Problem> {
    Ok(newer.view())
}

/// Installs the newer version and starts it.
#[tauri::command]
#[specta::specta]
pub async fn install_update(app: AppHandle) -> Result<(), Problem> {
    updates::install(&app).await.map_err(|error| Problem {
        code: "update_failed".to_owned(),
        summary: format!("The new version could not be installed: {error}."),
        remedy: "This version goes on working. Try again later, or ask your administrator.".to_owned(),
        about: String::new(),
        client: None,
    })
}
