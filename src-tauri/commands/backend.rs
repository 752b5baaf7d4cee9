//! The backend: pairing, and what goes there.

use answerback_agent::view::{
    BackendDraft, BackendView, Check, OrganisationView, OutboxRow, PairingView, Problem,
};
use tauri::State;

use super::open_page;
use crate::host::Host;

/// Tries a backend without keeping anything.
#[tauri::command]
#[specta::specta]
pub async fn test_backend(host: State<'_, Host>, draft: BackendDraft) -> Result<Vec<Check>, Problem> {
    Ok(host.agent().await?.test_backend(draft).await)
}

/// Saves a backend and keeps it in step.
#[tauri::command]
#[specta::specta]
pub async fn connect_backend(host: State<'_, Host>, draft: BackendDraft) -> Result<BackendView, Problem> {
    host.agent().await?.connect_backend(draft).await
}

/// Forgets the backend's token.
#[tauri::command]
#[specta::specta]
pub async fn disconnect_backend(host: State<'_, Host>) -> Result<BackendView, Problem> {
    host.agent().await?.disconnect_backend().await
}

/// Begins to pair this laptop with a backend.
#[tauri::command]
#[specta::specta]
pub async fn begin_pairing(host: State<'_, Host>, url: String) -> Result<PairingView, Problem> {
    host.agent().await?.begin_pairing(url).await
}

/// The pairing that is under way or came to nothing.
#[tauri::command]
#[specta::specta]
pub async fn pairing(host: State<'_, Host>) -> Result<Option<PairingView>, Problem> {
    Ok(host.agent().await?.pairing())
}

/// Gives up the pairing that is under way.
#[tauri::command]
#[specta::specta]
pub async fn cancel_pairing(host: State<'_, Host>) -> Result<(), Problem> {
    host.agent().await?.cancel_pairing().await;
    Ok(())
}

/// Opens the backend's page for the pairing in the browser. The page comes from the backend, never from the window.
#[tauri::command]
#[specta::specta]
pub async fn open_pairing_page(host: State<'_, Host>) -> Result<(), Problem> {
    let page = host.agent().await?.pairing_page();
    let Some(page) = page.filter(|page| page.starts_with("https://") || page.starts_with("http://")) else {
        return Ok(());
    };
    open_page(&page)
}

/// The newest events of the outbox.
#[tauri::command]
#[specta::specta]
pub async fn outbox(host: State<'_, Host>, limit: u32) -> Result<Vec<OutboxRow>, Problem> {
    host.agent().await?.outbox(limit).await
}

/// Sends an event that was refused once more.
#[tauri::command]
#[specta::specta]
pub async fn send_again(host: State<'_, Host>, event_id: String) -> Result<(), Problem> {
    host.agent().await?.send_again(event_id).await
}

/// What the administrator has laid down on this computer.
#[tauri::command]
#[specta::specta]
pub async fn organisation(host: State<'_, Host>) -> Result<OrganisationView, Problem> {
    Ok(host.agent().await?.organisation())
}
