//! The tray icon: it shows the state, and opens, pauses and quits.

use answerback_agent::view::{Overview, OverviewState, PauseFor};
use jiff::{Timestamp, tz::TimeZone};
use tauri::{
    AppHandle, Manager, Runtime,
    image::Image,
    menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem, Submenu},
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
const RESUME: &str = "resume";
const PAUSE_HOUR: &str = "pause-hour";
const PAUSE_TOMORROW: &str = "pause-tomorrow";
const PAUSE_OPEN: &str = "pause-open";
const QUIT: &str = "quit";

const WATCHING_ICON: Image<'static> = tauri::include_image!("icons/tray/watching.png");
const ATTENTION_ICON: Image<'static> = tauri::include_image!("icons/tray/attention.png");
const OFFLINE_ICON: Image<'static> = tauri::include_image!("icons/tray/offline.png");
const PAUSED_ICON: Image<'static> = tauri::include_image!("icons/tray/paused.png");

/// The parts of the menu that change.
struct Items<R: Runtime> {
    state: MenuItem<R>,
    pause: Submenu<R>,
    resume: MenuItem<R>,
}

/// Makes the icon and its menu.
///
/// # Errors
/// The platform refused.
pub fn create<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<()> {
    let language = app.state::<PreferenceFile>().language();
    let item = |id: &str, key: &str, enabled: bool| {
        MenuItem::with_id(app, id, text(language, key, &[]), enabled, None::<&str>)
    };
    let line = || PredefinedMenuItem::separator(app);
    let state = item(ID, "tray.set_up", false)?;
    let resume = item(RESUME, "tray.resume", false)?;
    let pause = Submenu::with_items(
        app,
        text(language, "tray.pause", &[]),
        true,
        &[
            &item(PAUSE_HOUR, "tray.pause_hour", true)?,
            &item(PAUSE_TOMORROW, "tray.pause_tomorrow", true)?,
            &item(PAUSE_OPEN, "tray.pause_open", true)?,
        ],
    )?;
    let menu = Menu::with_items(
        app,
        &[
            &state,
            &line()?,
            &item(OPEN, "tray.open", true)?,
            &pause,
            &resume,
            &line()?,
            &item(QUIT, "tray.quit", true)?,
        ],
    )?;
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
    app.manage(Items { state, pause, resume });
    Ok(())
}

/// Shows how everything stands; nothing happens where there is no tray.
pub fn show<R: Runtime>(app: &AppHandle<R>, overview: &Overview) {
    let words = words(app.state::<PreferenceFile>().language(), overview, &TimeZone::system());
    show_as(app, overview.state, &words);
}

/// The agent could not start.
pub fn show_failure<R: Runtime>(app: &AppHandle<R>) {
    let words = text(app.state::<PreferenceFile>().language(), "tray.attention", &[]);
    show_as(app, OverviewState::Attention, &words);
}

fn show_as<R: Runtime>(app: &AppHandle<R>, state: OverviewState, words: &str) {
    let (Some(tray), Some(items)) = (app.tray_by_id(ID), app.try_state::<Items<R>>()) else { return };
    let icon = match state {
        OverviewState::Attention => ATTENTION_ICON,
        OverviewState::Offline | OverviewState::SetUp => OFFLINE_ICON,
        OverviewState::Paused => PAUSED_ICON,
        OverviewState::Watching => WATCHING_ICON,
    };
    let paused = state == OverviewState::Paused;
    let outcome = tray
        .set_icon(Some(icon))
        .and_then(|()| tray.set_tooltip(Some(words)))
        .and_then(|()| items.state.set_text(words))
        .and_then(|()| items.resume.set_enabled(paused))
        .and_then(|()| items.pause.set_enabled(!paused && state != OverviewState::SetUp));
    if let Err(error) = outcome {
        tracing::warn!("The tray icon could not be changed: {error}.");
    }
}

fn words(language: &str, overview: &Overview, zone: &TimeZone) -> String {
    match overview.state {
        OverviewState::Attention => text(language, "tray.attention", &[]),
        OverviewState::Offline => text(language, "tray.offline", &[]),
        OverviewState::SetUp => text(language, "tray.set_up", &[]),
        OverviewState::Watching => counted(language, "tray.watching", overview.accounts.len()),
        OverviewState::Paused => {
            match overview.paused_until.as_deref().and_then(|until| until.parse::<Timestamp>().ok()) {
                Some(until) => {
                    let time = until.to_zoned(zone.clone()).strftime("%H:%M").to_string();
                    text(language, "tray.paused_until", &[("time", &time)])
                }
                None => text(language, "tray.paused", &[]),
            }
        }
    }
}

fn choose<R: Runtime>(app: &AppHandle<R>, event: MenuEvent) {
    match event.id().as_ref() {
        OPEN => window::show(app),
        QUIT => quit(app),
        RESUME => pause_or_resume(app, None),
        PAUSE_HOUR => pause_or_resume(app, Some(PauseFor::Hour)),
        PAUSE_TOMORROW => pause_or_resume(app, Some(PauseFor::Tomorrow)),
        PAUSE_OPEN => pause_or_resume(app, Some(PauseFor::Open)),
        _ => {}
    }
}

fn pause_or_resume<R: Runtime>(app: &AppHandle<R>, how_long: Option<PauseFor>) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let Ok(agent) = app.state::<Host>().agent().await else { return };
        let outcome = match how_long {
            Some(how_long) => agent.pause(how_long).await,
            None => agent.resume().await,
        };
        if let Err(problem) = outcome {
            tracing::warn!(code = problem.code, "Pausing failed: {}", problem.summary);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overview(state: OverviewState, paused_until: Option<&str>) -> Overview {
        serde_json::from_value(serde_json::json!({
            "state": state, "pausedUntil": paused_until, "accounts": [],
            "backend": {"url": null, "salesforce": null, "state": "not_connected", "lastContact": null, "waiting": 0, "delivered": 0,
                        "rejected": 0, "problem": null},
            "today": {"replies": 0, "automatic": 0, "bounces": 0, "stopped": 0},
            "latest": [], "trackedSends": 0
        }))
        .unwrap()
    }

    #[test]
    fn a_pause_says_when_it_ends() {
        let madrid = TimeZone::get("Europe/Madrid").unwrap();
        let said = |overview: Overview| words("en", &overview, &madrid);
        assert_eq!(said(overview(OverviewState::Paused, None)), "Paused");
        let until = overview(OverviewState::Paused, Some("2026-11-20T06:00:00Z"));
        assert_eq!(said(until), "Paused until 07:00");
        assert_eq!(said(overview(OverviewState::Watching, None)), "Watching 0 mailboxes");
    }

    #[test]
    fn each_state_has_an_icon_of_its_own() {
        let icons = [WATCHING_ICON, ATTENTION_ICON, OFFLINE_ICON, PAUSED_ICON];
        for (at, icon) in icons.iter().enumerate() {
            assert!(icons.iter().skip(at + 1).all(|other| other.rgba() != icon.rgba()));
        }
    }
}
