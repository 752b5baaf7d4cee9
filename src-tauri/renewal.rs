//! Linux: gives back what the web view leaves behind. WebKitGTK never ends its network process, and its libraries keep what they have set
//! up (<https://github.com/tauri-apps/tauri/issues/14626>). Some while after the window was closed the program starts once more in its own place: the
//! same process, as it is after a start at login.

use std::{
    env,
    io::{self, Write},
    os::unix::process::CommandExt,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tauri::{AppHandle, Manager, Runtime};

use crate::{
    files::Files,
    host::{self, Host},
    journal::Journal,
};

/// Who has closed the window by mistake opens it again before this is over.
const AFTER: Duration = Duration::from_secs(15);

/// Whether one is coming.
#[derive(Default)]
pub struct Renewal(AtomicBool);

/// The window was closed.
pub fn after_the_window<R: Runtime>(app: &AppHandle<R>) {
    if app.state::<Renewal>().0.swap(true, Ordering::Relaxed) {
        return;
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        if is_due(&app).await {
            app.state::<Host>().stop().await;
            if !is_open(&app) {
                tracing::info!("The window is closed; its memory is given back.");
                let error = start_over(&app);
                tracing::warn!("The program can't start over: {error}.");
            }
            host::resume(&app);
        }
        app.state::<Renewal>().0.store(false, Ordering::Relaxed);
    });
}

/// Waits until the window has been closed for long enough and nothing would be lost; `false` when it is open again.
async fn is_due<R: Runtime>(app: &AppHandle<R>) -> bool {
    loop {
        tokio::time::sleep(AFTER).await;
        if is_open(app) {
            return false;
        }
        if app.state::<Host>().is_at_rest().await {
            return true;
        }
    }
}

fn is_open<R: Runtime>(app: &AppHandle<R>) -> bool {
    !app.webview_windows().is_empty()
}

/// Comes back only if it fails.
fn start_over<R: Runtime>(app: &AppHandle<R>) -> io::Error {
    let begin = || -> io::Result<Command> {
        let (reader, mut writer) = io::pipe()?;
        writer.write_all(app.state::<Journal>().handed_on().as_bytes())?;
        let mut program = Command::new(env::current_exe()?);
        program.args(["--background", "--renewed"]).stdin(reader);
        let files = app.state::<Files>();
        if files.own_configuration {
            program.arg("--config").arg(&files.config);
        }
        Ok(program)
    };
    match begin() {
        Ok(mut program) => program.exec(),
        Err(error) => error,
    }
}
