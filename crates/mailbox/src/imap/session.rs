//! From a socket to a session that is signed in.

use std::sync::Arc;

use super::capability::Capabilities;
use super::client::{Client, Failure};
use super::command::Command;
use super::response::Untagged;
use super::sign_in::{Credential, sign_in};
use crate::net::{proxy, socket, tls};
use crate::{Error, ErrorKind, ImapSettings, Security};

/// A session that is signed in.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) capabilities: Capabilities,
    /// How it is secured, for people.
    pub(crate) security: String,
    /// SEARCH is known to be unreliable there.
    pub(crate) distrust_search: bool,
}

/// A connection that is made and secured.
pub(crate) struct Greeted {
    pub(crate) client: Client,
    pub(crate) security: String,
    pub(crate) preauthenticated: bool,
}

/// Finds the server and connects.
pub(crate) async fn reach(settings: &ImapSettings) -> Result<tokio::net::TcpStream, Error> {
    // Without encryption only this computer is reached, and no proxy.
    let proxy = match settings.security {
        Security::None => None,
        _ => proxy::choose(&settings.proxy, &settings.host, settings.port),
    };
    let Some((proxy, else_straight)) = proxy else { return reach_straight(settings).await };
    match proxy::connect(&proxy, &settings.host, settings.port).await {
        // Where neither works, the proxy's reason says more: without it there may be no way out at all.
        Err(refused) if else_straight => reach_straight(settings).await.map_err(|_| refused),
        reached => reached,
    }
}

async fn reach_straight(settings: &ImapSettings) -> Result<tokio::net::TcpStream, Error> {
    let addresses = socket::resolve(&settings.host, settings.port).await?;
    if settings.security == Security::None && !addresses.iter().all(|address| address.ip().is_loopback()) {
        let detail =
            format!("an unencrypted connection is for this computer only, and {} is another", settings.host);
        return Err(Error::new(ErrorKind::Settings, detail));
    }
    socket::connect(&settings.host, &addresses).await
}

/// Secures the connection and reads the greeting.
pub(crate) async fn greet(settings: &ImapSettings, stream: tokio::net::TcpStream) -> Result<Greeted, Error> {
    let server: Arc<str> = settings.host.as_str().into();
    let ca_file = settings.ca_file.as_deref();
    match settings.security {
        Security::Tls => {
            let secured = tls::secure(Box::new(stream), &settings.host, ca_file).await?;
            let mut client = Client::new(secured.stream, server);
            let preauthenticated = client.greeting().await?;
            Ok(Greeted { client, security: secured.description, preauthenticated })
        }
        Security::StartTls => {
            let mut client = Client::new(Box::new(stream), Arc::clone(&server));
            if client.greeting().await? {
                // After PREAUTH there is no STARTTLS any more: somebody may have put it in for that.
                return Err(no_starttls(settings));
            }
            start_tls(&mut client, settings).await?;
            // Whatever was learnt in the clear is forgotten with this client.
            let secured = tls::secure(client.into_stream()?, &settings.host, ca_file).await?;
            let client = Client::new(secured.stream, server);
            Ok(Greeted { client, security: secured.description, preauthenticated: false })
        }
        Security::None => {
            let mut client = Client::new(Box::new(stream), server);
            let preauthenticated = client.greeting().await?;
            Ok(Greeted { client, security: "not encrypted (this computer)".to_owned(), preauthenticated })
        }
    }
}

async fn start_tls(client: &mut Client, settings: &ImapSettings) -> Result<(), Error> {
    let capabilities = capabilities(client).await?;
    if !capabilities.has("STARTTLS") {
        return Err(no_starttls(settings));
    }
    client.run(&Command::new("STARTTLS"), &mut |_| {}).await.map_err(|failure| match failure {
        Failure::Refused(_) => no_starttls(settings),
        Failure::Broken(error) => error,
    })
}

fn no_starttls(settings: &ImapSettings) -> Error {
    let detail = format!("{} offers no STARTTLS on port {}; nothing was sent", settings.host, settings.port);
    Error::new(ErrorKind::Unsupported, detail)
}

/// Asks for the capabilities unless the server told them unasked.
async fn capabilities(client: &mut Client) -> Result<Capabilities, Error> {
    if client.capabilities().is_none() {
        let result = client.run(&Command::new("CAPABILITY"), &mut |_| {}).await;
        must(client, "say what it can do", result)?;
    }
    Ok(client.capabilities().cloned().unwrap_or_default())
}

/// Signs in and introduces ourselves.
pub(crate) async fn enter(
    greeted: Greeted,
    settings: &ImapSettings,
    credential: &Credential,
) -> Result<Session, Error> {
    let Greeted { mut client, security, preauthenticated } = greeted;
    capabilities(&mut client).await?;
    if !preauthenticated {
        sign_in(&mut client, &settings.username, credential).await?;
    }
    let capabilities = capabilities(&mut client).await?;
    let mut name = String::new();
    if capabilities.has("ID") {
        introduce(&mut client, &mut name).await?;
    }
    let distrust_search = is_search_faulty(&settings.host, &name);
    Ok(Session { client, capabilities, security, distrust_search })
}

/// RFC 2971. NetEase (163.com, 126.com) refuses EXAMINE as "Unsafe Login" before this; Gmail asks for it.
async fn introduce(client: &mut Client, name: &mut String) -> Result<(), Error> {
    let version = env!("CARGO_PKG_VERSION");
    let command = Command::new("ID").word(&format!("(\"name\" \"Answerback\" \"version\" \"{version}\")"));
    let mut note = |response: Untagged<'_>| {
        if let Untagged::Id(text) = response {
            *name = String::from_utf8_lossy(text).to_ascii_lowercase();
        }
    };
    match client.run(&command, &mut note).await {
        // Being unknown must not end the session.
        Ok(()) | Err(Failure::Refused(_)) => Ok(()),
        Err(Failure::Broken(error)) => Err(error),
    }
}

/// Coremail (NetEase, Sina), QQ and Mail.ru have given wrong answers to SEARCH (MailKit#1143, MailKit#1234).
fn is_search_faulty(host: &str, id: &str) -> bool {
    const HOSTS: [&str; 8] =
        ["163.com", "126.com", "yeah.net", "188.com", "qq.com", "mail.ru", "sina.com", "foxmail.com"];
    let host = host.to_ascii_lowercase();
    HOSTS
        .iter()
        .any(|domain| host == *domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
        || id.contains("coremail")
}

/// For commands that must work.
pub(crate) fn must<T>(client: &Client, doing: &str, result: Result<T, Failure>) -> Result<T, Error> {
    result.map_err(|failure| match failure {
        Failure::Refused(refusal) => refusal.into_error(client.server(), doing),
        Failure::Broken(error) => error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_with_a_faulty_search_are_known_by_domain_or_name() {
        for (host, id, faulty) in [
            ("imap.163.com", "", true),
            ("imap.exmail.qq.com", "", true),
            ("imap.notqq.com", "", false),
            ("imap.example.com", "(\"name\" \"coremail imap\")", true),
            ("imap.gmail.com", "(\"name\" \"gimap\")", false),
        ] {
            assert_eq!(is_search_faulty(host, id), faulty, "{host}");
        }
    }
}
