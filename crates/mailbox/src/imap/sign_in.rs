//! Signing in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::capability::Capabilities;
use super::client::{Client, Failure};
use super::command::Command;
use super::response::Outcome;
use super::scram::Exchange;
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

/// The ways that keep the password secret first. A refusal of SCRAM isn't the last word: a server that keeps passwords
/// hashed in another way announces it and can't do it (Dovecot with bcrypt).
async fn with_password(
    client: &mut Client,
    offered: &Capabilities,
    username: &str,
    password: &str,
) -> Result<(), Error> {
    let (plain, command) = (offered.has("AUTH=PLAIN"), !offered.has("LOGINDISABLED"));
    let (scram, prompted) = (offered.has("AUTH=SCRAM-SHA-256"), offered.has("AUTH=LOGIN"));
    let mut refused = None;
    if scram {
        match with_proof(client, username, password).await {
            Err(Failure::Refused(refusal)) if !refusal.is_passing() && (plain || command || prompted) => {
                refused = Some(refusal);
            }
            result => return explain(client, result),
        }
    }
    let result = if plain {
        let message = Zeroizing::new(format!("\0{username}\0{password}"));
        match authenticate(client, "PLAIN", &message, b"").await {
            // BAD is "I don't know how", not "you are not": nothing was tried yet, so LOGIN can be.
            Err(Failure::Refused(refusal)) if refusal.outcome == Outcome::Bad && command => {
                log_in(client, username, password).await
            }
            result => result,
        }
    } else if command {
        log_in(client, username, password).await
    } else if prompted {
        answer_prompts(client, username, password).await
    } else {
        let detail = format!("{} offers no way to sign in with a password", client.server());
        return Err(Error::new(ErrorKind::Unsupported, detail));
    };
    match (result, refused) {
        // Some servers hang up after a refusal.
        (Err(Failure::Broken(_)), Some(refusal)) => explain(client, Err(Failure::Refused(refusal))),
        (result, _) => explain(client, result),
    }
}

async fn log_in(client: &mut Client, username: &str, password: &str) -> Result<(), Failure> {
    let command = Command::new("LOGIN").string(username.as_bytes()).string(password.as_bytes());
    client.run(&command, &mut |_| {}).await
}

/// AUTHENTICATE LOGIN, which Exchange offers where LOGIN is disabled: it asks for one thing after the other.
async fn answer_prompts(client: &mut Client, username: &str, password: &str) -> Result<(), Failure> {
    let tag = client.send(&Command::new("AUTHENTICATE").word("LOGIN")).await?;
    for answer in [username, password] {
        client.continuation(&tag).await?;
        let answer = Zeroizing::new(STANDARD.encode(answer));
        client.send_line(answer.as_bytes()).await?;
    }
    client.complete(&tag, &mut |_| {}).await
}

/// SCRAM-SHA-256. The server has to prove as well that it knows the password; one that doesn't is none of ours.
async fn with_proof(client: &mut Client, username: &str, password: &str) -> Result<(), Failure> {
    let Some(exchange) = Exchange::new(username, password) else {
        let detail = "this computer gives no random numbers".to_owned();
        return Err(Error::new(ErrorKind::Settings, detail).into());
    };
    let tag = client.send(&Command::new("AUTHENTICATE").word("SCRAM-SHA-256")).await?;
    client.continuation(&tag).await?;
    client.send_line(STANDARD.encode(exchange.first()).as_bytes()).await?;
    let challenge = client.continuation(&tag).await?;
    let challenge = STANDARD.decode(&challenge).unwrap_or_default();
    // Deriving the key takes a while on purpose.
    let answered = tokio::task::spawn_blocking(move || exchange.answer(&challenge)).await;
    let Ok(Ok(answer)) = answered else { return Err(no_proof(client).into()) };
    client.send_line(STANDARD.encode(&answer.message).as_bytes()).await?;
    let Some(last) = client.continuation_or_end(&tag).await? else {
        return Err(no_proof(client).into());
    };
    let last = STANDARD.decode(&last).unwrap_or_default();
    if last.starts_with(b"e=") {
        // The reason comes with the tagged NO.
        client.send_line(b"").await?;
        return match client.complete(&tag, &mut |_| {}).await {
            Ok(()) => Err(no_proof(client).into()),
            refused => refused,
        };
    }
    if answer.proof.check(&last).is_err() {
        return Err(no_proof(client).into());
    }
    client.send_line(b"").await?;
    client.complete(&tag, &mut |_| {}).await
}

fn no_proof(client: &Client) -> Error {
    let detail =
        format!("{} could not prove that it knows the account; nothing was told to it", client.server());
    Error::new(ErrorKind::Protocol, detail)
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
    result.map_err(|failure| match failure {
        Failure::Refused(refusal) => refusal.into_token_error(client.server()),
        Failure::Broken(error) => error,
    })
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
