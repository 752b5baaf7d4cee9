//! The agent as its own process: `answerbackctl run --json`, and what it says.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde_json::Value;

use crate::mail_server::{MailServer, PASSWORD};
use crate::personas::REP;
use crate::process::Running;
use crate::program;

/// The environment variable that the configuration names for the mailbox's password.
pub const PASSWORD_VARIABLE: &str = "ANSWERBACK_DEMO_PASSWORD";
/// The environment variable that the configuration names for the backend's token.
pub const TOKEN_VARIABLE: &str = "ANSWERBACK_DEMO_TOKEN";

/// The agent ends within this time when it is asked to.
const GRACE: Duration = Duration::from_secs(5);

/// A laptop: a configuration file and a data folder, and the secrets that the rep knows.
#[derive(Clone, Debug)]
pub struct Laptop {
    folder: PathBuf,
    token: String,
    environment: Vec<(&'static str, OsString)>,
}

/// What the agent reports to.
#[derive(Clone, Copy, Debug)]
enum Destination<'a> {
    Backend { url: &'a str },
    Salesforce { url: &'a str, client_id: &'a str },
}

/// How the agent reaches the rep's mailbox on `localhost`.
#[derive(Clone, Debug)]
pub enum MailAccess {
    /// By IMAP.
    Imap {
        /// The port.
        port: u16,
        /// `tls`, `starttls` or `none`.
        security: &'static str,
        /// A PEM file with the root to trust.
        ca_file: PathBuf,
    },
    /// Through Microsoft Graph.
    Graph {
        /// Where it is.
        url: String,
        /// The access token is in this file. Else it is what opens every mailbox of ours.
        token_file: Option<PathBuf>,
    },
    /// Through Exchange Web Services.
    Ews {
        /// Where they are.
        url: String,
        /// A PEM file with the root to trust, where there is TLS.
        ca_file: Option<PathBuf>,
    },
    /// As these tables of a configuration say, `account` among them.
    Given(toml::Table),
}

impl Laptop {
    /// Sets a laptop up in `folder`, which must exist.
    ///
    /// # Errors
    /// When the configuration can't be written.
    pub fn new(folder: &Path, mail: &MailServer, backend_url: &str, token: &str) -> Result<Self> {
        Self::with_access(folder, mail.access()?, backend_url, token)
    }

    /// The same, with another way to the mailbox.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_access(folder: &Path, mail: MailAccess, backend_url: &str, token: &str) -> Result<Self> {
        Self::with_accounts(folder, &[REP.address], &mail, backend_url, token)
    }

    /// The same, with several mailboxes on one server.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_accounts(
        folder: &Path,
        addresses: &[&str],
        mail: &MailAccess,
        backend_url: &str,
        token: &str,
    ) -> Result<Self> {
        let laptop = Self { folder: folder.to_owned(), token: token.to_owned(), environment: Vec::new() };
        laptop.write_config(addresses, mail, Destination::Backend { url: backend_url })?;
        Ok(laptop)
    }

    /// A laptop without a backend, which reads and writes in Salesforce itself; its keychain is in this session.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_salesforce(
        folder: &Path,
        mail: &MailServer,
        url: &str,
        client_id: &str,
        environment: &[(&'static str, OsString)],
    ) -> Result<Self> {
        let laptop =
            Self { folder: folder.to_owned(), token: String::new(), environment: environment.to_owned() };
        laptop.write_config(&[REP.address], &mail.access()?, Destination::Salesforce { url, client_id })?;
        Ok(laptop)
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.join("config.toml")
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Forgets everything, as a new laptop does.
    ///
    /// # Errors
    /// When the data folder can't be removed.
    pub fn forget(&self) -> Result<()> {
        if self.data().exists() {
            std::fs::remove_dir_all(self.data()).context("Removing the data folder")?;
        }
        Ok(())
    }

    /// Forgets everything while the data folder itself stays: it may be a disk of its own.
    ///
    /// # Errors
    /// When a file can't be removed.
    pub fn forget_store(&self) -> Result<()> {
        for entry in std::fs::read_dir(self.data()).context("Reading the data folder")? {
            std::fs::remove_file(entry?.path()).context("Removing a file of the data folder")?;
        }
        Ok(())
    }

    /// Starts another program than the agent, such as the desktop app, on this laptop.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn open(&self, command: &mut Command) -> Result<Running> {
        self.equip(command);
        Running::start_with_folder(command, GRACE, Some(&self.folder))
    }

    /// Adds what the configuration names to a program's environment.
    pub fn equip(&self, command: &mut Command) {
        command.env(PASSWORD_VARIABLE, PASSWORD).env(TOKEN_VARIABLE, &self.token);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
    }

    /// Where the agent's log goes.
    pub fn log_file(&self) -> PathBuf {
        self.folder.join("agent.log")
    }

    /// Starts the agent.
    ///
    /// # Errors
    /// When the program can't be started.
    pub fn run(&self, ctl: &Path) -> Result<Agent> {
        self.run_by(Command::new(ctl))
    }

    /// Starts the agent by a command that takes its arguments, such as a shell that becomes it.
    ///
    /// # Errors
    /// When the program can't be started.
    pub fn run_by(&self, mut command: Command) -> Result<Agent> {
        let log = File::options().create(true).append(true).open(self.log_file())?;
        command.arg("run").arg("--config").arg(self.config()).arg("--json");
        self.equip(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let process = Running::start_with_folder(&mut command, GRACE, Some(&self.folder))?;
        Agent::new(process, self.log_file())
    }

    fn write_config(&self, addresses: &[&str], mail: &MailAccess, to: Destination<'_>) -> Result<()> {
        let account = |address| {
            let secret = Secret::Env(PASSWORD_VARIABLE);
            let mut account =
                AccountConfig { address, colleagues: ["sales.example"], imap: None, graph: None, ews: None };
            match mail {
                MailAccess::Graph { url, token_file } => {
                    let token = token_file.as_deref().map_or(secret, Secret::File);
                    account.graph = Some(GraphConfig { url, token });
                }
                MailAccess::Given(_) => {}
                MailAccess::Ews { url, ca_file } => {
                    let ca_file = ca_file.as_deref();
                    account.ews = Some(EwsConfig { url, password: secret, ca_file });
                }
                MailAccess::Imap { port, security, ca_file } => {
                    account.imap = Some(ImapConfig {
                        host: "localhost",
                        port: *port,
                        security,
                        username: address,
                        password: secret,
                        ca_file,
                    });
                }
            }
            account
        };
        let (backend, salesforce) = match to {
            Destination::Backend { url } => {
                (Some(BackendConfig { url, token: Secret::Env(TOKEN_VARIABLE) }), None)
            }
            Destination::Salesforce { url, client_id } => (None, Some(SalesforceConfig { url, client_id })),
        };
        let config = Config {
            data_dir: self.data(),
            backend,
            salesforce,
            account: addresses.iter().copied().map(account).collect(),
        };
        let mut config = toml::Table::try_from(&config).context("Writing the configuration")?;
        if let MailAccess::Given(given) = mail {
            config.extend(given.clone());
        }
        let text = toml::to_string(&config).context("Writing the configuration")?;
        std::fs::write(self.config(), text).context("Writing the configuration")
    }
}

#[derive(Serialize)]
struct Config<'a> {
    data_dir: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<BackendConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    salesforce: Option<SalesforceConfig<'a>>,
    account: Vec<AccountConfig<'a>>,
}

#[derive(Serialize)]
struct BackendConfig<'a> {
    url: &'a str,
    token: Secret<'a>,
}

#[derive(Serialize)]
struct SalesforceConfig<'a> {
    url: &'a str,
    client_id: &'a str,
}

#[derive(Serialize)]
struct AccountConfig<'a> {
    address: &'a str,
    colleagues: [&'a str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    imap: Option<ImapConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    graph: Option<GraphConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ews: Option<EwsConfig<'a>>,
}

#[derive(Serialize)]
struct EwsConfig<'a> {
    url: &'a str,
    password: Secret<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<&'a Path>,
}

#[derive(Serialize)]
struct GraphConfig<'a> {
    url: &'a str,
    token: Secret<'a>,
}

#[derive(Serialize)]
struct ImapConfig<'a> {
    host: &'a str,
    port: u16,
    security: &'a str,
    username: &'a str,
    password: Secret<'a>,
    ca_file: &'a Path,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Secret<'a> {
    Env(&'a str),
    File(&'a Path),
}

/// A running agent. It is stopped when this is dropped.
pub struct Agent {
    process: Running,
    lines: Lines,
    log: PathBuf,
}

/// What was said, and when.
type Lines = Arc<Mutex<Vec<(Instant, Value)>>>;

impl Agent {
    fn new(mut process: Running, log: PathBuf) -> Result<Self> {
        let stdout = process.child().stdout.take().context("The agent has no output")?;
        let lines = Lines::default();
        let kept = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                kept.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), value));
            }
        });
        Ok(Self { process, lines, log })
    }

    /// The process, for a test to do something to it.
    pub fn process(&mut self) -> &mut Running {
        &mut self.process
    }

    /// Everything that it has said, one JSON object a line; a line that is not JSON is a string here.
    pub fn said(&self) -> Vec<Value> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|(_, line)| line.clone()).collect()
    }

    /// The first line that `wanted` accepts, and when it was said.
    pub fn find(&self, mut wanted: impl FnMut(&Value) -> bool) -> Option<(Instant, Value)> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().find(|(_, line)| wanted(line)).cloned()
    }

    /// What it logged, for a failed test to show.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Whether it has ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.ended()
    }

    /// Waits until it says a line that `wanted` accepts.
    ///
    /// # Errors
    /// When it ends, or does not say it in time; what it said and logged is in the error.
    pub async fn hear(&mut self, limit: Duration, mut wanted: impl FnMut(&Value) -> bool) -> Result<Value> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some((_, line)) = self.find(&mut wanted) {
                return Ok(line);
            }
            let ended = self.ended();
            if ended.is_some() || Instant::now() > deadline {
                let said = self.said().iter().map(|line| format!("{line}\n")).collect::<String>();
                bail!(
                    "The agent did not say it (ended: {ended:?}). It said:\n{said}It logged:\n{}",
                    self.log()
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until it says an event of this name.
    ///
    /// # Errors
    /// As [`Self::hear`].
    pub async fn hear_event(&mut self, limit: Duration, event: &str) -> Result<Value> {
        self.hear(limit, |line| line.get("event").and_then(Value::as_str) == Some(event)).await
    }

    /// Ends it as a crash or a power cut does: `kill -9`.
    pub fn crash(mut self) {
        self.process.kill();
    }

    /// Ends it as the rep does, and says how it ended and how long that took; `None` when it had to be killed.
    pub fn stop(mut self) -> (Option<ExitStatus>, Duration) {
        let start = Instant::now();
        (self.process.stop(), start.elapsed())
    }
}

/// The path of `answerbackctl`.
///
/// # Errors
/// When it has not been built.
pub fn ctl() -> Result<PathBuf> {
    program::find("answerbackctl")
}
