//! Signing in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::capability::Capabilities;
use super::client::{Client, Failure};
use super::command::Command;
use super::response::Outcome;
use crate::{Error, ErrorKind};

/// What proves who the rep is.
#[derive(Clone)]
pub enum Credential {
    /// A password or app password.
    Password(Zeroizing<String>),
    /// An OAuth 2.0 access token for the server, fresh enough to sign in with.
    AccessToken(Zeroizing<String>),
}

impl From<&str> for Credential {
    fn from(password: &str) -> Self {
        Self::Password(Zeroizing::new(password.to_owned()))
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Password(_) => f.write_str("Password(…)"),
            Self::AccessToken(_) => f.write_str("AccessToken(…)"),
        }
    }
}

/// Signs in by the best means that the server offers.
pub(crate) async fn sign_in(
    client: &mut Client,
    username: &str,
    credential: &Credential,
) -> Result<(), Error> {
    let offered = client.capabilities().cloned().unwrap_or_default();
    // They change with signing in: the answer's own list counts, or else they are asked for again.
    client.forget_capabilities();
    match credential {
        Credential::Password(password) => with_password(client, &offered, username, password).await,
        Credential::AccessToken(token) => with_token(client, &offered, username, token).await,
    }
}

async fn with_password(
    client: &mut Client,
    offered: &Capabilities,
    username: &str,
    password: &str,
) -> Result<(), Error> {
    let (plain, login) = (offered.has("AUTH=PLAIN"), !offered.has("LOGINDISABLED"));
    if !plain && !login {
        let detail = format!("{} offers no way to sign in with a password", client.server());
        return Err(Error::new(ErrorKind::Unsupported, detail));
    }
    if plain {
        let message = Zeroizing::new(format!("\0{username}\0{password}"));
        match authenticate(client, "PLAIN", &message, b"").await {
            // BAD is "I don't know how", not "you are not": nothing was tried yet, so LOGIN can be.
            Err(Failure::Refused(refusal)) if refusal.outcome == Outcome::Bad && login => {}
            result => return explain(client, result),
        }
    }
    let command = Command::new("LOGIN").string(username.as_bytes()).string(password.as_bytes());
    let result = client.run(&command, &mut |_| {}).await;
    explain(client, result)
}

/// OAUTHBEARER (RFC 7628) where it is offered (Yahoo has nothing else), or XOAUTH2 (Google's and Microsoft's own).
async fn with_token(
    client: &mut Client,
    offered: &Capabilities,
    username: &str,
    token: &str,
) -> Result<(), Error> {
    let result = if offered.has("AUTH=OAUTHBEARER") {
        let name = username.replace('=', "=3D").replace(',', "=2C");
        let server = client.server();
        let message = Zeroizing::new(format!("n,a={name},\x01host={server}\x01auth=Bearer {token}\x01\x01"));
        // The answer to the challenge that tells of a failure: base64 of \x01.
        authenticate(client, "OAUTHBEARER", &message, b"AQ==").await
    } else if offered.has("AUTH=XOAUTH2") {
        let message = Zeroizing::new(format!("user={username}\x01auth=Bearer {token}\x01\x01"));
        authenticate(client, "XOAUTH2", &message, b"").await
    } else {
        let detail = format!("{} offers no sign-in through the browser", client.server());
        return Err(Error::new(ErrorKind::Unsupported, detail));
    };
    explain(client, result)
}

/// One message, and an answer to the challenge that a refusal may come with: without it the server waits for ever. The
/// initial response waits for `+`: Coremail advertises SASL-IR and rejects it.
async fn authenticate(
    client: &mut Client,
    mechanism: &'static str,
    message: &str,
    on_challenge: &[u8],
) -> Result<(), Failure> {
    let tag = client.send(&Command::new("AUTHENTICATE").word(mechanism)).await?;
    client.continuation(&tag).await?;
    let answer = Zeroizing::new(STANDARD.encode(message.as_bytes()));
    client.send_line(answer.as_bytes()).await?;
    if client.continuation_or_end(&tag).await?.is_none() {
        return Ok(());
    }
    client.send_line(on_challenge).await?;
    client.complete(&tag, &mut |_| {}).await
}

fn explain(client: &Client, result: Result<(), Failure>) -> Result<(), Error> {
    result.map_err(|failure| match failure {
        Failure::Refused(refusal) => refusal.into_sign_in_error(client.server()),
        Failure::Broken(error) => error,
    })
}
