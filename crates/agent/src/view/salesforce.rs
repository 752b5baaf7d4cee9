//! Salesforce as the rep connects it.

use answerback_backend::crm::{Fields, Unknown};
use answerback_backend::salesforce::{LogAs, Mapping};
use serde::{Deserialize, Serialize};

/// The Salesforce that stands in the backend's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct SalesforceView {
    /// The consumer key of the organisation's External Client App.
    pub client_id: String,
    /// Who is signed in, by their user name; `None` before Salesforce has said so.
    pub user: Option<String>,
    /// The organisation's name.
    pub organisation: Option<String>,
}

/// A Salesforce to be connected, as typed in or as the organisation's policy has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SalesforceDraft {
    /// The My Domain address, or where people sign in.
    pub url: String,
    /// The consumer key of the organisation's External Client App.
    pub client_id: String,
}

/// A sign-in to Salesforce that waits for the browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct SalesforceSignIn {
    /// To wait for it, or to call it off.
    pub id: String,
    /// What to open in the browser.
    pub url: String,
}

/// What becomes what in the Salesforce that is connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct SalesforceMappingView {
    /// What the rep may change.
    pub mapping: SalesforceMapping,
    /// Whether the organisation has laid it down.
    pub fixed: bool,
}

/// What becomes what, as the rep may change it. Which campaign is which is not asked: the sends come from Salesforce and name its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SalesforceMapping {
    /// Which records log answers.
    pub log_as: SalesforceLog,
    /// What to do with an answer of which nobody is there.
    pub unknown_people: SalesforceUnknown,
    /// The campaign member's status of somebody who answered.
    pub replied_status: String,
    /// A stop takes the person out of cadences.
    pub end_cadences: bool,
    /// Emails are related to the contact's open opportunity.
    pub relate_opportunity: bool,
    /// The field of leads and contacts that says why a campaign ended; empty where nothing is written.
    pub stop_reason: String,
    /// The field that holds the date until which a campaign is held; empty where nothing is written.
    pub paused_until: String,
}

/// Which records log answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SalesforceLog {
    /// Emails where Salesforce has them, else tasks.
    Auto,
    /// Tasks.
    Task,
}

/// What to do with an answer of which nobody is in Salesforce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SalesforceUnknown {
    /// It is tried for a day and a half, then shown as refused.
    SetAside,
    /// A lead is made.
    Lead,
    /// Nothing is written.
    Skip,
}

impl SalesforceMapping {
    /// As it is shown.
    pub(crate) fn of(mapping: &Mapping) -> Self {
        Self {
            log_as: match mapping.log_as {
                LogAs::Auto => SalesforceLog::Auto,
                LogAs::Task => SalesforceLog::Task,
            },
            unknown_people: match mapping.unknown_people {
                Unknown::SetAside => SalesforceUnknown::SetAside,
                Unknown::Create => SalesforceUnknown::Lead,
                Unknown::Skip => SalesforceUnknown::Skip,
            },
            replied_status: mapping.replied_status.clone(),
            end_cadences: mapping.end_cadences,
            relate_opportunity: mapping.relate_opportunity,
            stop_reason: mapping.fields.stop_reason.clone().unwrap_or_default(),
            paused_until: mapping.fields.paused_until.clone().unwrap_or_default(),
        }
    }

    /// `before` with what it says.
    pub(crate) fn over(self, before: &Mapping) -> Mapping {
        let field = |text: String| Some(text.trim().to_owned()).filter(|name| !name.is_empty());
        Mapping {
            log_as: match self.log_as {
                SalesforceLog::Auto => LogAs::Auto,
                SalesforceLog::Task => LogAs::Task,
            },
            unknown_people: match self.unknown_people {
                SalesforceUnknown::SetAside => Unknown::SetAside,
                SalesforceUnknown::Lead => Unknown::Create,
                SalesforceUnknown::Skip => Unknown::Skip,
            },
            campaigns: before.campaigns.clone(),
            replied_status: self.replied_status.trim().to_owned(),
            end_cadences: self.end_cadences,
            relate_opportunity: self.relate_opportunity,
            fields: Fields { stop_reason: field(self.stop_reason), paused_until: field(self.paused_until) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_shown_and_taken_back_as_it_was() {
        let before = Mapping {
            log_as: LogAs::Task,
            unknown_people: Unknown::Create,
            campaigns: [("cmp_1".to_owned(), "701000000000001AAA".to_owned())].into(),
            end_cadences: false,
            fields: Fields { stop_reason: Some("Stop_Reason__c".into()), paused_until: None },
            ..Mapping::default()
        };
        for mapping in [before.clone(), Mapping::default()] {
            assert_eq!(SalesforceMapping::of(&mapping).over(&mapping), mapping);
        }
        let mut changed = SalesforceMapping::of(&before);
        changed.stop_reason = "  ".into();
        changed.paused_until = " Paused_Until__c ".into();
        let changed = changed.over(&before);
        assert_eq!(changed.fields.stop_reason, None);
        assert_eq!(changed.fields.paused_until.as_deref(), Some("Paused_Until__c"));
        assert_eq!(changed.campaigns, before.campaigns, "what isn't shown is kept");
    }
}
