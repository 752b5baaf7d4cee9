//! Salesforce in place of a backend.

use std::path::PathBuf;

use answerback_backend::salesforce::{Mapping, Settings};
use serde::{Deserialize, Serialize};

use super::is_default;

/// The organisation's Salesforce, into which this laptop writes itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SalesforceConfig {
    /// The My Domain address, such as `https://acme.my.salesforce.com`, or where people sign in: `https://login.salesforce.com`,
    /// `https://test.salesforce.com` for a sandbox.
    pub url: String,
    /// The consumer key of the organisation's External Client App.
    pub client_id: String,
    /// For how many days after it was sent an email's answers are looked for.
    #[serde(default = "track_days", skip_serializing_if = "is_usual_track_days")]
    pub track_days: u16,
    /// Requests in a day (UTC) at most; when they are used up, events wait until the next.
    #[serde(default = "daily_calls", skip_serializing_if = "is_usual_daily_calls")]
    pub daily_calls: u32,
    /// Events also wait while the whole organisation has used so many percent of its own daily limit.
    #[serde(default = "organisation_percent", skip_serializing_if = "is_usual_percent")]
    pub organisation_percent: u8,
    /// The field that holds the key of an entry; used where it is there as a unique external id.
    #[serde(default = "key_field", skip_serializing_if = "is_usual_key_field")]
    pub key_field: String,
    /// A PEM file with an extra root certificate to trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// What becomes what; the same as in the reference backend's settings.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mapping: Mapping,
}

impl SalesforceConfig {
    /// With what holds where nothing is said.
    pub fn new(url: String, client_id: String) -> Self {
        Self {
            url,
            client_id,
            track_days: track_days(),
            daily_calls: daily_calls(),
            organisation_percent: organisation_percent(),
            key_field: key_field(),
            ca_file: None,
            mapping: Mapping::default(),
        }
    }

    /// For the connector.
    pub fn settings(&self) -> Settings {
        Settings {
            url: self.url.clone(),
            client_id: self.client_id.clone(),
            client_secret: None,
            refresh_token: None,
            ca_file: self.ca_file.clone(),
            key_field: self.key_field.clone(),
            daily_calls: self.daily_calls,
            organisation_percent: self.organisation_percent,
            mapping: self.mapping.clone(),
        }
    }

    /// Says what makes no sense, for a person.
    pub(crate) fn validate(&self) -> Result<(), String> {
        super::validate::check_url(&self.url, "Salesforce")?;
        if self.client_id.trim().is_empty() {
            return Err("salesforce has an empty client_id".to_owned());
        }
        if !(1..=730).contains(&self.track_days) {
            return Err("salesforce.track_days is a number from 1 to 730".to_owned());
        }
        self.settings().problem().map_or(Ok(()), |wrong| Err(format!("salesforce: {wrong}")))
    }
}

const fn track_days() -> u16 {
    90
}

/// Of one laptop: the organisation has 100,000 at the least, for everybody.
const fn daily_calls() -> u32 {
    1000
}

const fn organisation_percent() -> u8 {
    90
}

fn key_field() -> String {
    "Answerback_Key__c".to_owned()
}

fn is_usual_track_days(days: &u16) -> bool {
    *days == track_days()
}

fn is_usual_daily_calls(calls: &u32) -> bool {
    *calls == daily_calls()
}

fn is_usual_percent(percent: &u8) -> bool {
    *percent == organisation_percent()
}

fn is_usual_key_field(field: &String) -> bool {
    *field == key_field()
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    const SALESFORCE: &str =
        "[salesforce]\nurl = \"https://acme.my.salesforce.com\"\nclient_id = \"3MVG9\"\n";

    fn read(text: &str) -> Result<Config, String> {
        Config::read(text)
    }

    #[test]
    fn salesforce_is_read_with_the_servers_mapping_and_written_without_what_is_usual() {
        let mapped = format!("{SALESFORCE}mapping.campaigns = {{ c = \"701000000000001AAA\" }}\n");
        let config = read(&mapped).unwrap();
        let salesforce = config.salesforce.clone().unwrap();
        assert_eq!((salesforce.track_days, salesforce.daily_calls), (90, 1000));
        assert_eq!(salesforce.mapping.campaign("c").as_deref(), Some("701000000000001AAA"));
        let written = toml::to_string(&config).unwrap();
        assert!(!written.contains("track_days"), "{written}");
        assert_eq!(read(&written).unwrap(), config);
        assert!(config.uses_keychain());
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let backend = "[backend]\nurl = \"https://b.example\"\ntoken = { env = \"T\" }\n";
        for (text, words) in [
            (format!("{SALESFORCE}{backend}"), "not both"),
            (SALESFORCE.replace("https", "http"), "must be https"),
            (SALESFORCE.replace("3MVG9", ""), "empty client_id"),
            (format!("{SALESFORCE}track_days = 0\n"), "track_days"),
            (format!("{SALESFORCE}client_secret = \"hunter2\"\n"), "unknown field"),
            (format!("{SALESFORCE}mapping.campaigns = {{ c = \"003\" }}\n"), "701"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(words) && !error.contains("hunter2"), "{error}");
        }
    }
}
