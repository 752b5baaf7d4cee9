//! Signing in to a mailbox through the browser.

use answerback_agent::view::{BrowserSignIn, MailboxDraft, Problem, SignInOutcome};
use tauri::State;

use super::open_page;
use crate::host::Host;

/// Keeps the client id that the rep's administrator has registered at a provider.
#[tauri::command]
#[specta::specta]
pub async fn set_client_id(
    host: State<'_, Host>,
    provider: String,
    client_id: String,
    tenant: String,
) -> Result<(), Problem> {
    host.agent().await?.set_client_id(provider, client_id, tenant).await
}

/// Begins to sign in to a new mailbox, or anew to the one with the id `replaces`, and opens the provider's page in the browser.
#[tauri::command]
#[specta::specta]
pub async fn begin_sign_in(
    host: State<'_, Host>,
    draft: MailboxDraft,
    provider: String,
    replaces: Option<String>,
) -> Result<BrowserSignIn, Problem> {
    let begun = host.agent().await?.begin_sign_in(draft, provider, replaces).await?;
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

/// Waits for the browser, then watches the mailbox. Where another door is tried, its page is opened.
#[tauri::command]
#[specta::specta]
pub async fn finish_sign_in(host: State<'_, Host>, id: String) -> Result<SignInOutcome, Problem> {
    let outcome = host.agent().await?.finish_sign_in(id).await?;
    if let SignInOutcome::Next { sign_in } = &outcome {
        let _shown_there = open_page(&sign_in.url);
    }
    Ok(outcome)
}

/// Calls a sign-in off.
#[tauri::command]
#[specta::specta]
pub async fn cancel_sign_in(host: State<'_, Host>, id: String) -> Result<(), Problem> {
    host.agent().await?.cancel_sign_in(id).await;
    Ok(())
}
