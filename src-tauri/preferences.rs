//! What the rep prefers about the window itself. It stands in `window.json` beside the configuration file.

use std::{
    fs,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::language;

/// What the rep prefers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Preferences {
    /// The code of a catalogue; `None` follows the system.
    pub language: Option<String>,
    /// Light, dark, or as the system.
    pub appearance: Appearance,
    /// Whether an answer is announced.
    pub notify_answers: bool,
    /// Whether a question is announced.
    pub notify_questions: bool,
    /// Whether an announcement may show names and subjects.
    pub notify_content: bool,
    /// No announcements between these hours of the day, when set.
    pub quiet_hours: Option<QuietHours>,
    /// Whether the rep went through or skipped the first set-up.
    pub welcomed: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            language: None,
            appearance: Appearance::System,
            notify_answers: true,
            notify_questions: true,
            notify_content: true,
            quiet_hours: None,
            welcomed: false,
        }
    }
}

/// Light, dark, or as the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Appearance {
    /// As the system.
    #[default]
    System,
    /// Dark letters on light ground.
    Light,
    /// Light letters on dark ground.
    Dark,
}

impl Appearance {
    /// What the window is told; `None` follows the system.
    pub fn theme(self) -> Option<tauri::Theme> {
        match self {
            Self::System => None,
            Self::Light => Some(tauri::Theme::Light),
            Self::Dark => Some(tauri::Theme::Dark),
        }
    }
}

/// From this full hour to that one, over midnight when `until` is the smaller one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct QuietHours {
    /// 0 to 23.
    pub from: u8,
    /// 0 to 23.
    pub until: u8,
}

impl QuietHours {
    /// Whether an hour of the day is quiet.
    pub fn contains(self, hour: u8) -> bool {
        if self.from <= self.until {
            (self.from..self.until).contains(&hour)
        } else {
            hour >= self.from || hour < self.until
        }
    }
}

/// The file, and what it holds.
pub struct PreferenceFile {
    path: PathBuf,
    current: Mutex<Preferences>,
}

impl PreferenceFile {
    /// The file at this path. One that is missing or damaged gives the defaults.
    pub fn at(path: PathBuf) -> Self {
        let current = fs::read(&path)
            .ok()
            .and_then(|json| {
                read(&json)
                    .inspect_err(|error| tracing::warn!("{} is not readable: {error}.", path.display()))
                    .ok()
            })
            .unwrap_or_default();
        Self { path, current: Mutex::new(current) }
    }

    /// What the rep prefers.
    pub fn get(&self) -> Preferences {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The catalogue that these preferences and the system's language lead to.
    pub fn language(&self) -> &'static str {
        language::choose(self.get().language.as_deref(), sys_locale::get_locale().as_deref())
    }

    /// Writes new preferences; the old file stays whole if that fails.
    ///
    /// # Errors
    /// The folder can't be made or the file can't be written.
    pub fn set(&self, preferences: Preferences) -> std::io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let unfinished = self.path.with_extension("json.new");
        fs::write(&unfinished, serde_json::to_vec_pretty(&preferences)?)?;
        fs::rename(&unfinished, &self.path)?;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = preferences;
        Ok(())
    }
}

/// What an older version did not write yet has its default.
fn read(json: &[u8]) -> serde_json::Result<Preferences> {
    let mut fields = serde_json::to_value(Preferences::default())?;
    let written: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(json)?;
    if let Some(fields) = fields.as_object_mut() {
        fields.extend(written);
    }
    serde_json::from_value(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_may_go_over_midnight() {
        let night = QuietHours { from: 20, until: 7 };
        assert!(night.contains(23) && night.contains(3) && night.contains(20));
        assert!(!night.contains(7) && !night.contains(12));
        let lunch = QuietHours { from: 12, until: 13 };
        assert!(lunch.contains(12) && !lunch.contains(13));
    }

    #[test]
    fn preferences_survive_a_restart_and_a_damaged_file_gives_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/window.json");
        let file = PreferenceFile::at(path.clone());
        assert_eq!(file.get(), Preferences::default());
        let spanish = Preferences {
            language: Some("es".into()),
            appearance: Appearance::Dark,
            ..Preferences::default()
        };
        file.set(spanish.clone()).unwrap();
        assert_eq!(PreferenceFile::at(path.clone()).get(), spanish);
        fs::write(&path, r#"{"notifyAnswers":false}"#).unwrap();
        let older = PreferenceFile::at(path.clone()).get();
        assert_eq!(older, Preferences { notify_answers: false, ..Preferences::default() });
        fs::write(&path, "{").unwrap();
        assert_eq!(PreferenceFile::at(path).get(), Preferences::default());
    }
}
