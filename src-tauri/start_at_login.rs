//! Starting with the desktop: an entry of the rep's own (autostart folder, LaunchAgent, registry), which starts it in the
//! background.

use std::env;

use auto_launch::{AutoLaunch, AutoLaunchBuilder, WindowsEnableMode};

/// Whether it starts at login; `None` where that can't be known.
pub fn is_on() -> Option<bool> {
    entry().and_then(|entry| entry.is_enabled()).ok()
}

/// Starts it at login, or no longer.
///
/// # Errors
/// The entry can't be written.
pub fn set(on: bool) -> auto_launch::Result<()> {
    let entry = entry()?;
    if on { entry.enable() } else { entry.disable() }
}

/// Takes the entry away; gives whether there was one.
pub fn remove() -> bool {
    is_on() == Some(true) && set(false).is_ok()
}

fn entry() -> auto_launch::Result<AutoLaunch> {
    let program = env::current_exe()?;
    AutoLaunchBuilder::new()
        .set_app_name("Answerback")
        .set_app_path(&program.display().to_string())
        .set_args(&["--background"])
        // Left to itself it writes for everybody on the computer where it may.
        .set_windows_enable_mode(WindowsEnableMode::CurrentUser)
        .build()
}
