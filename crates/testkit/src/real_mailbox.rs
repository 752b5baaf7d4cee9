//! Somebody's own mailbox, into which mail comes from another account of theirs, by submission.

use std::time::Duration;

use answerback_backend::SecretSource;
use anyhow::{Context as _, Result};
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{SmtpTransport, Transport as _};
use serde::Deserialize;

/// Submission servers answer within this time or not at all.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The account from which answers are sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sender {
    /// Its address.
    pub address: String,
    /// Its submission server.
    pub host: String,
    /// The port; 465 or 587 where it is not set.
    pub port: Option<u16>,
    /// How the connection is secured.
    #[serde(default)]
    pub security: Security,
    /// The login name; the address where it is not set.
    pub username: Option<String>,
    /// Where the password is.
    pub password: SecretSource,
}

/// How the connection to a submission server is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// From the first byte.
    #[default]
    Tls,
    /// By STARTTLS, which must be offered.
    Starttls,
    /// Not at all: for this computer only.
    None,
}

/// A mailbox that only receives.
#[derive(Clone, Debug)]
pub struct RealMailbox {
    /// What the agent's configuration says of it: `account` with its server, and tables beside it such as `oauth`.
    pub config: toml::Table,
    /// The mailbox's address.
    pub address: String,
    /// Who writes to it.
    pub sender: Sender,
    /// A rule files mail with this word in its subject into a folder.
    pub rule: Option<String>,
}

impl RealMailbox {
    /// Sends a message to the mailbox.
    ///
    /// # Errors
    /// When the submission server refuses it.
    pub async fn deliver(&self, raw: &[u8]) -> Result<()> {
        self.send(without_trace(raw).to_vec()).await
    }

    /// Sends a message that a rule files.
    ///
    /// # Errors
    /// As [`Self::deliver`], or where there is no rule.
    pub async fn deliver_filed(&self, raw: &[u8]) -> Result<()> {
        let word = self.rule.as_deref().context("No rule files mail there")?;
        let text = String::from_utf8_lossy(without_trace(raw)).replacen(
            "\r\nSubject: ",
            &format!("\r\nSubject: {word} "),
            1,
        );
        self.send(text.into_bytes()).await
    }

    async fn send(&self, raw: Vec<u8>) -> Result<()> {
        let envelope = Envelope::new(Some(self.sender.address.parse()?), vec![self.address.parse()?])?;
        let transport = self.sender.transport()?;
        let sent = tokio::task::spawn_blocking(move || transport.send_raw(&envelope, &raw)).await?;
        sent.map(drop).context("The sender's submission server did not take a message")
    }
}

impl Sender {
    fn transport(&self) -> Result<SmtpTransport> {
        let parameters = || TlsParameters::new(self.host.clone()).context("Setting TLS up");
        let (tls, port) = match self.security {
            Security::Tls => (Tls::Wrapper(parameters()?), 465),
            Security::Starttls => (Tls::Required(parameters()?), 587),
            Security::None => (Tls::None, 587),
        };
        let username = self.username.clone().unwrap_or_else(|| self.address.clone());
        let password = self.password.read()?.expose().to_owned();
        Ok(SmtpTransport::builder_dangerous(&self.host)
            .port(self.port.unwrap_or(port))
            .tls(tls)
            .credentials(Credentials::new(username, password))
            .authentication(vec![Mechanism::Plain, Mechanism::Login])
            .timeout(Some(TIMEOUT))
            .build())
    }

    /// Whether a password would go in the clear over a network.
    pub fn is_exposed(&self) -> bool {
        self.security == Security::None && !matches!(self.host.as_str(), "127.0.0.1" | "::1" | "localhost")
    }
}

/// Without what the last hops add: it is not for the one who sends.
fn without_trace(raw: &[u8]) -> &[u8] {
    let mut rest = raw;
    loop {
        let is_trace = rest.starts_with(b"Return-Path:") || rest.starts_with(b"Received:");
        let is_folded = rest.len() < raw.len() && rest.starts_with(b"\t");
        let end = rest.iter().position(|byte| *byte == b'\n');
        match end.and_then(|end| rest.get(end + 1..)) {
            Some(next) if is_trace || is_folded => rest = next,
            _ => return rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_last_hops_add_is_not_sent() {
        let mail = b"Return-Path: <a@x>\r\nReceived: from a\r\n\tby b;\r\n\tnow\r\nReceived: c\r\nDate: now\r\n\tfolded\r\n\r\nHi\r\n";
        assert_eq!(without_trace(mail), b"Date: now\r\n\tfolded\r\n\r\nHi\r\n");
        assert_eq!(without_trace(b"Date: now\r\n"), b"Date: now\r\n");
    }
}
