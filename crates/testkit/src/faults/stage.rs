//! The parts of a story, and what can happen to them.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use serde_json::Value;

use super::disk::SmallDisk;
use super::fault::Fault;
use super::mailbox::StoryMailbox;
use super::plot::Plot;
use super::replies::{send, text};
use super::way::Way;
use crate::agent::{Agent, Laptop};
use crate::backend::Backend;
use crate::postgres::Postgres;
use crate::program;

/// Everything of a story. Parts stop in the order of the fields.
pub(super) struct Stage {
    agent: Option<Agent>,
    pub(super) mailbox: StoryMailbox,
    backend_way: Way,
    backend: Backend,
    postgres: Option<Postgres>,
    laptop: Laptop,
    disk: Option<SmallDisk>,
    /// The agent may end by itself: it was started without space.
    may_end: bool,
    /// How many lines of the agent's were looked at.
    heard: usize,
    /// When everything began.
    pub(super) now: Timestamp,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// Everything but the agent.
    pub(super) async fn set(plot: &Plot) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("answerback-faults-").tempdir()?;
        let mailbox = StoryMailbox::start(plot, folder.path()).await?;
        let postgres = if plot.postgres { Some(Postgres::start()?) } else { None };
        let program = program::find("answerback-backend")?;
        let backend = match &postgres {
            Some(postgres) => Backend::start_on(&program, &postgres.url())?,
            None => Backend::start(&program, folder.path())?,
        };
        let now = Timestamp::now();
        let sends = (0..plot.replies()).map(|n| send(n, now)).collect::<Vec<_>>();
        backend.import(&sends)?;
        let backend_way = Way::to(backend.port()).await?;
        let url = format!("http://127.0.0.1:{}", backend_way.port());
        let laptop = Laptop::with_access(folder.path(), mailbox.access()?, &url, &backend.laptop_token()?)?;
        let disk = if plot.small_disk { Some(SmallDisk::mount(&laptop.data())?) } else { None };
        Ok(Self {
            agent: None,
            mailbox,
            backend_way,
            backend,
            postgres,
            laptop,
            disk,
            may_end: false,
            heard: 0,
            now,
            _folder: folder,
        })
    }

    /// Starts the agent; one that runs is killed first.
    pub(super) fn start_agent(&mut self) -> Result<()> {
        self.end_agent();
        // Without this, a write beyond a limit ends the program by SIGXFSZ.
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(crate::agent::ctl()?);
        self.agent = Some(self.laptop.run_by(shell)?);
        self.heard = 0;
        Ok(())
    }

    fn end_agent(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.crash();
        }
    }

    /// Kills the agent, takes all that it knows, and starts it again.
    pub(super) fn start_agent_anew(&mut self) -> Result<()> {
        self.end_agent();
        self.laptop.forget_store()?;
        self.start_agent()
    }

    /// The running agent.
    pub(super) fn agent(&mut self) -> Result<&mut Agent> {
        self.agent.as_mut().context("No agent runs")
    }

    /// It must run; where it was started without space it may have refused to, and is started again.
    pub(super) fn agent_is_well(&mut self) -> Result<()> {
        match self.agent.as_mut().and_then(Agent::ended) {
            // It may refuse to start without space, and says so; it may not crash.
            Some(status) if self.may_end && status.code() == Some(3) => self.start_agent(),
            Some(status) => bail!("The agent ended by itself: {status}"),
            None => Ok(()),
        }
    }

    /// The times up to which it has claimed coverage since it was asked last.
    pub(super) fn new_claims(&mut self) -> Vec<Timestamp> {
        let said = self.agent.as_ref().map(Agent::said).unwrap_or_default();
        let new = said.get(self.heard..).unwrap_or_default();
        let claimed = new.iter().filter(|line| text(line, "event") == "coverage");
        let claimed = claimed.filter_map(|line| text(line, "checked_up_to").parse().ok()).collect();
        self.heard = said.len();
        claimed
    }

    /// The backend's events. It may need a moment after a crash of its database.
    pub(super) async fn events(&self) -> Result<Vec<Value>> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match self.backend.events().await {
                Err(error) if Instant::now() < deadline => {
                    tracing::debug!("The backend does not answer yet: {error:#}.");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Lets something go wrong. Killing the agent is not among it.
    pub(super) async fn cause(&mut self, fault: &Fault) -> Result<()> {
        let wait = |time: u64| tokio::time::sleep(Duration::from_millis(time));
        match fault {
            Fault::Mail(trouble) => self.mailbox.spoil(trouble.clone()),
            Fault::Backend(trouble) => self.backend_way.spoil(trouble.clone()),
            Fault::KillAgent => self.start_agent()?,
            Fault::FreezeAgent(time) => {
                self.signal(Signal::STOP);
                wait(*time).await;
                self.signal(Signal::CONT);
            }
            Fault::KillBackend(time) => {
                self.backend.crash();
                wait(*time).await;
                self.backend.resume()?;
            }
            Fault::FreezeBackend(time) => {
                self.backend.freeze();
                wait(*time).await;
                self.backend.thaw();
            }
            Fault::KillDatabase => {
                if let Some(postgres) = &mut self.postgres {
                    postgres.crash();
                    postgres.resume()?;
                }
            }
            Fault::FullDisk(time) => {
                self.may_end = true;
                if let Some(disk) = &self.disk {
                    disk.fill()?;
                    wait(*time).await;
                    disk.free()?;
                }
            }
            Fault::NoGrowth(time) => {
                self.may_end = true;
                self.limit_files(Some(0))?;
                wait(*time).await;
                self.limit_files(None)?;
            }
            of_mailbox => self.mailbox.cause(of_mailbox).await?,
        }
        Ok(())
    }

    /// Nothing goes wrong any more. Gives the number of faults that waited in vain.
    pub(super) fn heal(&mut self) -> usize {
        self.may_end = false;
        self.mailbox.heal() + self.backend_way.heal()
    }

    fn signal(&mut self, signal: Signal) {
        if let Some(agent) = &mut self.agent {
            agent.process().signal(signal);
        }
    }

    fn limit_files(&mut self, limit: Option<u64>) -> Result<()> {
        let Some(agent) = &mut self.agent else { return Ok(()) };
        if agent.ended().is_some() {
            return Ok(());
        }
        let process = i32::try_from(agent.process().id()).ok().and_then(Pid::from_raw);
        prlimit(process, Resource::Fsize, Rlimit { current: limit, maximum: None })?;
        Ok(())
    }

    /// What the agent logged last, for a failure to show.
    pub(super) fn log(&self) -> String {
        let log = std::fs::read_to_string(self.laptop.log_file()).unwrap_or_default();
        let lines = log.lines().collect::<Vec<_>>();
        lines.get(lines.len().saturating_sub(60)..).unwrap_or_default().join("\n")
    }
}

/// Where the programs of a story are, to say early that one was not built.
///
/// # Errors
/// One is missing.
pub(super) fn programs() -> Result<[PathBuf; 2]> {
    Ok([crate::agent::ctl()?, program::find("answerback-backend")?])
}
