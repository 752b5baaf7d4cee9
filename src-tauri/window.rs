//! The one window. It opens where it was. Closing it destroys its web view; the agent goes on, and the next time a new one is made.

use std::fs;

use serde::{Deserialize, Serialize};

use tauri::{
    AppHandle, Manager, Runtime, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent,
    webview::PageLoadEvent,
};

use crate::{files::Files, preferences::PreferenceFile};

const LABEL: &str = "main";
const SIZE: (f64, f64) = (1120.0, 760.0);
const SMALLEST: (f64, f64) = (720.0, 520.0);

/// In logical pixels, so that it fits on another screen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Place {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    maximised: bool,
}

impl Place {
    fn of<R: Runtime>(window: &WebviewWindow<R>) -> tauri::Result<Self> {
        let scale = window.scale_factor()?;
        let position = window.outer_position()?.to_logical(scale);
        let size = window.inner_size()?.to_logical(scale);
        let maximised = window.is_maximized()?;
        Ok(Self { x: position.x, y: position.y, width: size.width, height: size.height, maximised })
    }

    /// Whether the middle of its upper edge, by which it is moved, is on a screen of this place and size.
    fn can_be_reached(&self, screens: &[(f64, f64, f64, f64)]) -> bool {
        let (x, y) = (self.x + self.width / 2.0, self.y);
        screens.iter().any(|(left, top, width, height)| {
            (*left..left + width).contains(&x) && (*top - 1.0..top + height - 40.0).contains(&y)
        })
    }
}

fn keep_place<R: Runtime>(window: &WebviewWindow<R>) {
    let kept = Place::of(window)
        .map_err(anyhow::Error::from)
        .and_then(|place| Ok(fs::write(&window.state::<Files>().window, serde_json::to_vec(&place)?)?));
    if let Err(error) = kept {
        tracing::debug!("The window's place was not kept: {error:#}.");
    }
}

fn last_place<R: Runtime>(app: &AppHandle<R>) -> Option<Place> {
    let place: Place = serde_json::from_slice(&fs::read(&app.state::<Files>().window).ok()?).ok()?;
    let screens: Vec<_> = app
        .available_monitors()
        .ok()?
        .iter()
        .map(|screen| {
            let at = screen.position().to_logical::<f64>(screen.scale_factor());
            let size = screen.size().to_logical::<f64>(screen.scale_factor());
            (at.x, at.y, size.width, size.height)
        })
        .collect();
    place.can_be_reached(&screens).then_some(place)
}

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
    let place = last_place(app);
    let (width, height) =
        place.map_or(SIZE, |place| (place.width.max(SMALLEST.0), place.height.max(SMALLEST.1)));
    let mut builder = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App("index.html".into()))
        .title("Answerback")
        .inner_size(width, height)
        .min_inner_size(SMALLEST.0, SMALLEST.1)
        .theme(app.state::<PreferenceFile>().get().appearance.theme())
        .data_directory(app.state::<Files>().web_view.clone())
        // Shown when there is something to see.
        .visible(false)
        .on_page_load(|window, page| {
            if page.event() == PageLoadEvent::Finished
                && let Err(error) = window.show().and_then(|()| window.set_focus())
            {
                tracing::error!("The window could not be shown: {error}.");
            }
        });
    if let Some(place) = place {
        builder = builder.position(place.x, place.y).maximized(place.maximised);
    }
    let window = builder.build()?;
    let closing = window.clone();
    window.on_window_event(move |event| {
        if let WindowEvent::CloseRequested { .. } = event {
            keep_place(&closing);
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_on_a_screen_that_is_gone_is_not_taken_again() {
        let screens = [(0.0, 0.0, 1600.0, 1000.0)];
        let at = |x, y| Place { x, y, width: 1120.0, height: 760.0, maximised: false };
        assert!(at(100.0, 0.0).can_be_reached(&screens));
        assert!(at(-300.0, 50.0).can_be_reached(&screens));
        assert!(!at(1700.0, 50.0).can_be_reached(&screens));
        assert!(!at(100.0, 990.0).can_be_reached(&screens));
        assert!(!at(100.0, 0.0).can_be_reached(&[]));
    }
}
