//! Newer versions, where the release was built with the key that its updates are signed with (docs/desktop.md). Any other build
//! looks for none.
//!
//! What is announced is only shown; it is fetched when the rep says so, and installed only if its signature is by that key and
//! for that version.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, Config, Manager, Runtime};
use tauri_plugin_updater::{Error, Update, UpdaterExt};

use crate::{
    changes::{self, Changed},
    host::Host,
};

/// The mailboxes come first.
const AFTER_START: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_secs(12 * 60 * 60);

/// A newer version that was found.
#[derive(Default)]
pub struct Newer(Mutex<Option<Update>>);

/// What the window shows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct UpdateView {
    /// Its version.
    version: String,
    /// What is new in it, as text.
    notes: Option<String>,
}

impl Newer {
    /// The newer version, if one was found.
    pub fn view(&self) -> Option<UpdateView> {
        let found = self.found()?;
        Some(UpdateView { version: found.version, notes: found.body })
    }

    fn found(&self) -> Option<Update> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether this release knows where its updates are, and who signs them.
pub fn are_configured(config: &Config) -> bool {
    config.plugins.0.contains_key("updater")
}

/// Which host this release asks for its updates.
pub fn host(config: &Config) -> Option<String> {
    let endpoint = config.plugins.0.get("updater")?.get("endpoints")?.get(0)?.as_str()?;
    tauri::Url::parse(endpoint).ok()?.host_str().map(str::to_owned)
}

/// Looks for a newer version now and then, as long as the app runs.
pub fn follow<R: Runtime>(app: &AppHandle<R>) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(AFTER_START).await;
        loop {
            match look(&app).await {
                Ok(()) => {}
                Err(error) => tracing::info!("Looking for a newer version failed: {error}."),
            }
            tokio::time::sleep(EVERY).await;
        }
    });
}

async fn look<R: Runtime>(app: &AppHandle<R>) -> Result<(), Error> {
    let found = app.updater()?.check().await?;
    if let Some(update) = &found {
        tracing::info!(version = update.version, "There is a newer version.");
    }
    *app.state::<Newer>().0.lock().unwrap_or_else(PoisonError::into_inner) = found;
    changes::emit(app, Changed::Update);
    Ok(())
}

/// Fetches the newer version, checks its signature, installs it, and starts it in place of this one.
///
/// # Errors
/// It can't be fetched, is not signed as it must be, or can't be installed. This version then goes on.
pub async fn install<R: Runtime>(app: &AppHandle<R>) -> Result<(), Error> {
    let Some(update) = app.state::<Newer>().found() else { return Ok(()) };
    let package = update.download(|_length, _of| {}, || {}).await?;
    // On Windows the installer ends this process.
    app.state::<Host>().stop().await;
    match update.install(package) {
        Ok(()) => app.restart(),
        Err(error) => {
            crate::host::resume(app);
            Err(error)
        }
    }
}
