//! The catalogues of the window, for the few words that the shell itself shows: tray menu and notifications.

use std::collections::HashMap;

/// Every catalogue, by its language code. A new language is one file, and one line here.
const CATALOGUES: &[(&str, &str)] =
    &[("en", include_str!("../ui/src/lib/i18n/en.json")), ("es", include_str!("../ui/src/lib/i18n/es.json"))];

const FALLBACK: &str = "en";

/// The code of the catalogue to use: the rep's choice, else the system's language, else English.
pub fn choose(choice: Option<&str>, system: Option<&str>) -> &'static str {
    let known = |wanted: &str| {
        let primary = wanted.split(['-', '_', '.']).next().unwrap_or_default();
        CATALOGUES.iter().map(|(code, _)| *code).find(|code| code.eq_ignore_ascii_case(primary))
    };
    choice.and_then(known).or_else(|| system.and_then(known)).unwrap_or(FALLBACK)
}

/// The text of a key, with `{name}` replaced.
pub fn text(language: &str, key: &str, values: &[(&str, &str)]) -> String {
    let mut text = lookup(language, key).or_else(|| lookup(FALLBACK, key)).unwrap_or_else(|| key.to_owned());
    for (name, value) in values {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    text
}

/// The text of a key for a number, which English and Spanish write in one of two ways.
pub fn counted(language: &str, key: &str, count: usize) -> String {
    let form = if count == 1 { "one" } else { "other" };
    text(language, &format!("{key}.{form}"), &[("count", &count.to_string())])
}

fn lookup(language: &str, key: &str) -> Option<String> {
    let (_, json) = CATALOGUES.iter().find(|(code, _)| *code == language)?;
    let mut catalogue: HashMap<String, String> = serde_json::from_str(json).ok()?;
    catalogue.remove(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_reps_choice_else_the_systems_else_english() {
        for (choice, system, expected) in [
            (Some("es"), Some("en_GB.UTF-8"), "es"),
            (None, Some("es-MX"), "es"),
            (None, Some("es_ES.UTF-8"), "es"),
            (None, Some("fi-FI"), "en"),
            (Some("xx"), Some("es"), "es"),
            (None, None, "en"),
        ] {
            assert_eq!(choose(choice, system), expected, "{choice:?} {system:?}");
        }
    }

    #[test]
    fn every_catalogue_has_the_words_of_the_shell() {
        for (language, _) in CATALOGUES {
            for key in [
                "tray.open",
                "tray.pause",
                "tray.pause_hour",
                "tray.pause_tomorrow",
                "tray.pause_open",
                "tray.paused_until",
                "tray.resume",
                "tray.quit",
                "tray.attention",
                "tray.offline",
                "tray.paused",
                "tray.set_up",
                "tray.watching.one",
                "tray.watching.other",
                "notification.answered",
                "notification.answered_hidden",
                "notification.question",
                "notification.unknown_author",
            ] {
                assert!(lookup(language, key).is_some(), "{language} lacks {key}");
            }
        }
        assert_eq!(counted("en", "tray.watching", 1), "Watching 1 mailbox");
    }
}
