//! `answerback --forget`: deletes what the app keeps on this computer. Needs no display: an uninstaller may run it.

use std::{
    fs,
    io::{self, Write},
    process::ExitCode,
};

use answerback_agent::{Keychain, forget_everything};

use crate::{files::Files, start_at_login};

/// Deletes it and says what was deleted, one thing a line.
pub fn forget(files: &Files) -> ExitCode {
    let mut out = io::stdout().lock();
    // Whoever asked may have closed its end, as a Windows uninstaller does; that is no reason to stop half-way.
    let mut say = |what: &str| drop(writeln!(out, "Deleted: {what}"));
    match forget_everything(&files.config, &Keychain::system()) {
        Ok(forgotten) => forgotten.iter().for_each(|what| say(what)),
        Err(problem) => {
            tracing::error!(code = problem.code, "{} {}", problem.summary, problem.remedy);
            return ExitCode::from(3);
        }
    }
    for file in [&files.preferences, &files.window] {
        if fs::remove_file(file).is_ok() {
            say(&file.display().to_string());
        }
    }
    if fs::remove_dir_all(&files.web_view).is_ok() {
        say(&files.web_view.display().to_string());
    }
    if !files.own_configuration && start_at_login::remove() {
        say("the start at login");
    }
    // It goes only if nothing else is in it.
    let _not_empty = files.config.parent().map(fs::remove_dir);
    ExitCode::SUCCESS
}
