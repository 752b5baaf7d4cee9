//! What the organisation decides for all of its reps.

use std::collections::BTreeMap;

use answerback_reply::{Action, Policy};
use serde::{Deserialize, Serialize};

/// How much of a reply a log event may carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Who, when and what kind; neither subject nor text.
    #[default]
    Metadata,
    /// Also the subject and the first 200 characters of the newly written text.
    Snippet,
    /// Also all of the newly written text.
    Full,
}

/// The answer of `GET /v1/policy`. Where it is silent, the rep decides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct OrganisationPolicy {
    /// Rows of the policy table that the rep can't change.
    pub pins: PolicyPins,
    /// The most that a log event may carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_log_level: Option<LogLevel>,
    /// The organisation's client ids for signing in to mailboxes through the browser: by `google`, `microsoft`, `yahoo`
    /// or an issuer's URL.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub oauth: BTreeMap<String, OauthClient>,
}

/// A client that the organisation has registered at a mail provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OauthClient {
    /// The id that the provider gave.
    pub client_id: String,
    /// What Google gives to desktop programs as well. It is no secret (RFC 8252 §8.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// Microsoft: the organisation's directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// What to ask for, instead of what the provider's IMAP needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

impl OrganisationPolicy {
    /// The rep's policy with the organisation's pins over it.
    pub fn apply(&self, mut policy: Policy) -> Policy {
        self.pins.apply(&mut policy);
        policy
    }

    /// The rep's log level, no higher than the organisation allows.
    pub fn log_level(&self, wanted: LogLevel) -> LogLevel {
        self.max_log_level.map_or(wanted, |most| wanted.min(most))
    }
}

/// Writes the struct of pins with the rows of [`Policy`], so that each row is named once.
macro_rules! pins {
    ($($(#[$doc:meta])* $row:ident: $type:ty,)*) => {
        /// The rows of the policy table that the organisation has set; each has the meaning of the row of the same
        /// name in [`Policy`].
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        #[serde(default)]
        pub struct PolicyPins {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $row: Option<$type>,)*
        }

        impl PolicyPins {
            fn apply(&self, policy: &mut Policy) {
                $(if let Some(pin) = &self.$row { policy.$row = pin.clone(); })*
            }

            /// The names of the rows that are set, as they stand in JSON.
            pub fn rows(&self) -> Vec<&'static str> {
                let mut rows = Vec::new();
                $(if self.$row.is_some() { rows.push(stringify!($row)); })*
                rows
            }

            /// Pins each row to what a policy says.
            pub fn all_of(policy: &Policy) -> Self {
                Self { $($row: Some(policy.$row.clone()),)* }
            }
        }
    };
}

pins! {
    /// A person answered.
    reply: Vec<Action>,
    /// The answer asks not to be written to again.
    opt_out: Vec<Action>,
    /// A colleague of the rep answered.
    colleague: Vec<Action>,
    /// An invitation was answered.
    calendar_response: Vec<Action>,
    /// Out of office with a return date.
    auto_reply_dated: Vec<Action>,
    /// Out of office without one.
    auto_reply: Vec<Action>,
    /// The address does not exist.
    bounce_address: Vec<Action>,
    /// A final bounce; the address may be good.
    bounce_permanent: Vec<Action>,
    /// A transient bounce.
    bounce_transient: Vec<Action>,
    /// A delay warning.
    delay: Vec<Action>,
    /// A ticket acknowledgement.
    acknowledgement: Vec<Action>,
    /// A challenge.
    challenge: Vec<Action>,
    /// A receipt.
    receipt: Vec<Action>,
    /// An abuse report.
    complaint: Vec<Action>,
    /// Days to pause for an out-of-office mail that names no date.
    #[cfg_attr(feature = "schema", schema(maximum = 65535))]
    pause_days: u16,
    /// Return dates further ahead than this many days are ignored.
    #[cfg_attr(feature = "schema", schema(maximum = 65535))]
    pause_max_days: u16,
    /// Attributions by content at or above this confidence act by themselves.
    content_threshold: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_policy_can_be_pinned() {
        let policy = Policy::default();
        let rows = serde_json::to_value(&policy).unwrap();
        assert_eq!(serde_json::to_value(PolicyPins::all_of(&policy)).unwrap(), rows);
        assert_eq!(PolicyPins::all_of(&policy).rows().len(), rows.as_object().unwrap().len());
    }

    #[test]
    fn a_pin_wins_and_what_is_not_pinned_stays_the_reps() {
        let organisation: OrganisationPolicy =
            serde_json::from_str(r#"{"pins":{"colleague":["stop","log"]},"max_log_level":"snippet"}"#)
                .unwrap();
        let rep = Policy { colleague: vec![], pause_days: 9, ..Policy::default() };
        let policy = organisation.apply(rep);
        assert_eq!(policy.colleague, [Action::Stop, Action::Log]);
        assert_eq!(policy.pause_days, 9);
        assert_eq!(organisation.log_level(LogLevel::Full), LogLevel::Snippet);
        assert_eq!(organisation.log_level(LogLevel::Metadata), LogLevel::Metadata);
    }
}
