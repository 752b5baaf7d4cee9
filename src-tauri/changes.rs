//! Passes the agent's changes on to the window, the tray icon and the notifications.

use std::time::Duration;

use answerback_agent::{Agent, Change};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, Runtime};
use tauri_specta::Event;
use tokio::sync::broadcast::error::RecvError;

use crate::{notification, tray};

/// Told to the window, which asks again for what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type, Event)]
#[serde(tag = "what", content = "id", rename_all = "snake_case")]
pub enum Changed {
    /// A new or changed verdict, by its number in the store.
    Verdict(i32),
    /// A mailbox's state, coverage or folders.
    Accounts,
    /// The backend's state or the outbox.
    Backend,
    /// A link into the app was opened.
    Link,
    /// There is a newer version.
    Update,
    /// More happened than can be told one by one.
    Everything,
}

impl From<Change> for Changed {
    fn from(change: Change) -> Self {
        match change {
            Change::Verdict(id) => i32::try_from(id).map_or(Self::Everything, Self::Verdict),
            Change::Accounts => Self::Accounts,
            Change::Backend => Self::Backend,
        }
    }
}

/// Follows the agent until it ends.
pub fn follow<R: Runtime>(app: &AppHandle<R>, agent: &Agent) {
    tauri::async_runtime::spawn(tell(app.clone(), agent.clone()));
    tauri::async_runtime::spawn(keep_tray(app.clone(), agent.clone()));
}

/// The agent could not start: the tray asks for attention, and a window that is open asks why.
pub fn startup_failed<R: Runtime>(app: &AppHandle<R>) {
    tray::show_failure(app);
    emit(app, Changed::Everything);
}

async fn tell<R: Runtime>(app: AppHandle<R>, agent: Agent) {
    let mut changes = agent.changes();
    emit(&app, Changed::Everything);
    loop {
        match changes.recv().await {
            Ok(change) => {
                emit(&app, change.into());
                if let Change::Verdict(id) = change {
                    notification::consider(&app, &agent, id).await;
                }
            }
            Err(RecvError::Lagged(_)) => emit(&app, Changed::Everything),
            Err(RecvError::Closed) => return,
        }
    }
}

/// Many changes in a row move the icon once.
async fn keep_tray<R: Runtime>(app: AppHandle<R>, agent: Agent) {
    let mut changes = agent.changes();
    loop {
        if let Ok(overview) = agent.overview().await {
            tray::show(&app, &overview);
        }
        match changes.recv().await {
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        changes = changes.resubscribe();
    }
}

/// Tells the window.
pub fn emit<R: Runtime>(app: &AppHandle<R>, changed: Changed) {
    if let Err(error) = changed.emit(app) {
        tracing::debug!("The window was not told of a change: {error}.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_reaches_the_window_under_its_own_name() {
        for (change, json) in [
            (Change::Verdict(7), r#"{"what":"verdict","id":7}"#),
            (Change::Verdict(i64::MAX), r#"{"what":"everything"}"#),
            (Change::Accounts, r#"{"what":"accounts"}"#),
            (Change::Backend, r#"{"what":"backend"}"#),
        ] {
            assert_eq!(serde_json::to_string(&Changed::from(change)).unwrap(), json);
        }
    }
}
