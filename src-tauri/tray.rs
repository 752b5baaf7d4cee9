//! The tray icon: it shows the state, and opens, pauses and quits.

use answerback_agent::view::OverviewState;
use tauri::{
    AppHandle, Manager, Runtime,
    image::Image,
    menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem},
    tray::{MouseButton, MouseButtonState, TrayIconBuilder, TrayIconEvent},
};

use crate::{
    host::Host,
    language::{counted, text},
    preferences::PreferenceFile,
    quit, window,
};

const ID: &str = "state";
const OPEN: &str = "open";
const PAUSE: &str = "pause";
const QUIT: &str = "quit";

const WATCHING_ICON: Image<'static> = tauri::include_image!("icons/tray/watching.png");
const ATTENTION_ICON: Image<'static> = tauri::include_image!("icons/tray/attention.png");
const OFFLINE_ICON: Image<'static> = tauri::include_image!("icons/tray/offline.png");
const PAUSED_ICON: Image<'static> = tauri::include_image!("icons/tray/paused.png");

/// The parts of the menu that change.
struct Items<R: Runtime> {
    state: MenuItem<R>,
    pause: MenuItem<R>,
}

/// Makes the icon and its menu.
///
/// # Errors
/// The platform refused.
pub fn create<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<()> {
    let language = app.state::<PreferenceFile>().language();
    let state = MenuItem::with_id(app, ID, text(language, "tray.set_up", &[]), false, None::<&str>)?;
    let open = MenuItem::with_id(app, OPEN, text(language, "tray.open", &[]), true, None::<&str>)?;
    let pause = MenuItem::with_id(app, PAUSE, text(language, "tray.pause", &[]), true, None::<&str>)?;
    let quit = MenuItem::with_id(app, QUIT, text(language, "tray.quit", &[]), true, None::<&str>)?;
    let line = PredefinedMenuItem::separator(app)?;
    let menu =
        Menu::with_items(app, &[&state, &line, &open, &pause, &PredefinedMenuItem::separator(app)?, &quit])?;
    TrayIconBuilder::with_id(ID)
        .icon(OFFLINE_ICON)
        .tooltip("Answerback")
        .menu(&menu)
        .show_menu_on_left_click(false)
        .on_menu_event(choose)
        .on_tray_icon_event(|tray, event| {
            if let TrayIconEvent::Click {
                button: MouseButton::Left,
                button_state: MouseButtonState::Up,
                ..
            } = event
            {
                window::show(tray.app_handle());
            }
        })
        .build(app)?;
    app.manage(Items { state, pause });
    Ok(())
}

/// Shows a state; nothing happens where there is no tray.
pub fn show<R: Runtime>(app: &AppHandle<R>, state: OverviewState, accounts: usize) {
    let (Some(tray), Some(items)) = (app.tray_by_id(ID), app.try_state::<Items<R>>()) else { return };
    let language = app.state::<PreferenceFile>().language();
    let (icon, words) = match state {
        OverviewState::Attention => (ATTENTION_ICON, text(language, "tray.attention", &[])),
        OverviewState::Offline => (OFFLINE_ICON, text(language, "tray.offline", &[])),
        OverviewState::Paused => (PAUSED_ICON, text(language, "tray.paused", &[])),
        OverviewState::SetUp => (OFFLINE_ICON, text(language, "tray.set_up", &[])),
        OverviewState::Watching => (WATCHING_ICON, counted(language, "tray.watching", accounts)),
    };
    let pause = if state == OverviewState::Paused { "tray.resume" } else { "tray.pause" };
    let outcome = tray
        .set_icon(Some(icon))
        .and_then(|()| tray.set_tooltip(Some(&words)))
        .and_then(|()| items.state.set_text(&words))
        .and_then(|()| items.pause.set_text(text(language, pause, &[])));
    if let Err(error) = outcome {
        tracing::warn!("The tray icon could not be changed: {error}.");
    }
}

fn choose<R: Runtime>(app: &AppHandle<R>, event: MenuEvent) {
    match event.id().as_ref() {
        OPEN => window::show(app),
        PAUSE => pause_or_resume(app),
        QUIT => quit(app),
        _ => {}
    }
}

fn pause_or_resume<R: Runtime>(app: &AppHandle<R>) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let Ok(agent) = app.state::<Host>().agent().await else { return };
        let outcome = match agent.overview().await {
            Ok(overview) => agent.set_paused(overview.state != OverviewState::Paused).await,
            Err(problem) => Err(problem),
        };
        if let Err(problem) = outcome {
            tracing::warn!(code = problem.code, "Pausing failed: {}", problem.summary);
        }
    });
}
