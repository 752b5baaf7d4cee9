//! Salesforce in the backend's place.

use answerback_agent::view::{
    BackendView, Check, Problem, SalesforceDraft, SalesforceMapping, SalesforceMappingView, SalesforceSignIn,
};
use tauri::State;

use super::open_page;
use crate::host::Host;

/// Begins to sign in to Salesforce, and opens its page in the browser. `cancel_sign_in` calls it off, `open_sign_in` opens the page again.
#[tauri::command]
#[specta::specta]
pub async fn begin_salesforce(
    host: State<'_, Host>,
    draft: SalesforceDraft,
) -> Result<SalesforceSignIn, Problem> {
    let begun = host.agent().await?.begin_salesforce(draft).await?;
    // The window can open the page once more.
    let _shown_there = open_page(&begun.url);
    Ok(begun)
}

/// Waits for the browser, then reads and writes there in place of what was connected before.
#[tauri::command]
#[specta::specta]
pub async fn finish_salesforce(host: State<'_, Host>, id: String) -> Result<BackendView, Problem> {
    host.agent().await?.finish_salesforce(id).await
}

/// What may be done in the Salesforce that is connected.
#[tauri::command]
#[specta::specta]
pub async fn check_salesforce(host: State<'_, Host>) -> Result<Vec<Check>, Problem> {
    Ok(host.agent().await?.check_salesforce().await)
}

/// Logs an answer of whoever has this address and removes it again.
#[tauri::command]
#[specta::specta]
pub async fn try_salesforce(host: State<'_, Host>, address: String) -> Result<Vec<String>, Problem> {
    host.agent().await?.try_salesforce(address).await
}

/// What becomes what in the Salesforce that is connected; null where none is.
#[tauri::command]
#[specta::specta]
pub async fn salesforce_mapping(host: State<'_, Host>) -> Result<Option<SalesforceMappingView>, Problem> {
    Ok(host.agent().await?.salesforce_mapping())
}

/// Changes what becomes what there, from the next event on.
#[tauri::command]
#[specta::specta]
pub async fn set_salesforce_mapping(
    host: State<'_, Host>,
    mapping: SalesforceMapping,
) -> Result<(), Problem> {
    host.agent().await?.set_salesforce_mapping(mapping).await
}
