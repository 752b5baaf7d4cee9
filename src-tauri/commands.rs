//! What the window can ask for. Each command passes on to the agent, and is declared once for Rust and TypeScript.
//!
//! A password or a token comes in with a draft and goes to the agent; no command gives one back.

use std::sync::{Mutex, PoisonError};

use answerback_agent::Agent;
use answerback_agent::view::{
    AccountView, BackendDraft, BackendView, BrowserSignIn, Check, History, ImportView, MailboxDetails,
    MailboxDraft, MessageText, OrganisationView, OutboxRow, Overview, PairingView, PauseFor, Problem,
    ReplyDetail, ReplyFilter, ReplyPage, RuleChoice, RulesPreview, RulesView, ServerView,
};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, State, Wry};
use tauri_plugin_autostart::ManagerExt;
use tauri_specta::{Builder, collect_commands, collect_events};

use crate::{
    changes::Changed,
    host::{self, Host},
    journal::Journal,
    link::{OpenedLink, PairLink},
    preferences::{PreferenceFile, Preferences},
    saved_files, window,
};

/// Every command and event; the handler and the TypeScript bindings are made from this one list.
pub fn interface() -> Builder<Wry> {
    Builder::new()
        // What is sent and what is received have the same shape, so one TypeScript type is enough.
        .disable_serde_phases()
        .commands(collect_commands![
            settings,
            save_preferences,
            set_start_at_login,
            retry_start,
            overview,
            replies,
            reply,
            retract,
            answer_question,
            affirm,
            message_text,
            test_mailbox,
            add_mailbox,
            set_password,
            change_mailbox,
            remove_mailbox,
            export_config,
            read_import,
            import_config,
            organisation,
            test_backend,
            connect_backend,
            disconnect_backend,
            begin_pairing,
            pairing,
            cancel_pairing,
            open_pairing_page,
            take_link,
            send_again,
            try_again,
            outbox,
            doctor,
            journal,
            support_report,
            save_support_report,
            history,
            discover,
            open_provider_page,
            begin_sign_in,
            begin_sign_in_again,
            open_sign_in,
            finish_sign_in,
            cancel_sign_in,
            rules,
            set_rule,
            set_pause_days,
            set_log_level,
            preview_rules,
            pause,
            resume,
        ])
        .events(collect_events![Changed])
}

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
}

/// The window's own settings.
#[tauri::command]
#[specta::specta]
async fn settings(app: AppHandle, file: State<'_, PreferenceFile>) -> Result<Settings, Problem> {
    Ok(Settings {
        preferences: file.get(),
        language: file.language().to_owned(),
        start_at_login: app.autolaunch().is_enabled().ok(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// Keeps what the rep prefers.
#[tauri::command]
#[specta::specta]
async fn save_preferences(
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
async fn set_start_at_login(
    app: AppHandle,
    file: State<'_, PreferenceFile>,
    enabled: bool,
) -> Result<Settings, Problem> {
    let autostart = app.autolaunch();
    let outcome = if enabled { autostart.enable() } else { autostart.disable() };
    outcome.map_err(|error| not_saved("start_at_login_not_saved", &error.to_string()))?;
    settings(app, file).await
}

/// Starts the agent again after it could not start.
#[tauri::command]
#[specta::specta]
async fn retry_start(app: AppHandle) {
    host::retry(&app);
}

/// The state of everything.
#[tauri::command]
#[specta::specta]
async fn overview(host: State<'_, Host>) -> Result<Overview, Problem> {
    host.agent().await?.overview().await
}

/// A part of the list of verdicts.
#[tauri::command]
#[specta::specta]
async fn replies(host: State<'_, Host>, filter: ReplyFilter) -> Result<ReplyPage, Problem> {
    host.agent().await?.replies(filter).await
}

/// One verdict.
#[tauri::command]
#[specta::specta]
async fn reply(host: State<'_, Host>, id: i32) -> Result<ReplyDetail, Problem> {
    host.agent().await?.reply(id.into()).await
}

/// It isn't an answer: what it caused is taken back at the backend.
#[tauri::command]
#[specta::specta]
async fn retract(host: State<'_, Host>, id: i32) -> Result<ReplyDetail, Problem> {
    host.agent().await?.retract(id.into()).await
}

/// Answers "Is this an answer to …?".
#[tauri::command]
#[specta::specta]
async fn answer_question(host: State<'_, Host>, id: i32, is_answer: bool) -> Result<ReplyDetail, Problem> {
    host.agent().await?.answer_question(id.into(), is_answer).await
}

/// Tries a mailbox without keeping anything.
#[tauri::command]
#[specta::specta]
async fn test_mailbox(host: State<'_, Host>, draft: MailboxDraft) -> Result<Vec<Check>, Problem> {
    Ok(host.agent().await?.test_mailbox(draft).await)
}

/// Saves a mailbox and watches it.
#[tauri::command]
#[specta::specta]
async fn add_mailbox(host: State<'_, Host>, draft: MailboxDraft) -> Result<AccountView, Problem> {
    host.agent().await?.add_mailbox(draft).await
}

/// A new password for a mailbox.
#[tauri::command]
#[specta::specta]
async fn set_password(
    host: State<'_, Host>,
    account_id: String,
    password: String,
) -> Result<AccountView, Problem> {
    host.agent().await?.set_password(account_id, password).await
}

/// Stops watching a mailbox.
#[tauri::command]
#[specta::specta]
async fn remove_mailbox(host: State<'_, Host>, account_id: String) -> Result<(), Problem> {
    host.agent().await?.remove_mailbox(account_id).await
}

/// Tries a backend without keeping anything.
#[tauri::command]
#[specta::specta]
async fn test_backend(host: State<'_, Host>, draft: BackendDraft) -> Result<Vec<Check>, Problem> {
    Ok(host.agent().await?.test_backend(draft).await)
}

/// Saves a backend and keeps it in step.
#[tauri::command]
#[specta::specta]
async fn connect_backend(host: State<'_, Host>, draft: BackendDraft) -> Result<BackendView, Problem> {
    host.agent().await?.connect_backend(draft).await
}

/// Forgets the backend's token.
#[tauri::command]
#[specta::specta]
async fn disconnect_backend(host: State<'_, Host>) -> Result<BackendView, Problem> {
    host.agent().await?.disconnect_backend().await
}

/// The newest events of the outbox.
#[tauri::command]
#[specta::specta]
async fn outbox(host: State<'_, Host>, limit: u32) -> Result<Vec<OutboxRow>, Problem> {
    host.agent().await?.outbox(limit).await
}

/// Checks every part.
#[tauri::command]
#[specta::specta]
async fn doctor(host: State<'_, Host>) -> Result<Vec<Check>, Problem> {
    Ok(host.agent().await?.doctor().await)
}

/// What was attributed on each of the last days.
#[tauri::command]
#[specta::specta]
async fn history(host: State<'_, Host>, days: u32) -> Result<History, Problem> {
    host.agent().await?.history(days).await
}

/// The servers that the mailbox of an address may be on, best first.
#[tauri::command]
#[specta::specta]
async fn discover(host: State<'_, Host>, address: String) -> Result<Vec<ServerView>, Problem> {
    Ok(host.agent().await?.discover(address).await)
}

/// Opens a known provider's own page in the browser. The page comes from our table, never from the window.
#[tauri::command]
#[specta::specta]
async fn open_provider_page(server: String) -> Result<(), Problem> {
    Agent::provider_page(&server).map_or(Ok(()), open_page)
}

/// Begins to sign in to a new mailbox, and opens the provider's page in the browser.
#[tauri::command]
#[specta::specta]
async fn begin_sign_in(
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
async fn begin_sign_in_again(host: State<'_, Host>, account_id: String) -> Result<BrowserSignIn, Problem> {
    let begun = host.agent().await?.begin_sign_in_again(account_id).await?;
    let _shown_there = open_page(&begun.url);
    Ok(begun)
}

/// Opens the page of a sign-in once more. Its address comes from the agent, never from the window.
#[tauri::command]
#[specta::specta]
async fn open_sign_in(host: State<'_, Host>, id: String) -> Result<(), Problem> {
    host.agent().await?.sign_in_url(&id).await.map_or(Ok(()), |url| open_page(&url))
}

/// Waits for the browser, then watches the mailbox.
#[tauri::command]
#[specta::specta]
async fn finish_sign_in(host: State<'_, Host>, id: String) -> Result<AccountView, Problem> {
    host.agent().await?.finish_sign_in(id).await
}

/// Calls a sign-in off.
#[tauri::command]
#[specta::specta]
async fn cancel_sign_in(host: State<'_, Host>, id: String) -> Result<(), Problem> {
    host.agent().await?.cancel_sign_in(id).await;
    Ok(())
}

fn open_page(page: &str) -> Result<(), Problem> {
    open::that_detached(page).map_err(|error| Problem {
        code: "browser".to_owned(),
        summary: format!("The browser could not be opened: {error}."),
        remedy: format!("Open {page} yourself."),
        about: page.to_owned(),
    })
}

/// What is done about each kind of message.
#[tauri::command]
#[specta::specta]
async fn rules(host: State<'_, Host>) -> Result<RulesView, Problem> {
    Ok(host.agent().await?.rules())
}

/// Does something else about a kind of message.
#[tauri::command]
#[specta::specta]
async fn set_rule(host: State<'_, Host>, name: String, actions: Vec<String>) -> Result<RulesView, Problem> {
    host.agent().await?.set_rule(name, actions).await
}

/// How long an absence without a date pauses a campaign.
#[tauri::command]
#[specta::specta]
async fn set_pause_days(host: State<'_, Host>, days: u16) -> Result<RulesView, Problem> {
    host.agent().await?.set_pause_days(days).await
}

/// How much of a reply is sent to the backend.
#[tauri::command]
#[specta::specta]
async fn set_log_level(host: State<'_, Host>, level: String) -> Result<RulesView, Problem> {
    host.agent().await?.set_log_level(level).await
}

/// Stops watching for a while.
#[tauri::command]
#[specta::specta]
async fn pause(host: State<'_, Host>, how_long: PauseFor) -> Result<(), Problem> {
    host.agent().await?.pause(how_long).await
}

/// Watches again.
#[tauri::command]
#[specta::specta]
async fn resume(host: State<'_, Host>) -> Result<(), Problem> {
    host.agent().await?.resume().await
}

/// What other rules would have given. Nothing is changed.
#[tauri::command]
#[specta::specta]
async fn preview_rules(
    host: State<'_, Host>,
    choices: Vec<RuleChoice>,
    pause_days: Option<u16>,
) -> Result<RulesPreview, Problem> {
    host.agent().await?.preview_rules(choices, pause_days).await
}

/// It was an answer.
#[tauri::command]
#[specta::specta]
async fn affirm(host: State<'_, Host>, id: i32) -> Result<ReplyDetail, Problem> {
    host.agent().await?.affirm(id.into()).await
}

/// What the author newly wrote, fetched from the mailbox.
#[tauri::command]
#[specta::specta]
async fn message_text(host: State<'_, Host>, id: i32) -> Result<MessageText, Problem> {
    host.agent().await?.message_text(id.into()).await
}

/// Changes what belongs to a mailbox.
#[tauri::command]
#[specta::specta]
async fn change_mailbox(
    host: State<'_, Host>,
    account_id: String,
    details: MailboxDetails,
) -> Result<AccountView, Problem> {
    host.agent().await?.change_mailbox(account_id, details).await
}

/// Writes the configuration, without secrets, into the downloads folder, and says where.
#[tauri::command]
#[specta::specta]
async fn export_config(app: AppHandle, host: State<'_, Host>) -> Result<String, Problem> {
    let text = host.agent().await?.export_config()?;
    save(&app, "answerback-settings", "toml", &text)
}

/// What a configuration would bring.
#[tauri::command]
#[specta::specta]
async fn read_import(host: State<'_, Host>, text: String) -> Result<ImportView, Problem> {
    host.agent().await?.read_import(&text)
}

/// Takes a configuration in.
#[tauri::command]
#[specta::specta]
async fn import_config(host: State<'_, Host>, text: String) -> Result<(), Problem> {
    host.agent().await?.import_config(&text).await
}

/// What the administrator has laid down on this computer.
#[tauri::command]
#[specta::specta]
async fn organisation(host: State<'_, Host>) -> Result<OrganisationView, Problem> {
    Ok(host.agent().await?.organisation())
}

/// Begins to pair this laptop with a backend.
#[tauri::command]
#[specta::specta]
async fn begin_pairing(host: State<'_, Host>, url: String) -> Result<PairingView, Problem> {
    host.agent().await?.begin_pairing(url).await
}

/// The pairing that is under way or came to nothing.
#[tauri::command]
#[specta::specta]
async fn pairing(host: State<'_, Host>) -> Result<Option<PairingView>, Problem> {
    Ok(host.agent().await?.pairing())
}

/// Gives up the pairing that is under way.
#[tauri::command]
#[specta::specta]
async fn cancel_pairing(host: State<'_, Host>) -> Result<(), Problem> {
    host.agent().await?.cancel_pairing().await;
    Ok(())
}

/// Opens the backend's page for the pairing in the browser. The page comes from the backend, never from the window.
#[tauri::command]
#[specta::specta]
async fn open_pairing_page(host: State<'_, Host>) -> Result<(), Problem> {
    let page = host.agent().await?.pairing_page();
    let Some(page) = page.filter(|page| page.starts_with("https://") || page.starts_with("http://")) else {
        return Ok(());
    };
    open_page(&page)
}

/// The link that was opened last, once.
#[tauri::command]
#[specta::specta]
async fn take_link(link: State<'_, OpenedLink>) -> Result<Option<PairLink>, Problem> {
    Ok(link.take())
}

/// Sends an event that was refused once more.
#[tauri::command]
#[specta::specta]
async fn send_again(host: State<'_, Host>, event_id: String) -> Result<(), Problem> {
    host.agent().await?.send_again(event_id).await
}

/// Makes every connection anew at once.
#[tauri::command]
#[specta::specta]
async fn try_again(host: State<'_, Host>) -> Result<(), Problem> {
    host.agent().await?.try_again();
    Ok(())
}

/// What was logged since the start.
#[tauri::command]
#[specta::specta]
async fn journal(journal: State<'_, Journal>) -> Result<Vec<String>, Problem> {
    Ok(journal.lines())
}

/// The report for whoever helps, to be read before it is saved.
#[tauri::command]
#[specta::specta]
async fn support_report(
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

/// Saves the report that was read, to the letter, and says where.
#[tauri::command]
#[specta::specta]
async fn save_support_report(app: AppHandle, last: State<'_, LastReport>) -> Result<String, Problem> {
    let report = last.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    save(&app, "answerback-report", "txt", &report)
}

/// The report that the rep was shown last.
#[derive(Default)]
pub struct LastReport(Mutex<String>);

fn save(app: &AppHandle, name: &str, extension: &str, text: &str) -> Result<String, Problem> {
    saved_files::save(app, name, extension, text)
        .map(|path| path.display().to_string())
        .map_err(|error| not_saved("file_not_saved", &error.to_string()))
}

fn not_saved(code: &str, reason: &str) -> Problem {
    Problem {
        code: code.to_owned(),
        summary: format!("The setting could not be saved: {reason}."),
        remedy: "Check that your home folder is writable and has room, then try again.".to_owned(),
        about: reason.to_owned(),
    }
}
