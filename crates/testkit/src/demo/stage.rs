//! Everything that the demo needs, up and running, and gone when dropped.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use answerback_testkit::agent::{self, Agent, Laptop};
use answerback_testkit::backend::Backend;
use answerback_testkit::campaign::{Campaign, SEND_YORI};
use answerback_testkit::mail_server::MailServer;
use answerback_testkit::process::Running;
use answerback_testkit::program;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::args::{Args, Mailbox};
use crate::crm::Crm;

/// The parts, in the order in which they stop.
pub(crate) struct Stage {
    pub(crate) player: Player,
    pub(crate) backend: Backend,
    pub(crate) mail: MailServer,
    pub(crate) crm: Option<Crm>,
    /// How many messages in the INBOX the rep had read before anything began.
    read_before: usize,
    /// Removed last.
    _folder: tempfile::TempDir,
}

/// Who watches the mailbox.
pub(crate) enum Player {
    /// `answerbackctl run`.
    Headless(Agent),
    /// The desktop app.
    Window(Running),
}

impl Stage {
    /// Starts the mail server, the backend and the agent, in this order.
    pub(crate) async fn set_up(args: &Args, campaign: &Campaign) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("answerback-demo-").tempdir()?;
        let mail = match args.mailbox {
            Mailbox::Embedded => MailServer::embedded().await?,
            Mailbox::Dovecot => MailServer::dovecot().await?,
        };
        let old_mail = campaign.old_mail();
        let read_before = old_mail.len();
        for (received_at, raw) in old_mail {
            mail.append("INBOX", &raw, &["\\Seen"], received_at).await?;
        }
        for raw in campaign.sent_copies() {
            mail.append("Sent", &raw, &["\\Seen"], campaign.sent_at()).await?;
        }
        let crm = match args.crm {
            Some(crate::args::Crm::Salesforce) => Some(Crm::start(folder.path()).await?),
            None => None,
        };
        let program = chosen(args.backend.as_deref(), "answerback-backend")?;
        let backend = Backend::start_configured(&program, folder.path(), crm.as_ref().map(Crm::settings))?;
        backend.import(&campaign.sends())?;
        let laptop = Laptop::new(folder.path(), &mail, &backend.url(), &backend.laptop_token()?)?;
        let player = match args.window() {
            Some(app) => Player::Window(open(app, &laptop)?),
            None => Player::Headless(laptop.run(&chosen(args.ctl.as_deref(), "answerbackctl")?)?),
        };
        Ok(Self { player, backend, mail, crm, read_before, _folder: folder })
    }

    /// Waits until the agent watches the mailbox.
    pub(crate) async fn ready(&mut self, limit: Duration) -> Result<()> {
        match &mut self.player {
            Player::Headless(agent) => {
                let inbox = |line: &Value| {
                    line.get("event").and_then(Value::as_str) == Some("scanned")
                        && line.get("folder").and_then(Value::as_str) == Some("INBOX")
                };
                agent.hear(limit, inbox).await.context("The agent does not watch the mailbox")?;
            }
            // The window says nothing on a pipe, but the backend hears when the mailbox has been checked.
            Player::Window(app) => {
                let deadline = Instant::now() + limit;
                while self.backend.gate(SEND_YORI).await?.get("checked_up_to").is_none_or(Value::is_null) {
                    if let Some(status) = app.ended() {
                        bail!("The desktop app ended ({status}) before it watched the mailbox");
                    }
                    if Instant::now() > deadline {
                        bail!("The desktop app does not watch the mailbox");
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        Ok(())
    }

    /// Kills the backend, starts it again and pushes every event once more, as a laptop that was reinstalled does; nothing new may come of it.
    pub(crate) async fn replay(&mut self) -> Result<()> {
        let events = self.backend.events().await?;
        self.backend.crash();
        self.backend.resume()?;
        self.backend.push(&events).await
    }

    /// What was done to the mailbox, or left the laptop, that should not have been; one sentence each.
    pub(crate) async fn promises_broken(&self) -> Result<Vec<String>> {
        let mut broken = Vec::new();
        let mailbox = self.mail.snapshot().await?.without_recent();
        // What was there before was read by the rep; nobody has read what has come since.
        let inbox = mailbox.flags("INBOX");
        let read = inbox.iter().filter(|flags| !flags.is_empty()).count();
        if read != self.read_before || mailbox.flags("Sent").iter().any(|flags| flags.len() != 1) {
            broken.push("The flags of some messages in the mailbox were changed.".to_owned());
        }
        let has_text = |event: &Value| event.pointer("/data/reply/text").is_some_and(|text| !text.is_null());
        if self.backend.events().await?.iter().any(has_text) {
            broken.push("Some mail's text has left the laptop.".to_owned());
        }
        Ok(broken)
    }
}

impl Player {
    /// What the agent has said on its standard output; the window says nothing there.
    pub(crate) fn said(&self) -> Vec<Value> {
        match self {
            Self::Headless(agent) => agent.said(),
            Self::Window(_) => Vec::new(),
        }
    }

    /// Whether it has ended by itself.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        match self {
            Self::Headless(agent) => agent.ended(),
            Self::Window(app) => app.ended(),
        }
    }

    /// What it logged, where something went wrong.
    pub(crate) fn log(&self) -> String {
        match self {
            Self::Headless(agent) => agent.log(),
            Self::Window(_) => String::new(),
        }
    }
}

fn chosen(given: Option<&Path>, name: &str) -> Result<PathBuf> {
    match (given, name) {
        (Some(path), _) => Ok(path.to_owned()),
        (None, "answerbackctl") => agent::ctl(),
        (None, name) => program::find(name),
    }
}

fn open(app: &Path, laptop: &Laptop) -> Result<Running> {
    let mut command = Command::new(app);
    command.arg("--config").arg(laptop.config());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    laptop.open(&mut command)
}
