//! The configuration file: which mailboxes, which backend, which rules. A secret is never in it.

mod file;
mod paths;
mod salesforce;
mod secrets;
mod server;
mod validate;

use std::collections::BTreeMap;
use std::path::PathBuf;

use answerback_backend::LogLevel;
use answerback_keychain::SecretSource;
use answerback_mailbox::{Proxy, ProxyChoice};
use answerback_reply::{Identity, Policy};
use serde::{Deserialize, Serialize};

pub use file::ConfigError;
pub use paths::{cache_dir, config_file, data_dir};
pub use salesforce::SalesforceConfig;
pub use secrets::{grant_key, password_key, salesforce_key};
pub use server::{EwsConfig, GraphConfig, MICROSOFT_IMAP, Server, SignInSource, host_of};

/// Everything that the rep or the admin has set. What the desktop app exports and imports.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the store is; the platform's data folder when it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// How much of a reply is sent to the backend; the organisation may allow less.
    #[serde(default, skip_serializing_if = "is_default")]
    pub log_level: LogLevel,
    /// The backend; without one, verdicts are kept and events wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<BackendConfig>,
    /// In place of a backend: Salesforce, which the laptop reads and writes itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salesforce: Option<SalesforceConfig>,
    /// This program's ids at mail providers, for signing in through the browser: by `google`, `microsoft`, `yahoo` or an
    /// issuer's URL.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub oauth: BTreeMap<String, OauthClientConfig>,
    /// How connections to mailboxes leave this computer.
    #[serde(default, skip_serializing_if = "is_default")]
    pub network: NetworkConfig,
    /// What is done about each kind of message.
    #[serde(default, skip_serializing_if = "is_default")]
    pub policy: Policy,
    /// The rep's mailboxes.
    #[serde(default, rename = "account", skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<AccountConfig>,
}

/// The sales backend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendConfig {
    /// Its base URL: `https://…`, or plain `http://` to loopback only.
    pub url: String,
    /// The laptop's bearer token.
    pub token: SecretSource,
    /// The laptop was paired: what is kept is a refresh token, which is renewed and kept anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paired: bool,
    /// A PEM file with an extra root certificate to trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// Where the sends come from and the events go to.
#[derive(Clone, Debug, PartialEq)]
pub enum Destination {
    /// The sales backend.
    Backend(BackendConfig),
    /// Salesforce itself.
    Salesforce(SalesforceConfig),
}

impl Destination {
    /// Its address.
    pub fn url(&self) -> &str {
        match self {
            Self::Backend(config) => &config.url,
            Self::Salesforce(config) => &config.url,
        }
    }
}

/// How connections to mailboxes leave this computer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// `system` (the default), `none`, or `http://[user@]host:port` or `socks5://[user@]host:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Where the proxy's password is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_password: Option<SecretSource>,
}

impl NetworkConfig {
    /// The proxy that is meant, its password yet to be found; `None` where it makes no sense.
    pub(crate) fn choice(&self) -> Option<ProxyChoice> {
        match self.proxy.as_deref() {
            None | Some("system") => Some(ProxyChoice::System),
            Some("none") => Some(ProxyChoice::Direct),
            Some(url) => Proxy::parse(url).map(ProxyChoice::Through),
        }
    }
}

/// One of the rep's mailboxes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountConfig {
    /// The rep's address.
    pub address: String,
    /// Other addresses of the rep's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Domains of the rep's organisation; an author there is a colleague.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub colleagues: Vec<String>,
    /// Folders that are not watched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_folders: Vec<String>,
    /// How to reach it over IMAP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imap: Option<ImapConfig>,
    /// How to reach it through Microsoft Graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<GraphConfig>,
    /// How to reach it on the organisation's own Exchange server. Exactly one of the three is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ews: Option<EwsConfig>,
}

/// An IMAP server and the login there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImapConfig {
    /// Host name or address.
    pub host: String,
    /// 993 for `tls`, 143 otherwise, when it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the connection is secured.
    #[serde(default)]
    pub security: Security,
    /// The login name; the account's address when it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Where the password is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretSource>,
    /// Instead of a password: sign-in through the browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<OauthConfig>,
    /// A PEM file with an extra root certificate to trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// Sign-in through the browser. What it brings is in the keychain, as `oauth/` and the address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OauthConfig {
    /// `google`, `microsoft`, `yahoo`, or an issuer's URL.
    pub provider: String,
}

/// This program as a provider knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OauthClientConfig {
    /// The id that the provider gave.
    pub client_id: String,
    /// Where the secret is, which Google gives to desktop programs as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretSource>,
    /// Microsoft: the organisation's directory; `common` when it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Microsoft: the sign-in service of a national cloud, such as `https://login.microsoftonline.us`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// Microsoft: Graph of a national cloud, such as `https://graph.microsoft.us`, for mailboxes that are added in the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph_url: Option<String>,
    /// What to ask for, instead of what the provider's IMAP needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

/// How a connection is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS from the first byte.
    #[default]
    Tls,
    /// STARTTLS.
    StartTls,
    /// Plaintext, to loopback only.
    None,
}

impl AccountConfig {
    /// The account's id, which its events carry: the same for the same address on every laptop.
    pub fn id(&self) -> String {
        answerback_backend::account_id(&self.address).to_string()
    }

    /// Whose mailbox it is.
    pub fn identity(&self) -> Identity {
        let addresses = std::iter::once(&self.address).chain(&self.aliases).cloned().collect();
        Identity { addresses, colleagues: self.colleagues.clone() }
    }

    /// Whether this is one of the rep's addresses in this account.
    pub fn owns(&self, address: &str) -> bool {
        self.address.eq_ignore_ascii_case(address)
            || self.aliases.iter().any(|a| a.eq_ignore_ascii_case(address))
    }
}

impl ImapConfig {
    /// The port that is meant.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            Security::Tls => 993,
            Security::StartTls | Security::None => 143,
        })
    }

    /// For the mailbox.
    pub fn settings(&self, address: &str, proxy: ProxyChoice) -> answerback_mailbox::ImapSettings {
        answerback_mailbox::ImapSettings {
            host: self.host.clone(),
            port: self.port(),
            security: self.security.into(),
            username: self.username.clone().unwrap_or_else(|| address.to_owned()),
            ca_file: self.ca_file.clone(),
            proxy,
        }
    }
}

impl From<Security> for answerback_mailbox::Security {
    fn from(security: Security) -> Self {
        match security {
            Security::Tls => Self::Tls,
            Security::StartTls => Self::StartTls,
            Security::None => Self::None,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Config {
    /// Where the sends come from and the events go to; a configuration that names two was refused when it was read.
    pub fn destination(&self) -> Option<Destination> {
        let salesforce = self.salesforce.clone().map(Destination::Salesforce);
        self.backend.clone().map(Destination::Backend).or(salesforce)
    }
}
