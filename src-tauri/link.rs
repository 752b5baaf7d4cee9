//! Ways into the app from outside its window: links (`answerback://pair?code=…`, `answerback://pair?url=…`), and clicks on
//! notifications.
//!
//! A page of the backend opens the first when somebody has decided about a pairing: the app comes to the front and asks the
//! backend at once. An administrator may hand out the second: it fills in the backend's address. Anybody can make a link, so
//! neither connects anything by itself.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::{AppHandle, Manager, Runtime, Url};

use crate::{
    changes::{self, Changed},
    host::Host,
    window,
};

/// A link that the window has not taken up yet.
#[derive(Default)]
pub struct OpenedLink(Mutex<Option<Link>>);

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "to", rename_all = "camelCase")]
pub enum Link {
    /// To pairing with a backend.
    Pair {
        /// The code of a pairing that somebody has decided about.
        code: Option<String>,
        /// The address of a backend to pair with.
        url: Option<String>,
    },
    /// To a verdict.
    Reply {
        /// Its number in the store.
        id: i32,
    },
}

impl OpenedLink {
    /// Takes it, once.
    pub fn take(&self) -> Option<Link> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Shows the window, and the verdict in it.
pub fn show_reply<R: Runtime>(app: &AppHandle<R>, id: i32) {
    lead(app, Link::Reply { id });
}

fn lead<R: Runtime>(app: &AppHandle<R>, link: Link) {
    *app.state::<OpenedLink>().0.lock().unwrap_or_else(PoisonError::into_inner) = Some(link);
    window::show(app);
    changes::emit(app, Changed::Link);
}

/// Shows the window, and what the link is about. A link that means nothing to us only shows the window.
pub fn open<R: Runtime>(app: &AppHandle<R>, link: &str) {
    let Some(link) = parse(link) else {
        tracing::warn!("A link was opened that means nothing here.");
        return window::show(app);
    };
    lead(app, link.clone());
    if let Link::Pair { code: Some(code), .. } = link {
        let app = app.clone();
        tauri::async_runtime::spawn(async move {
            if let Ok(agent) = app.state::<Host>().agent().await {
                agent.pairing_decided(&code);
            }
        });
    }
}

/// The link among the arguments of a second start.
pub fn among(arguments: &[String]) -> Option<&str> {
    arguments.iter().skip(1).map(String::as_str).find(|argument| argument.starts_with("answerback:"))
}

fn parse(link: &str) -> Option<Link> {
    let url = Url::parse(link).ok()?;
    if url.scheme() != "answerback" || url.host_str() != Some("pair") {
        return None;
    }
    let value = |name: &str| {
        let (_, value) = url.query_pairs().find(|(key, _)| key == name)?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty() && value.len() <= 300)
    };
    let code = value("code").filter(|code| code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    let url = value("url").filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    Some(Link::Pair { code, url })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_a_code_or_an_address_and_nothing_else_gets_in() {
        let link = |code: Option<&str>, url: Option<&str>| {
            Some(Link::Pair { code: code.map(Into::into), url: url.map(Into::into) })
        };
        for (text, expected) in [
            ("answerback://pair?code=BCDF-GHJK", link(Some("BCDF-GHJK"), None)),
            ("answerback://pair/?code=BCDF-GHJK", link(Some("BCDF-GHJK"), None)),
            (
                "answerback://pair?url=https%3A%2F%2Fsales.example.com",
                link(None, Some("https://sales.example.com")),
            ),
            ("answerback://pair?code=<script>&url=javascript:alert(1)", link(None, None)),
            ("answerback://quit", None),
            ("https://pair?code=BCDF-GHJK", None),
            ("answerback", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn a_second_start_passes_its_link_on() {
        let arguments = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let with = arguments(&["/usr/bin/answerback", "answerback://pair?code=X"]);
        assert_eq!(among(&with), Some("answerback://pair?code=X"));
        assert_eq!(among(&arguments(&["/usr/bin/answerback", "--background"])), None);
    }
}
