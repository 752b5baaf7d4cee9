//! Signing in to a mailbox through the browser.

use answerback_agent::view::{AccountView, BrowserSignIn, MailboxDraft, Problem};
use tauri::State;

use super::open_page;
use crate::host::Host;

/// Begins to sign in to a new mailbox, and opens the provider's page in the browser.
#[tauri::command]
#[specta::specta]
pub async fn begin_sign_in(
    host: State<'_, Host>,
    draft: MailboxDraft,
    provider: String,
) -> Result<BrowserSignIn, Problem> {
    let begun = host.agent().await?.begin_sign_in(draft, provider).await?;
    // The window shows the page's address and can open it once more.
    let _shown_there = open_page(&begun.url);
    Ok(begun)
}

/// The same for a mailbox that is there.
#[tauri::command]
#[specta::specta]
pub async fn begin_sign_in_again(
    host: State<'_, Host>,
    account_id: String,
) -> Result<BrowserSignIn, Problem> {
    let begun = host.agent().await?.begin_sign_in_again(account_id).await?;
    let _shown_there = open_page(&begun.url);
    Ok(begun)
}

/// Opens the page of a sign-in once more. Its address comes from the agent, never from the window.
#[tauri::command]
#[specta::specta]
pub async fn open_sign_in(host: State<'_, Host>, id: String) -> Result<(), Problem> {
    host.agent().await?.sign_in_url(&id).await.map_or(Ok(()), |url| open_page(&url))
}

/// Waits for the browser, then watches the mailbox.
#[tauri::command]
#[specta::specta]
pub async fn finish_sign_in(host: State<'_, Host>, id: String) -> Result<AccountView, Problem> {
    host.agent().await?.finish_sign_in(id).await
}

/// Calls a sign-in off.
#[tauri::command]
#[specta::specta]
pub async fn cancel_sign_in(host: State<'_, Host>, id: String) -> Result<(), Problem> {
    host.agent().await?.cancel_sign_in(id).await;
    Ok(())
}
