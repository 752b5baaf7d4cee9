//! The desktop shell around the agent: window, tray icon, notifications and typed commands.
//!
//! Nothing is decided here; whatever the window asks for is answered by [`answerback_agent::Agent`].
#![forbid(unsafe_code)]

mod arguments;
mod browser;
mod changes;
mod commands;
mod files;
mod forget;
#[cfg(target_os = "linux")]
mod graphics;
mod host;
mod journal;
mod language;
mod link;
mod notification;
mod preferences;
#[cfg(target_os = "linux")]
mod renewal;
mod saved_files;
mod start_at_login;
mod tray;
mod updates;
mod window;

use std::process::ExitCode;

use tauri::{App, Manager, RunEvent, Runtime};

pub use arguments::Arguments;
pub use commands::interface;

use commands::LastReport;
use files::Files;
use host::Host;
use journal::Journal;
use link::OpenedLink;
use preferences::PreferenceFile;
use updates::Newer;

/// Runs the app until the rep quits it.
pub fn run(arguments: Arguments) -> ExitCode {
    #[cfg(target_os = "linux")]
    graphics::do_without_opengl();
    let journal = Journal::start();
    if arguments.renewed {
        journal.take_over(std::io::stdin().lock());
    }
    let files = match Files::of(&arguments) {
        Ok(files) => files,
        Err(error) => {
            tracing::error!("{error:#}.");
            return ExitCode::from(3);
        }
    };
    if arguments.forget {
        return forget::forget(&files);
    }
    let interface = interface();
    let mut builder = tauri::Builder::default();
    // A second start shows the first one's window. With a configuration of its own an app is a separate one; the
    // agent itself refuses to share a store.
    if arguments.config.is_none() {
        builder = builder.plugin(tauri_plugin_single_instance::init(|app, arguments, _folder| {
            match link::among(&arguments) {
                Some(link) => link::open(app, link),
                None => window::show(app),
            }
        }));
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "what generate_context! expands to exits if its own thread panics"
    )]
    let context = tauri::generate_context!();
    if updates::are_configured(context.config()) {
        builder = builder.plugin(tauri_plugin_updater::Builder::new().build());
    }
    let app = builder
        .plugin(tauri_plugin_notification::init())
        .invoke_handler(interface.invoke_handler())
        .setup(move |app| {
            interface.mount_events(app);
            set_up(app, &arguments, files, journal);
            Ok(())
        })
        .build(context);
    match app {
        Ok(app) => {
            let code = app.run_return(|app, event| {
                #[cfg(target_os = "macos")]
                if let RunEvent::Opened { urls } = &event {
                    urls.iter().for_each(|url| link::open(app, url.as_str()));
                }
                // The last window was closed: the agent goes on. `exit` gives a code, and is obeyed.
                if let RunEvent::ExitRequested { code: None, api, .. } = event {
                    api.prevent_exit();
                    tracing::debug!(windows = app.webview_windows().len(), "The window was closed.");
                    #[cfg(target_os = "linux")]
                    renewal::after_the_window(app);
                }
            });
            if code == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            tracing::error!("The app could not start: {error:#}.");
            ExitCode::from(3)
        }
    }
}

fn set_up(app: &mut App, arguments: &Arguments, files: Files, journal: Journal) {
    tracing::info!(config = %files.config.display(), "Answerback {} starts.", env!("CARGO_PKG_VERSION"));
    app.manage(PreferenceFile::at(files.preferences.clone()));
    app.manage(Host::new(files.config.clone()));
    app.manage(files);
    app.manage(journal);
    app.manage(OpenedLink::default());
    app.manage(LastReport::default());
    app.manage(Newer::default());
    #[cfg(target_os = "linux")]
    app.manage(renewal::Renewal::default());

    let handle = app.handle();
    // A desktop without a tray still gets the window, and a second start opens it again.
    if let Err(error) = tray::create(handle) {
        tracing::warn!("There is no tray icon: {error:#}.");
    }
    if let Some(link) = &arguments.link {
        link::open(handle, link);
    } else if !arguments.background {
        window::show(handle);
    }
    notification::open_on_click(handle);
    host::start(handle);
    if updates::are_configured(handle.config()) {
        updates::follow(handle);
    }
    stop_on_signals(handle);
}

/// Ends the agent, which writes down what it has decided, and then the app.
fn quit<R: Runtime>(app: &tauri::AppHandle<R>) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        app.state::<Host>().stop().await;
        app.exit(0);
    });
}

#[cfg(unix)]
fn stop_on_signals<R: Runtime>(app: &tauri::AppHandle<R>) {
    use tokio::signal::unix::{SignalKind, signal};

    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        quit(&app);
    });
}

#[cfg(not(unix))]
fn stop_on_signals<R: Runtime>(app: &tauri::AppHandle<R>) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            quit(&app);
        }
    });
}
