//! The desktop shell around the agent: window, tray icon, notifications and typed commands.
//!
//! Nothing is decided here; whatever the window asks for is answered by [`answerback_agent::Agent`].
#![forbid(unsafe_code)]

mod arguments;
mod changes;
mod commands;
mod host;
mod language;
mod notification;
mod preferences;
mod tray;
mod window;

use std::process::ExitCode;

use answerback_agent::config;
use anyhow::Context;
use tauri::{App, Manager, RunEvent, Runtime};
use tauri_plugin_autostart::MacosLauncher;
use tracing_subscriber::EnvFilter;

pub use arguments::Arguments;
pub use commands::interface;

use host::Host;
use preferences::PreferenceFile;
use window::WebViewFolder;

/// Runs the app until the rep quits it.
pub fn run(arguments: Arguments) -> ExitCode {
    start_logging();
    let interface = interface();
    let mut builder = tauri::Builder::default();
    // A second start shows the first one's window. With a configuration of its own an app is a separate one; the
    // agent itself refuses to share a store.
    if arguments.config.is_none() {
        builder =
            builder.plugin(tauri_plugin_single_instance::init(|app, _arguments, _folder| window::show(app)));
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "what generate_context! expands to exits if its own thread panics"
    )]
    let context = tauri::generate_context!();
    let app = builder
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_autostart::init(MacosLauncher::LaunchAgent, Some(vec!["--background"])))
        .invoke_handler(interface.invoke_handler())
        .setup(move |app| {
            interface.mount_events(app);
            set_up(app, &arguments)?;
            Ok(())
        })
        .build(context);
    match app {
        Ok(app) => {
            let code = app.run_return(|app, event| {
                // The last window was closed: the agent goes on. `exit` gives a code, and is obeyed.
                if let RunEvent::ExitRequested { code: None, api, .. } = event {
                    api.prevent_exit();
                    tracing::debug!(windows = app.webview_windows().len(), "The window was closed.");
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

fn set_up(app: &mut App, arguments: &Arguments) -> anyhow::Result<()> {
    // What runs on a configuration of its own keeps everything beside it.
    let (config, web_view) = match &arguments.config {
        Some(file) => (file.clone(), file.with_file_name("webview")),
        None => {
            let file =
                config::config_file().context("There is no home folder to keep the configuration in")?;
            (file, app.path().app_cache_dir()?)
        }
    };
    app.manage(WebViewFolder(web_view));
    let preferences = PreferenceFile::beside(&config);
    tracing::info!(config = %config.display(), "Answerback {} starts.", env!("CARGO_PKG_VERSION"));
    app.manage(preferences);
    app.manage(Host::new(config));

    let handle = app.handle();
    // A desktop without a tray still gets the window, and a second start opens it again.
    if let Err(error) = tray::create(handle) {
        tracing::warn!("There is no tray icon: {error:#}.");
    }
    if !arguments.background {
        window::show(handle);
    }
    host::start(handle);
    stop_on_signals(handle);
    Ok(())
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

fn start_logging() {
    let filter = EnvFilter::try_from_env("ANSWERBACK_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // Another subscriber is there only when a test set one.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
