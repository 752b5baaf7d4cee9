//! The whole pipe on real parts: a mail server, the agent's program and the backend's program.
//!
//! A test delivers mail and asks the backend what came of it; the agent is a process that can be killed.

pub mod rows;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use serde_json::Value;

use crate::agent::{self, Agent, Laptop};
use crate::backend::Backend;
use crate::campaign::Campaign;
use crate::mail_server::MailServer;
use crate::program;

/// Everything takes less than this on a busy machine, but for folders that are looked at in turn.
pub const LIMIT: Duration = Duration::from_secs(60);
/// A folder other than the INBOX is looked at within two minutes.
pub const OTHER_FOLDER_LIMIT: Duration = Duration::from_secs(150);

/// The campaign, a mailbox, a laptop and a backend. Parts stop in the order of the fields.
pub struct Scene {
    agent: Option<Agent>,
    /// The backend.
    pub backend: Backend,
    /// The mail server.
    pub mail: MailServer,
    /// The campaign that is loaded.
    pub campaign: Campaign,
    laptop: Laptop,
    _folder: tempfile::TempDir,
}

/// What the backend has about one reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivered {
    /// The data of the log event.
    pub log: Value,
    /// The types of the events about this reply's send, without prefix and version, in the order of arrival: `stop`,
    /// `log`.
    pub types: Vec<String>,
}

impl Scene {
    /// Everything but the agent, with the rep's mailbox on a real Dovecot.
    ///
    /// # Errors
    /// When a part does not start, or a program has not been built.
    pub async fn on_dovecot() -> Result<Self> {
        Self::on(MailServer::dovecot().await?).await
    }

    /// Everything but the agent, with the rep's mailbox on the scripted server.
    ///
    /// # Errors
    /// As [`Self::on_dovecot`].
    pub async fn on_scripted_server() -> Result<Self> {
        Self::on(MailServer::embedded().await?).await
    }

    /// Everything but the agent, with the rep's mailbox behind the simulated Microsoft Graph.
    ///
    /// # Errors
    /// As [`Self::on_dovecot`].
    pub async fn on_graph() -> Result<Self> {
        Self::on(MailServer::graph().await?).await
    }

    /// Everything but the agent, with the rep's mailbox on the simulated Exchange.
    ///
    /// # Errors
    /// As [`Self::on_dovecot`].
    pub async fn on_ews() -> Result<Self> {
        Self::on(MailServer::ews().await?).await
    }

    async fn on(mail: MailServer) -> Result<Self> {
        let campaign = Campaign::new(Timestamp::now());
        for (received_at, raw) in campaign.old_mail() {
            mail.append("INBOX", &raw, &["\\Seen"], received_at).await?;
        }
        for raw in campaign.sent_copies() {
            mail.append("Sent", &raw, &["\\Seen"], campaign.sent_at()).await?;
        }
        Self::with(mail, campaign)
    }

    /// Everything but the agent, on a mailbox as it is.
    ///
    /// # Errors
    /// As [`Self::on_dovecot`].
    pub fn with(mail: MailServer, campaign: Campaign) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("answerback-e2e-").tempdir()?;
        let backend = Backend::start(&program::find("answerback-backend")?, folder.path())?;
        backend.import(&campaign.sends())?;
        let laptop = Laptop::new(folder.path(), &mail, &backend.url(), &backend.laptop_token()?)?;
        Ok(Self { agent: None, backend, mail, campaign, laptop, _folder: folder })
    }

    /// Starts the agent and waits until it has read the INBOX.
    ///
    /// # Errors
    /// When it does not; what it said and logged is in the error.
    pub async fn watch(&mut self) -> Result<&mut Agent> {
        let mut agent = self.laptop.run(&agent::ctl()?)?;
        // After a restart there may be no scan to do; that everything is checked says as much.
        let scanned = |line: &Value| is(line, "event", "scanned") && is(line, "folder", self.mail.inbox());
        agent
            .hear(self.mail.allowed(LIMIT), |line| scanned(line) || is(line, "event", "coverage"))
            .await
            .context("The INBOX was not scanned")?;
        Ok(self.agent.insert(agent))
    }

    /// Starts the agent without waiting for anything.
    ///
    /// # Errors
    /// When its program can't be started.
    pub fn launch(&mut self) -> Result<&mut Agent> {
        let agent = self.laptop.run(&agent::ctl()?)?;
        Ok(self.agent.insert(agent))
    }

    /// The agent's configuration.
    pub fn config(&self) -> PathBuf {
        self.laptop.config()
    }

    /// Adds what the configuration names to a program's environment.
    pub fn equip(&self, command: &mut Command) {
        self.laptop.equip(command);
    }

    /// The running agent.
    ///
    /// # Errors
    /// When none runs.
    pub fn agent(&mut self) -> Result<&mut Agent> {
        self.agent.as_mut().context("No agent runs")
    }

    /// `kill -9`.
    pub fn crash_agent(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.crash();
        }
    }

    /// Ends the agent politely and says how long that took.
    ///
    /// # Errors
    /// When none runs, or it had to be killed, or it ended with an error.
    pub fn stop_agent(&mut self) -> Result<Duration> {
        let (status, took) = self.agent.take().context("No agent runs")?.stop();
        match status {
            Some(status) if status.success() => Ok(took),
            other => bail!("The agent ended with {other:?} after {took:?}"),
        }
    }

    /// Empties the data folder, as on a new laptop.
    ///
    /// # Errors
    /// When the agent runs, or the folder can't be removed.
    pub fn forget(&self) -> Result<()> {
        if self.agent.is_some() {
            bail!("Stop the agent first");
        }
        self.laptop.forget()
    }

    /// Waits until the agent has printed a verdict about this message.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn verdict(&mut self, raw: &[u8], limit: Duration) -> Result<Value> {
        let id = message_id(raw);
        let about = |line: &Value| is(line, "event", "verdict") && comparable(text(line, "message_id")) == id;
        let limit = self.mail.allowed(limit);
        self.agent()?.hear(limit, about).await
    }

    /// Waits until the backend has logged this message, and gives what it has about it.
    ///
    /// # Errors
    /// When it does not in time; what the agent said and logged is in the error.
    pub async fn delivered(&mut self, raw: &[u8], limit: Duration) -> Result<Delivered> {
        let id = message_id(raw);
        let deadline = Instant::now() + self.mail.allowed(limit);
        loop {
            let events = self.events().await?;
            if let Some(delivered) = delivered(&events, &id) {
                return Ok(delivered);
            }
            if Instant::now() > deadline {
                let (said, log) = match &self.agent {
                    Some(agent) => (agent.said(), agent.log()),
                    None => (Vec::new(), String::new()),
                };
                let said = said.iter().map(|line| format!("{line}\n")).collect::<String>();
                bail!("The backend never logged {id}. The agent said:\n{said}It logged:\n{log}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Every event at the backend but coverage, oldest first.
    ///
    /// # Errors
    /// When the backend does not answer.
    pub async fn events(&self) -> Result<Vec<Value>> {
        let mut events = self.backend.events().await?;
        events.retain(|event| kind_of(event) != "coverage");
        Ok(events)
    }

    /// Checks that no event is there twice: ids, and what they say of one reply.
    ///
    /// # Errors
    /// When one is; both are in the error.
    pub async fn each_event_once(&self) -> Result<()> {
        let events = self.events().await?;
        let ids = events.iter().map(|event| text(event, "id")).collect::<BTreeSet<_>>();
        let logs =
            events.iter().filter(|event| kind_of(event) == "log").filter_map(logged_id).collect::<Vec<_>>();
        let replies = logs.iter().collect::<BTreeSet<_>>();
        if ids.len() != events.len() || replies.len() != logs.len() {
            bail!("Some event is there twice: {events:#?}");
        }
        Ok(())
    }

    /// What the backend says of a send: `clear`, `hold`, `paused` or `stopped`.
    ///
    /// # Errors
    /// When the backend does not answer.
    pub async fn gate(&self, send_id: &str) -> Result<String> {
        Ok(text(&self.backend.gate(send_id).await?, "state").to_owned())
    }
}

/// The Message-ID in the form that compares.
fn message_id(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let line = text.lines().find_map(|line| line.strip_prefix("Message-ID: "));
    comparable(line.unwrap_or_default())
}

/// Without brackets; the domain's case makes no difference, and no two ids of the story differ in case alone.
fn comparable(id: &str) -> String {
    id.trim_matches(['<', '>', ' ']).to_ascii_lowercase()
}

/// The log event about a message, and the types of the events that belong to it: within one send, what an answer leads
/// to comes before its log entry.
fn delivered(events: &[Value], message_id: &str) -> Option<Delivered> {
    let at = events.iter().position(|event| logged_id(event).as_deref() == Some(message_id))?;
    let log = events.get(at)?;
    let send_id = log.get("data").map(|data| text(data, "send_id"));
    let same_send = |event: &&Value| event.get("data").map(|data| text(data, "send_id")) == send_id;
    let before = events.get(..at)?.iter().rev().filter(same_send);
    let mut types =
        before.map(kind_of).take_while(|kind| *kind != "log").map(str::to_owned).collect::<Vec<_>>();
    types.reverse();
    types.push("log".to_owned());
    Some(Delivered { log: log.get("data")?.clone(), types })
}

fn logged_id(event: &Value) -> Option<String> {
    Some(comparable(event.get("data")?.get("reply")?.get("message_id")?.as_str()?))
}

/// `stop` of `answerback.stop.v1`.
fn kind_of(event: &Value) -> &str {
    text(event, "type").split('.').nth(1).unwrap_or_default()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn is(line: &Value, name: &str, value: &str) -> bool {
    text(line, name) == value
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(kind: &str, send_id: &str, message_id: Option<&str>) -> Value {
        let reply = message_id.map(|id| json!({ "message_id": id }));
        json!({"type": format!("answerback.{kind}.v1"), "data": {"send_id": send_id, "reply": reply}})
    }

    #[test]
    fn what_belongs_to_an_answer_comes_before_its_log_entry() {
        let events = [
            event("stop", "a", None),
            event("log", "a", Some("<1@X>")),
            event("pause", "b", None),
            event("stop", "a", None),
            event("suppress", "a", None),
            event("log", "b", Some("3@x")),
            event("log", "a", Some("2@x")),
        ];
        let types = |id| delivered(&events, id).map(|delivered| delivered.types);
        assert_eq!(types("1@x").unwrap(), ["stop", "log"]);
        assert_eq!(types("2@x").unwrap(), ["stop", "suppress", "log"]);
        assert_eq!(types("3@x").unwrap(), ["pause", "log"]);
        assert_eq!(types("4@x"), None);
    }
}
