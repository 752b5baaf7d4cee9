//! What the organisation's administrator has laid down on this computer, beside what the backend says.
//!
//! Linux: `/etc/answerback/policy.toml`. macOS: managed preferences of `org.answerback.desktop`. Windows: the value `Policy`
//! of `HKEY_LOCAL_MACHINE\Software\Policies\Answerback`, which holds the same text as the file.

use std::collections::BTreeMap;
use std::path::Path;

use answerback_backend::salesforce::Mapping;
use answerback_backend::{OrganisationPolicy, PolicyPins};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::{AccountConfig, MICROSOFT_IMAP, OauthClientConfig, SalesforceConfig};
use crate::view::{OrganisationView, Problem, SalesforceDraft};

/// The administrator's policy. Where it is silent, the backend's holds, and then the rep decides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Managed {
    /// The backend that reps pair their laptops with.
    pub backend_url: Option<String>,
    /// The Salesforce that laptops read and write themselves, where there is no backend.
    pub salesforce: Option<ManagedSalesforce>,
    /// Only mailboxes on these mail servers, or below these domains, can be added.
    pub allowed_providers: Option<Vec<String>>,
    /// The organisation's own registrations for the sign-in through the browser; they go before those of the configuration
    /// and of the backend.
    pub oauth: BTreeMap<String, OauthClientConfig>,
    /// Whom a rep asks, as it is shown where something is locked.
    pub contact: Option<String>,
    /// Rows of the policy table that neither rep nor backend change.
    pub pins: PolicyPins,
    /// The most that a log event may carry.
    pub max_log_level: Option<answerback_backend::LogLevel>,
}

/// An organisation's Salesforce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagedSalesforce {
    /// The My Domain address.
    pub url: String,
    /// The consumer key of the External Client App.
    pub client_id: String,
    /// What becomes what there, for every laptop; the rep can't change it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<Mapping>,
}

impl Managed {
    /// What is laid down on this computer; nothing where nobody manages it.
    ///
    /// # Errors
    /// There is something that can't be read or makes no sense. An agent that ran without it would do what the
    /// administrator has forbidden.
    pub fn of_this_computer() -> Result<Self, Problem> {
        platform::read()
    }

    /// A policy file; nothing where there is none.
    ///
    /// # Errors
    /// It can't be read, or makes no sense.
    pub fn from_file(path: &Path) -> Result<Self, Problem> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &path.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(wrong(&path.display().to_string(), &error.to_string())),
        }
    }

    fn parse(text: &str, place: &str) -> Result<Self, Problem> {
        let managed: Self = toml::from_str(text).map_err(|error| wrong(place, error.message()))?;
        if managed
            .backend_url
            .as_ref()
            .is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://"))
        {
            return Err(wrong(place, "backend_url must start with https://"));
        }
        let mapping = managed.salesforce.as_ref().and_then(|salesforce| salesforce.mapping.as_ref());
        if let Some(problem) = mapping.and_then(Mapping::problem) {
            return Err(wrong(place, &format!("salesforce.mapping: {problem}")));
        }
        Ok(managed)
    }

    /// The backend's policy with this one over it: its pins win, and the lower log level holds.
    pub fn over(&self, backend: OrganisationPolicy) -> OrganisationPolicy {
        let lowest = [backend.max_log_level, self.max_log_level].into_iter().flatten().min();
        OrganisationPolicy { pins: over(&backend.pins, &self.pins), max_log_level: lowest, ..backend }
    }

    /// What becomes what in Salesforce, where the organisation has laid it down.
    pub(crate) fn salesforce_mapping(&self) -> Option<&Mapping> {
        self.salesforce.as_ref()?.mapping.as_ref()
    }

    /// Salesforce as the rep connected it, with what is laid down over it.
    pub fn over_salesforce(&self, mut salesforce: SalesforceConfig) -> SalesforceConfig {
        if let Some(mapping) = self.salesforce_mapping() {
            salesforce.mapping = mapping.clone();
        }
        salesforce
    }

    /// Whether a mailbox may be added.
    pub(crate) fn allows(&self, account: &AccountConfig) -> Result<(), Problem> {
        let Some(allowed) = &self.allowed_providers else { return Ok(()) };
        let host = account.host().to_lowercase();
        let allows = |host: &str| {
            allowed.iter().map(|domain| domain.to_lowercase()).any(|domain| {
                host == domain || host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.'))
            })
        };
        // Whoever allows the mailboxes of Microsoft 365 by one door has not forbidden the other.
        if allows(&host) || (account.graph.is_some() && allows(MICROSOFT_IMAP)) {
            return Ok(());
        }
        Err(Problem::new(
            "provider_not_allowed",
            &host,
            format!("Your organisation does not allow mailboxes on {}.", account.host()),
            "Ask your administrator which mailboxes may be watched.",
        ))
    }

    /// What the window shows of it.
    pub fn view(&self) -> OrganisationView {
        OrganisationView {
            backend_url: self.backend_url.clone(),
            salesforce: self
                .salesforce
                .clone()
                .map(|ManagedSalesforce { url, client_id, .. }| SalesforceDraft { url, client_id }),
            contact: self.contact.clone(),
            managed: *self != Self::default(),
        }
    }
}

fn over(below: &PolicyPins, above: &PolicyPins) -> PolicyPins {
    let rows = |pins| match serde_json::to_value(pins) {
        Ok(Value::Object(rows)) => rows,
        _ => serde_json::Map::new(),
    };
    let mut merged = rows(below);
    merged.extend(rows(above));
    serde_json::from_value(Value::Object(merged)).unwrap_or_else(|_never| above.clone())
}

fn wrong(place: &str, what: &str) -> Problem {
    Problem::new(
        "policy_wrong",
        place,
        format!("What your organisation has laid down in {place} can't be used: {what}."),
        "Ask your administrator to correct it.",
    )
}

#[cfg(not(any(windows, target_os = "macos")))]
mod platform {
    use super::{Managed, Path, Problem};

    pub fn read() -> Result<Managed, Problem> {
        Managed::from_file(Path::new("/etc/answerback/policy.toml"))
    }
}

#[cfg(target_os = "macos")]
mod platform {
    use super::{Managed, Path, Problem, wrong};

    const PLACE: &str = "/Library/Managed Preferences/org.answerback.desktop.plist";

    pub fn read() -> Result<Managed, Problem> {
        if !Path::new(PLACE).exists() {
            return Ok(Managed::default());
        }
        plist::from_file(PLACE).map_err(|error| wrong(PLACE, &error.to_string()))
    }
}

#[cfg(windows)]
mod platform {
    use windows_registry::LOCAL_MACHINE;

    use super::{Managed, Problem};

    const PLACE: &str = r"Software\Policies\Answerback";

    pub fn read() -> Result<Managed, Problem> {
        // Whoever is not managed has no such key.
        match LOCAL_MACHINE.open(PLACE).and_then(|key| key.get_string("Policy")) {
            Ok(text) => Managed::parse(&text, &format!(r"HKEY_LOCAL_MACHINE\{PLACE}")),
            Err(_none) => Ok(Managed::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use answerback_backend::LogLevel;

    use super::*;
    use crate::config::{GraphConfig, ImapConfig, Security};

    fn parse(text: &str) -> Result<Managed, Problem> {
        Managed::parse(text, "policy.toml")
    }

    const WHOLE: &str = r#"
backend_url = "https://sales.example.com"
allowed_providers = ["office365.com", "imap.gmail.com"]
contact = "it@sales.example"
salesforce = { url = "https://acme.my.salesforce.com", client_id = "3MVG9" }
max_log_level = "metadata"
[oauth.microsoft]
client_id = "11111111-2222-3333-4444-555555555555"
[pins]
reply = ["stop", "log"]
pause_days = 7
"#;

    #[test]
    fn the_administrators_pins_go_over_the_backends_and_the_lower_level_holds() {
        let managed = parse(WHOLE).unwrap();
        let backend: OrganisationPolicy =
            serde_json::from_str(r#"{"pins":{"reply":["log"],"colleague":["stop"]},"max_log_level":"full"}"#)
                .unwrap();
        let both = managed.over(backend);
        assert_eq!(both.pins.rows(), ["reply", "colleague", "pause_days"]);
        assert_eq!(both.pins.reply.unwrap().len(), 2);
        assert_eq!(both.max_log_level, Some(LogLevel::Metadata));
        assert_eq!(Managed::default().over(OrganisationPolicy::default()), OrganisationPolicy::default());
    }

    #[test]
    fn the_organisations_salesforce_is_offered_to_the_rep() {
        let salesforce = parse(WHOLE).unwrap().view().salesforce.unwrap();
        assert_eq!(
            (salesforce.url.as_str(), salesforce.client_id.as_str()),
            ("https://acme.my.salesforce.com", "3MVG9")
        );
    }

    #[test]
    fn what_becomes_what_in_salesforce_is_laid_down_for_every_laptop() {
        let managed = parse(
            "[salesforce]\nurl = \"https://x\"\nclient_id = \"x\"\nmapping.replied_status = \"Answered\"",
        );
        let salesforce = SalesforceConfig::new("https://x".into(), "x".into());
        assert_eq!(managed.unwrap().over_salesforce(salesforce.clone()).mapping.replied_status, "Answered");
        assert_eq!(parse(WHOLE).unwrap().over_salesforce(salesforce.clone()), salesforce);
    }

    #[test]
    fn only_mailboxes_on_allowed_servers_can_be_added() {
        let managed = parse(WHOLE).unwrap();
        let on = |host: &str| AccountConfig {
            address: "rep@sales.example".into(),
            aliases: vec![],
            colleagues: vec![],
            exclude_folders: vec![],
            graph: None,
            ews: None,
            imap: Some(ImapConfig {
                host: host.into(),
                port: None,
                security: Security::Tls,
                username: None,
                password: Some(answerback_keychain::SecretSource::Keychain("k".into())),
                oauth: None,
                ca_file: None,
            }),
        };
        for host in ["outlook.Office365.com", "office365.com", "imap.gmail.com"] {
            assert_eq!(managed.allows(&on(host)), Ok(()), "{host}");
        }
        for host in ["notoffice365.com", "mx.imap.gmail.com.evil.example", "localhost"] {
            assert_eq!(managed.allows(&on(host)).unwrap_err().code, "provider_not_allowed", "{host}");
        }
        assert_eq!(Managed::default().allows(&on("localhost")), Ok(()));
        let graph = AccountConfig { imap: None, graph: Some(GraphConfig::default()), ..on("") };
        assert_eq!(managed.allows(&graph), Ok(()), "the same mailboxes by another door");
    }

    #[test]
    fn a_policy_that_can_not_be_used_is_said_and_a_missing_one_is_none() {
        for text in [
            "backend_url = 5",
            "bakend_url = \"https://x\"",
            "[pins]\nreply = [\"explode\"]",
            "[salesforce]\nurl = \"https://x\"\nclient_id = \"x\"\nmapping.replied_status = \"\"",
            "backend_url = \"x\"",
        ] {
            assert_eq!(parse(text).unwrap_err().code, "policy_wrong", "{text}");
        }
        assert_eq!(Managed::from_file(Path::new("/nowhere/policy.toml")), Ok(Managed::default()));
    }
}
