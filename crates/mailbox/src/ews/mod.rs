//! Exchange on the organisation's own servers (2016, 2019, Subscription Edition) through Exchange Web Services: changes folder by
//! folder, notifications that are streamed, and nothing is ever written.
//!
//! From the outside in: [`EwsMailbox`] does what `exchange::plan` decides; `http` asks and `refusal` says what a refusal means;
//! `session` signs in, by what `sign_in` chooses, on a `connection`; `autodiscover` finds the server; `request` and `response` are the
//! XML, `folders` and `item` make of it what detection reads.

mod autodiscover;
mod channel_binding;
mod connection;
mod folders;
mod http;
mod item;
mod mailbox;
mod notifications;
mod ntlm;
mod refusal;
mod request;
mod response;
mod session;
mod sign_in;

use std::path::PathBuf;

pub use autodiscover::{Found, find_server, is_of_domain};
pub use mailbox::EwsMailbox;

use crate::exchange::connection_test;
use crate::imap::TestStep;
use crate::{Credential, Cursor, Error, ProxyChoice, WatchOptions};

/// An Exchange server, and who signs in there.
#[derive(Clone, Debug)]
pub struct EwsSettings {
    /// Where it is.
    pub place: Place,
    /// The mailbox's address.
    pub address: String,
    /// The login name: an address, or `DOMAIN\name`.
    pub username: String,
    /// A PEM file with an extra root to trust beside the platform's.
    pub ca_file: Option<PathBuf>,
    /// How connections leave this computer.
    pub proxy: ProxyChoice,
}

/// Where an Exchange server is. Only a loopback address may be plain `http`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Its EWS: `https://mail.sales.example/EWS/Exchange.asmx`.
    Url(String),
    /// Where the organisation's Autodiscover service says: the service at this URL, or at `autodiscover.` and the domain of the
    /// mailbox's address. A URL that ends in `.svc` is asked in SOAP, one in `.xml` in plain old XML, another one in both ways.
    Autodiscover(Option<String>),
}

/// Signs in, and watches from where `cursors` say.
///
/// # Errors
/// Whatever keeps the mailbox from being watched; [`crate::ErrorKind`] tells whose turn it is.
pub async fn connect(
    settings: &EwsSettings,
    credential: &Credential,
    options: WatchOptions,
    cursors: Vec<Cursor>,
) -> Result<EwsMailbox, Error> {
    let url = autodiscover::url(settings, credential).await?;
    let client = http::Client::new(settings, &url, credential)?;
    client.sign_in().await?;
    Ok(EwsMailbox::new(client, options, cursors))
}

/// Tries the settings. Ends with the first step that fails, which has the error; four steps without one mean that the
/// mailbox can be watched.
pub async fn test_connection(settings: &EwsSettings, credential: &Credential) -> Vec<TestStep> {
    let found = autodiscover::url(settings, credential).await;
    let client = match found.and_then(|url| http::Client::new(settings, &url, credential)) {
        Ok(client) => client,
        Err(error) => return vec![connection_test::failed(error, 0)],
    };
    let site = client.site().clone();
    let signed_in = client.sign_in().await;
    let method = client.method().await;
    let signed_in = signed_in.map(|()| EwsMailbox::new(client, WatchOptions::default(), Vec::new()));
    connection_test::steps(&site, &method, signed_in).await
}
