//! What the window can ask for. Each command passes on to the agent, and is declared once for Rust and TypeScript.
//!
//! A password or a token comes in with a draft and goes to the agent; no command gives one back.

mod backend;
mod diagnostics;
mod mailboxes;
mod replies;
mod rules;
mod salesforce;
mod sign_in;
mod window;

use answerback_agent::view::Problem;
use tauri::{AppHandle, Wry};
use tauri_specta::{Builder, collect_commands, collect_events};

use crate::{browser, changes::Changed, saved_files};

pub use diagnostics::LastReport;

/// Every command and event; the handler and the TypeScript bindings are made from this one list.
pub fn interface() -> Builder<Wry> {
    Builder::new()
        // What is sent and what is received have the same shape, so one TypeScript type is enough.
        .disable_serde_phases()
        .commands(collect_commands![
            window::settings,
            window::save_preferences,
            window::set_start_at_login,
            window::retry_start,
            replies::overview,
            replies::replies,
            replies::reply,
            replies::retract,
            replies::answer_question,
            replies::affirm,
            replies::message_text,
            mailboxes::test_mailbox,
            mailboxes::add_mailbox,
            mailboxes::find_exchange,
            mailboxes::mailbox_server,
            mailboxes::change_server,
            mailboxes::set_password,
            mailboxes::change_mailbox,
            mailboxes::remove_mailbox,
            mailboxes::export_config,
            mailboxes::read_import,
            mailboxes::import_config,
            backend::organisation,
            backend::test_backend,
            backend::connect_backend,
            backend::disconnect_backend,
            backend::begin_pairing,
            backend::pairing,
            backend::cancel_pairing,
            backend::open_pairing_page,
            salesforce::begin_salesforce,
            salesforce::finish_salesforce,
            salesforce::check_salesforce,
            salesforce::try_salesforce,
            salesforce::salesforce_mapping,
            salesforce::set_salesforce_mapping,
            window::take_link,
            window::newer_version,
            window::install_update,
            backend::send_again,
            diagnostics::try_again,
            backend::outbox,
            diagnostics::doctor,
            diagnostics::journal,
            diagnostics::support_report,
            diagnostics::save_support_report,
            replies::history,
            mailboxes::discover,
            mailboxes::open_provider_page,
            sign_in::set_client_id,
            sign_in::begin_sign_in,
            sign_in::begin_sign_in_again,
            sign_in::open_sign_in,
            sign_in::finish_sign_in,
            sign_in::cancel_sign_in,
            rules::rules,
            rules::set_rule,
            rules::set_pause_days,
            rules::set_log_level,
            rules::preview_rules,
            replies::pause,
            replies::resume,
        ])
        .events(collect_events![Changed])
}

fn open_page(page: &str) -> Result<(), Problem> {
    browser::open(page).map_err(|error| Problem {
        code: "browser".to_owned(),
        summary: format!("The browser could not be opened: {error}."),
        remedy: format!("Open {page} yourself."),
        about: page.to_owned(),
        client: None,
    })
}

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
        client: None,
    }
}
