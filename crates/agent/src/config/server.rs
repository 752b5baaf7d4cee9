//! Where a mailbox is, and what opens it.

use std::path::PathBuf;

use answerback_keychain::SecretSource;
use answerback_mailbox::ProxyChoice;
use answerback_mailbox::graph::{GraphSettings, PUBLIC_CLOUD};
use serde::{Deserialize, Serialize};

use super::{AccountConfig, ImapConfig, OauthConfig};

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

/// The server that holds a mailbox.
#[derive(Clone, Copy, Debug)]
pub enum Server<'a> {
    /// An IMAP server.
    Imap(&'a ImapConfig),
    /// Microsoft Graph.
    Graph(&'a GraphConfig),
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
    /// Where it is; a configuration that names no server or two was refused when it was read.
    pub fn server(&self) -> Server<'_> {
        const NONE: &GraphConfig = &GraphConfig { url: None, oauth: None, token: None, ca_file: None };
        match (&self.imap, &self.graph) {
            (Some(imap), _) => Server::Imap(imap),
            (None, graph) => Server::Graph(graph.as_ref().unwrap_or(NONE)),
        }
    }

    /// What it signs in with; a configuration that names nothing was refused when it was read.
    pub fn sign_in(&self) -> SignInSource<'_> {
        match self.server() {
            Server::Imap(imap) => match (&imap.oauth, &imap.password) {
                (Some(oauth), _) => SignInSource::Browser(oauth),
                (None, password) => SignInSource::Password(password.as_ref().unwrap_or(NOWHERE)),
            },
            Server::Graph(graph) => match (&graph.oauth, &graph.token) {
                (Some(oauth), _) => SignInSource::Browser(oauth),
                (None, token) => SignInSource::Token(token.as_ref().unwrap_or(NOWHERE)),
            },
        }
    }

    /// The server's host name.
    pub fn host(&self) -> &str {
        match self.server() {
            Server::Imap(imap) => &imap.host,
            Server::Graph(graph) => {
                let authority = authority_of(graph.url());
                match authority.rsplit_once(':') {
                    Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
                    _ => authority,
                }
            }
        }
    }

    /// The server for people: host and port.
    pub fn server_name(&self) -> String {
        match self.server() {
            Server::Imap(imap) => format!("{}:{}", imap.host, imap.port()),
            Server::Graph(graph) => authority_of(graph.url()).to_owned(),
        }
    }
}

fn authority_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

impl GraphConfig {
    /// For the mailbox.
    pub fn settings(&self, proxy: ProxyChoice) -> GraphSettings {
        GraphSettings { url: self.url().to_owned(), ca_file: self.ca_file.clone(), proxy }
    }

    fn url(&self) -> &str {
        self.url.as_deref().unwrap_or(PUBLIC_CLOUD)
    }
}
