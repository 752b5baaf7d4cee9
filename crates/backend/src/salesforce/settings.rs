//! What an administrator sets.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::sign_in::Grant;
use crate::SecretSource;
use crate::crm::{CrmError, Fields, Unknown};

/// How the ids of campaigns and of cadences begin.
const CAMPAIGN: &str = "701";
const CADENCE: &str = "77C";

/// How one organisation's replies are written into its Salesforce.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The My Domain address, such as `https://acme.my.salesforce.com`, or `https://acme--test.sandbox.my.salesforce.com`.
    pub url: String,
    /// The consumer key of the External Client App.
    pub client_id: String,
    /// Where its consumer secret is.
    #[serde(default)]
    pub client_secret: Option<SecretSource>,
    /// Where the integration user's refresh token is. Without it, the app's client-credentials flow signs in.
    #[serde(default)]
    pub refresh_token: Option<SecretSource>,
    /// A PEM file with root certificates to trust beside the platform's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The field that holds the key of an entry; used on each object that has it as a unique external id.
    #[serde(default = "key_field")]
    pub key_field: String,
    /// Requests to Salesforce in a day (UTC) at most; when they are used up, events wait until the next.
    #[serde(default = "daily_calls")]
    pub daily_calls: u32,
    /// Events also wait while the whole organisation has used so many percent of its own daily limit.
    #[serde(default = "organisation_percent")]
    pub organisation_percent: u8,
    /// What becomes what.
    #[serde(default)]
    pub mapping: Mapping,
}

/// What becomes what in Salesforce. An administrator can change it while the server runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mapping {
    /// Which records log replies.
    pub log_as: LogAs,
    /// What to do with a reply of which nobody is in Salesforce.
    pub unknown_people: Unknown,
    /// The platform's campaign ids and the Salesforce ids of the campaigns or cadences that they are. A platform's id that is a Salesforce
    /// id needs no entry.
    pub campaigns: BTreeMap<String, String>,
    /// The campaign member's status of somebody who answered.
    pub replied_status: String,
    /// A stop ends the Sales Engagement cadences that the person is in: that of the campaign, where the campaign is one, else all.
    pub end_cadences: bool,
    /// Relate emails to the contact's open opportunity.
    pub relate_opportunity: bool,
    /// Own fields of Lead and Contact that are to be kept up to date.
    pub fields: Fields,
}

impl Default for Mapping {
    fn default() -> Self {
        Self {
            log_as: LogAs::default(),
            unknown_people: Unknown::default(),
            campaigns: BTreeMap::new(),
            replied_status: "Responded".into(),
            end_cadences: true,
            relate_opportunity: true,
            fields: Fields::default(),
        }
    }
}

/// Which records log replies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogAs {
    /// EmailMessage where the organisation has Enhanced Email, else Task.
    #[default]
    Auto,
    /// Task.
    Task,
}

impl Mapping {
    /// The Salesforce id of a campaign of the platform's.
    pub fn campaign(&self, id: &str) -> Option<String> {
        let mapped = self.campaigns.get(id).map_or(id, String::as_str);
        is_id(mapped, CAMPAIGN).then(|| mapped.to_owned())
    }

    /// The Salesforce id of a cadence of the platform's.
    pub fn cadence(&self, id: &str) -> Option<String> {
        let mapped = self.campaigns.get(id).map_or(id, String::as_str);
        is_id(mapped, CADENCE).then(|| mapped.to_owned())
    }

    /// What is wrong with it, for an administrator.
    pub fn problem(&self) -> Option<String> {
        let bad = self.fields.named().find(|name| !is_name(name));
        let campaign = self.campaigns.values().find(|id| !is_id(id, CAMPAIGN) && !is_id(id, CADENCE));
        match (bad, campaign) {
            (Some(name), _) => Some(no_name(name)),
            (_, Some(id)) => Some(format!(
                "{id:?} is not the id of a Salesforce campaign or cadence; those begin with 701 and 77C."
            )),
            _ if self.replied_status.trim().is_empty() || self.replied_status.len() > 40 => {
                Some("The status of somebody who answered has 1 to 40 characters.".into())
            }
            _ => None,
        }
    }
}

impl Settings {
    /// How to sign in, with the secrets that it takes.
    pub fn grant(&self) -> Result<Grant, CrmError> {
        let secret = self.client_secret.as_ref().map(SecretSource::read).transpose()?;
        match (&self.refresh_token, secret) {
            (Some(kept), secret) => {
                kept.read()?;
                Ok(Grant::Refresh { secret, kept: kept.clone() })
            }
            (None, Some(secret)) => Ok(Grant::Client { secret }),
            (None, None) => Err(CrmError::Settings(
                "client_secret is not set; give it as { env = \"NAME\" } or { file = \"PATH\" }.".into(),
            )),
        }
    }

    /// What is wrong with them, for an administrator.
    pub fn problem(&self) -> Option<String> {
        if !is_name(&self.key_field) {
            return Some(no_name(&self.key_field));
        }
        self.mapping.problem()
    }
}

fn no_name(name: &str) -> String {
    format!("{name:?} is not a field's API name, such as Answerback_Key__c.")
}

/// Whether it is a record's id, of 15 or 18 characters, of the object with this prefix.
pub fn is_id(text: &str, prefix: &str) -> bool {
    matches!(text.len(), 15 | 18)
        && text.starts_with(prefix)
        && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Whether it is an API name.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.len() <= 80
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn key_field() -> String {
    "Answerback_Key__c".into()
}

const fn daily_calls() -> u32 {
    10_000
}

const fn organisation_percent() -> u8 {
    90
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(more: &str) -> Settings {
        toml::from_str(&format!("url = 'https://acme.my.salesforce.com'\nclient_id = 'x'\n{more}")).unwrap()
    }

    #[test]
    fn a_campaign_is_mapped_or_is_a_salesforce_id_itself() {
        let settings = settings("mapping.campaigns = {cmp_1 = '701000000000001AAA'}");
        let mapping = &settings.mapping;
        assert_eq!(mapping.campaign("cmp_1").as_deref(), Some("701000000000001AAA"));
        assert_eq!(mapping.campaign("701000000000002").as_deref(), Some("701000000000002"));
        assert_eq!(mapping.campaign("cmp_2"), None);
        assert_eq!(mapping.cadence("77C000000000001").as_deref(), Some("77C000000000001"));
        assert_eq!(mapping.campaign("77C000000000001"), None);
        assert_eq!(settings.problem(), None);
    }

    #[test]
    fn what_can_t_be_meant_is_named() {
        assert!(
            settings("mapping.campaigns = {c = '003000000000001AAA'}").problem().unwrap().contains("701")
        );
        assert!(settings("key_field = \"x' OR Id != '\"").problem().unwrap().contains("API name"));
        assert!(
            toml::from_str::<Settings>("url = 'x'\nclient_id = 'x'\nclient_secret = 'x'").is_err(),
            "no secret in the settings"
        );
        let from = |source: &str| settings(source).grant().unwrap_err().to_string();
        assert!(from("client_secret = {env = 'ANSWERBACK_NO_SUCH'}").contains("ANSWERBACK_NO_SUCH"));
        assert!(from("refresh_token = {file = '/no/such'}").contains("/no/such"));
        assert!(from("").contains("client_secret is not set"));
    }
}
