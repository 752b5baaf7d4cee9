//! The one window. Closing it destroys its web view; the agent goes on, and the next time a new one is made.

use std::path::PathBuf;

use tauri::{AppHandle, Manager, Runtime, WebviewUrl, WebviewWindowBuilder, webview::PageLoadEvent};

use crate::preferences::PreferenceFile;

/// Where the web view keeps its caches. (A web view that keeps nothing at all can't be driven by WebDriver.)
pub struct WebViewFolder(pub PathBuf);

const LABEL: &str = "main";

/// Opens the window, or brings it to the front.
pub fn show<R: Runtime>(app: &AppHandle<R>) {
    let outcome = match app.get_webview_window(LABEL) {
        Some(window) => window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus()),
        None => open(app),
    };
    if let Err(error) = outcome {
        tracing::error!("The window could not be shown: {error}.");
    }
}

/// Follows a changed preference.
pub fn follow_appearance<R: Runtime>(app: &AppHandle<R>) {
    let theme = app.state::<PreferenceFile>().get().appearance.theme();
    if let Some(window) = app.get_webview_window(LABEL)
        && let Err(error) = window.set_theme(theme)
    {
        tracing::warn!("The appearance could not be changed: {error}.");
    }
}

fn open<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<()> {
    WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App("index.html".into()))
        .title("Answerback")
        .inner_size(1120.0, 760.0)
        .min_inner_size(720.0, 520.0)
        .theme(app.state::<PreferenceFile>().get().appearance.theme())
        .data_directory(app.state::<WebViewFolder>().0.clone())
        // Shown when there is something to see.
        .visible(false)
        .on_page_load(|window, page| {
            if page.event() == PageLoadEvent::Finished
                && let Err(error) = window.show().and_then(|()| window.set_focus())
            {
                tracing::error!("The window could not be shown: {error}.");
            }
        })
        .build()
        .map(drop)
}
