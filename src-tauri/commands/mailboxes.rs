//! The rep's mailboxes.

use answerback_agent::{
    Agent,
    view::{
        AccountView, Check, ExchangeServer, ImportView, MailboxDetails, MailboxDraft, Problem, ServerDraft,
        ServerView,
    },
};
use tauri::{AppHandle, State};

use super::{open_page, save};
use crate::host::Host;

/// The servers that the mailbox of an address may be on, best first.
#[tauri::command]
#[specta::specta]
pub async fn discover(host: State<'_, Host>, address: String) -> Result<Vec<ServerView>, Problem> {
    Ok(host.agent().await?.discover(address).await)
}

/// Opens a known provider's own page in the browser. The page comes from our table, never from the window.
#[tauri::command]
#[specta::specta]
pub async fn open_provider_page(server: String) -> Result<(), Problem> {
    Agent::provider_page(&server).map_or(Ok(()), open_page)
}

/// Tries a mailbox without keeping anything.
#[tauri::command]
#[specta::specta]
pub async fn test_mailbox(host: State<'_, Host>, draft: MailboxDraft) -> Result<Vec<Check>, Problem> {
    Ok(host.agent().await?.test_mailbox(draft).await)
}

/// Saves a mailbox and watches it.
#[tauri::command]
#[specta::specta]
pub async fn add_mailbox(host: State<'_, Host>, draft: MailboxDraft) -> Result<AccountView, Problem> {
    host.agent().await?.add_mailbox(draft).await
}

/// Where an Exchange server is, as Autodiscover says. `agreed` are hosts outside of the mail domain that the password may go to.
#[tauri::command]
#[specta::specta]
pub async fn find_exchange(
    host: State<'_, Host>,
    draft: MailboxDraft,
    agreed: Vec<String>,
) -> Result<ExchangeServer, Problem> {
    host.agent().await?.find_exchange(draft, agreed).await
}

/// How a mailbox is reached, without its password.
#[tauri::command]
#[specta::specta]
pub async fn mailbox_server(host: State<'_, Host>, account_id: String) -> Result<ServerDraft, Problem> {
    host.agent().await?.mailbox_server(&account_id)
}

/// Reaches a mailbox with another server or password from now on.
#[tauri::command]
#[specta::specta]
pub async fn change_server(
    host: State<'_, Host>,
    account_id: String,
    draft: MailboxDraft,
) -> Result<AccountView, Problem> {
    host.agent().await?.change_server(account_id, draft).await
}

/// Changes what belongs to a mailbox.
#[tauri::command]
#[specta::specta]
pub async fn change_mailbox(
    host: State<'_, Host>,
    account_id: String,
    details: MailboxDetails,
) -> Result<AccountView, Problem> {
    host.agent().await?.change_mailbox(account_id, details).await
}

/// A new password for a mailbox.
#[tauri::command]
#[specta::specta]
pub async fn set_password(
    host: State<'_, Host>,
    account_id: String,
    password: String,
) -> Result<AccountView, Problem> {
    host.agent().await?.set_password(account_id, password).await
}

/// Stops watching a mailbox.
#[tauri::command]
#[specta::specta]
pub async fn remove_mailbox(host: State<'_, Host>, account_id: String) -> Result<(), Problem> {
    host.agent().await?.remove_mailbox(account_id).await
}

/// Writes the configuration, without secrets, into the downloads folder, and says where.
#[tauri::command]
#[specta::specta]
pub async fn export_config(app: AppHandle, host: State<'_, Host>) -> Result<String, Problem> {
    let text = host.agent().await?.export_config()?;
    save(&app, "answerback-settings", "toml", &text)
}

/// What a configuration would bring.
#[tauri::command]
#[specta::specta]
pub async fn read_import(host: State<'_, Host>, text: String) -> Result<ImportView, Problem> {
    host.agent().await?.read_import(&text)
}

/// Takes a configuration in.
#[tauri::command]
#[specta::specta]
pub async fn import_config(host: State<'_, Host>, text: String) -> Result<(), Problem> {
    host.agent().await?.import_config(&text).await
}
