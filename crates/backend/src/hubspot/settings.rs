//! What an administrator sets.

use std::path::PathBuf;

use serde::Deserialize;

use crate::crm::{CrmError, Fields, Unknown};
use crate::{SecretSource, Token};

/// How one organisation's replies are written into its HubSpot.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the private app's access token is.
    pub token: SecretSource,
    /// HubSpot's API.
    #[serde(default = "url")]
    pub url: String,
    /// A PEM file with root certificates to trust beside the platform's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The property that holds the key of an entry; used on each object that has it with unique values.
    #[serde(default = "key_property")]
    pub key_property: String,
    /// What to do with a reply of which nobody is in HubSpot.
    #[serde(default)]
    pub unknown_people: Unknown,
    /// Properties of contacts that are to be kept up to date.
    #[serde(default)]
    pub fields: Fields,
    /// Requests to HubSpot in a day (UTC) at most; when they are used up, events wait until the next.
    #[serde(default = "daily_calls")]
    pub daily_calls: u32,
}

impl Settings {
    /// Reads the token.
    pub fn secret(&self) -> Result<Token, CrmError> {
        Ok(self.token.read()?)
    }

    /// What is wrong with them, for an administrator.
    pub fn problem(&self) -> Option<String> {
        let bad = self.fields.named().chain([self.key_property.as_str()]).find(|name| !is_name(name));
        bad.map(|name| format!("{name:?} is not a property's internal name, such as answerback_key."))
    }
}

/// Whether it is a property's internal name.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 100
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn url() -> String {
    "https://api.hubapi.com".into()
}

fn key_property() -> String {
    "answerback_key".into()
}

const fn daily_calls() -> u32 {
    10_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_t_be_meant_is_named() {
        let settings = |more: &str| -> Settings {
            toml::from_str(&format!("token = {{ env = 'ANSWERBACK_NO_SUCH' }}\n{more}")).unwrap()
        };
        assert_eq!(settings("unknown_people = 'contact'").unknown_people, Unknown::Create);
        assert_eq!(settings("").problem(), None);
        assert!(
            settings("fields = {stop_reason = 'Stop Reason'}").problem().unwrap().contains("Stop Reason")
        );
        assert!(settings("").secret().unwrap_err().to_string().contains("ANSWERBACK_NO_SUCH"));
        assert!(toml::from_str::<Settings>("token = 'pat-secret'").is_err(), "no secret in the settings");
    }
}
