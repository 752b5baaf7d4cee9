//! Where a mailbox is, and what opens it.

use std::path::PathBuf;

use answerback_keychain::SecretSource;
use answerback_mailbox::ews::EwsSettings;
use answerback_mailbox::graph::{GraphSettings, PUBLIC_CLOUD};
use answerback_mailbox::{EwsPlace, ProxyChoice};
use serde::{Deserialize, Serialize};

use super::{AccountConfig, ImapConfig, OauthConfig};

/// The IMAP server of Microsoft 365 and Outlook.com.
pub const MICROSOFT_IMAP: &str = "outlook.office365.com";

/// Microsoft Graph, and the sign-in there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphConfig {
    /// `https://graph.microsoft.com` when it is not set; the national clouds have others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Sign-in through the browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<OauthConfig>,
    /// Instead of it: where an access token is that somebody else renews.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretSource>,
    /// A PEM file with an extra root certificate to trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// An Exchange server of the organisation's own, and the sign-in there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EwsConfig {
    /// Such as `https://mail.sales.example/EWS/Exchange.asmx`; found by Autodiscover when it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The organisation's Autodiscover service, where it is not at `autodiscover.` and the domain of the address. Without its ending
    /// (`.svc`, `.xml`) it is asked in both ways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autodiscover: Option<String>,
    /// The login name, which may be `DOMAIN\name`; the account's address when it is not set.
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

/// The server that holds a mailbox.
#[derive(Clone, Copy, Debug)]
pub enum Server<'a> {
    /// An IMAP server.
    Imap(&'a ImapConfig),
    /// Microsoft Graph.
    Graph(&'a GraphConfig),
    /// Exchange Web Services.
    Ews(&'a EwsConfig),
}

/// What an account signs in with.
#[derive(Clone, Copy, Debug)]
pub enum SignInSource<'a> {
    /// A password, which is there.
    Password(&'a SecretSource),
    /// What the browser brought.
    Browser(&'a OauthConfig),
    /// An access token, which is there.
    Token(&'a SecretSource),
}

const NOWHERE: &SecretSource = &SecretSource::Keychain(String::new());

impl AccountConfig {
    /// Where it is; a configuration that names no server or several was refused when it was read.
    pub fn server(&self) -> Server<'_> {
        const NONE: &GraphConfig = &GraphConfig { url: None, oauth: None, token: None, ca_file: None };
        match (&self.imap, &self.ews, &self.graph) {
            (Some(imap), ..) => Server::Imap(imap),
            (None, Some(ews), _) => Server::Ews(ews),
            (None, None, graph) => Server::Graph(graph.as_ref().unwrap_or(NONE)),
        }
    }

    /// What it signs in with; a configuration that names nothing was refused when it was read.
    pub fn sign_in(&self) -> SignInSource<'_> {
        match self.server() {
            Server::Imap(ImapConfig { oauth, password, .. })
            | Server::Ews(EwsConfig { oauth, password, .. }) => match oauth {
                Some(oauth) => SignInSource::Browser(oauth),
                None => SignInSource::Password(password.as_ref().unwrap_or(NOWHERE)),
            },
            Server::Graph(graph) => match (&graph.oauth, &graph.token) {
                (Some(oauth), _) => SignInSource::Browser(oauth),
                (None, token) => SignInSource::Token(token.as_ref().unwrap_or(NOWHERE)),
            },
        }
    }

    /// The server's host name; that of its Autodiscover service, or the domain, where only that is known.
    pub fn host(&self) -> &str {
        match self.server() {
            Server::Imap(imap) => &imap.host,
            Server::Graph(graph) => host_of(graph.url()),
            Server::Ews(ews) => ews.known_url().map_or(self.domain(), host_of),
        }
    }

    fn domain(&self) -> &str {
        self.address.rsplit('@').next().unwrap_or_default()
    }

    /// The server for people: host and port.
    pub fn server_name(&self) -> String {
        match self.server() {
            Server::Imap(imap) => format!("{}:{}", imap.host, imap.port()),
            Server::Graph(graph) => authority_of(graph.url()).to_owned(),
            Server::Ews(ews) => match ews.known_url() {
                Some(url) => authority_of(url).to_owned(),
                None => format!("autodiscover.{}", self.domain()),
            },
        }
    }
}

/// The host of a URL.
pub fn host_of(url: &str) -> &str {
    let authority = authority_of(url);
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

fn authority_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

impl EwsConfig {
    fn known_url(&self) -> Option<&str> {
        self.url.as_deref().or(self.autodiscover.as_deref())
    }

    /// For the mailbox.
    pub fn settings(&self, address: &str, proxy: ProxyChoice) -> EwsSettings {
        EwsSettings {
            place: match &self.url {
                Some(url) => EwsPlace::Url(url.clone()),
                None => EwsPlace::Autodiscover(self.autodiscover.clone()),
            },
            address: address.to_owned(),
            username: self.username.clone().unwrap_or_else(|| address.to_owned()),
            ca_file: self.ca_file.clone(),
            proxy,
        }
    }
}

impl GraphConfig {
    /// For the mailbox.
    pub fn settings(&self, proxy: ProxyChoice) -> GraphSettings {
        GraphSettings { url: self.url().to_owned(), ca_file: self.ca_file.clone(), proxy }
    }

    /// Where Graph is.
    pub fn url(&self) -> &str {
        self.url.as_deref().unwrap_or(PUBLIC_CLOUD)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    const GRAPH: &str = "[account.graph]\noauth = { provider = \"microsoft\" }\n";
    const EWS: &str = "[account.ews]\nurl = \"https://mail.sales.example:444/EWS/Exchange.asmx\"\npassword = { env = \"PW\" }\n";

    fn account(server: &str) -> Result<AccountConfig, String> {
        let text = format!("[[account]]\naddress = \"rep@sales.example\"\n{server}");
        let config: Config = toml::from_str(&text).map_err(|error| error.to_string())?;
        config.validate()?;
        config.accounts.into_iter().next().ok_or_else(|| "no account".to_owned())
    }

    #[test]
    fn each_kind_of_server_has_a_name_and_a_way_to_sign_in() {
        let graph = account(GRAPH).unwrap();
        assert_eq!(
            (graph.host(), graph.server_name().as_str()),
            ("graph.microsoft.com", "graph.microsoft.com")
        );
        assert!(matches!(graph.sign_in(), SignInSource::Browser(oauth) if oauth.provider == "microsoft"));
        let ews = account(EWS).unwrap();
        assert_eq!(
            (ews.host(), ews.server_name().as_str()),
            ("mail.sales.example", "mail.sales.example:444")
        );
        assert!(matches!(ews.sign_in(), SignInSource::Password(SecretSource::Env(name)) if name == "PW"));
        let found = account("[account.ews]\npassword = { env = \"PW\" }\n").unwrap();
        assert_eq!(
            (found.host(), found.server_name().as_str()),
            ("sales.example", "autodiscover.sales.example")
        );
        let Server::Ews(server) = ews.server() else { unreachable!("it is EWS") };
        assert_eq!(server.settings(&ews.address, ProxyChoice::System).username, "rep@sales.example");
    }

    #[test]
    fn an_account_is_on_one_server_and_signs_in_one_way() {
        for (text, expected) in [
            (String::new(), "needs one of"),
            (format!("{GRAPH}{EWS}"), "needs one of"),
            (format!("{GRAPH}token = {{ env = \"T\" }}\n"), "not both"),
            (format!("{EWS}oauth = {{ provider = \"microsoft\" }}\n"), "not both"),
            (EWS.replace("https", "http"), "must be https"),
            (EWS.replace("https://mail", "mail"), "must start with https://"),
            (format!("{EWS}autodiscover = \"https://x.example\"\n"), "`url` or `autodiscover`"),
            ("[account.ews]\noauth = { provider = \"microsoft\" }\n".to_owned(), "needs its `url`"),
        ] {
            let error = account(&text).unwrap_err();
            assert!(error.contains(expected), "{error} should say {expected}");
        }
    }
}
