//! Microsoft 365 and Outlook.com through Microsoft Graph: delta queries, folder by folder, and nothing is ever written.
//!
//! From the outside in: [`GraphMailbox`] does what `exchange::plan` decides; `http` sends requests and says what a refusal means;
//! `row` makes of a message resource what detection reads.

mod connection_test;
mod folders;
mod http;
mod mailbox;
mod refusal;
mod row;

use std::future::Future;
use std::path::PathBuf;

use zeroize::Zeroizing;

pub use connection_test::test_connection;
pub use mailbox::GraphMailbox;

use crate::{Cursor, Error, ProxyChoice, WatchOptions};

/// Where Microsoft Graph is.
#[derive(Clone, Debug)]
pub struct GraphSettings {
    /// [`PUBLIC_CLOUD`], a national cloud, or a loopback address. Only loopback may be plain `http`.
    pub url: String,
    /// A PEM file with an extra root to trust beside the platform's.
    pub ca_file: Option<PathBuf>,
    /// How connections leave this computer.
    pub proxy: ProxyChoice,
}

/// Microsoft Graph for everybody but the national clouds.
pub const PUBLIC_CLOUD: &str = "https://graph.microsoft.com";

/// Who has the access token, and can get another one.
pub trait TokenSource: Send + Sync {
    /// A token that should be good for a while. `refused` is the one that Graph did not accept any more.
    ///
    /// # Errors
    /// Whatever keeps a token from being had; the mailbox passes it on.
    fn token(&self, refused: Option<&str>) -> impl Future<Output = Result<Zeroizing<String>, Error>> + Send;
}

/// Signs in, and watches from where `cursors` say.
///
/// # Errors
/// Whatever keeps the mailbox from being watched; [`crate::ErrorKind`] tells whose turn it is.
pub async fn connect<T: TokenSource>(
    settings: &GraphSettings,
    tokens: T,
    options: WatchOptions,
    cursors: Vec<Cursor>,
) -> Result<GraphMailbox<T>, Error> {
    let mut client = http::Client::new(settings, tokens)?;
    client.sign_in().await?;
    Ok(GraphMailbox::new(client, options, cursors))
}
