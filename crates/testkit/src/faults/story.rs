//! Plays a plot on real parts and checks what must hold whatever happened.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use answerback_reply::send::{Campaign, Prospect};
use answerback_reply::{MessageId, TrackedSend};
use anyhow::{Context as _, Result, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use serde_json::Value;

use super::disk::SmallDisk;
use super::plot::{Act, Fault, Place, Plot};
use crate::agent::{Agent, Laptop, MailAccess};
use crate::backend::Backend;
use crate::bad_network::{Proxy, Trouble};
use crate::mail::Mail;
use crate::mail_server::MailServer;
use crate::personas::{Person, REP};
use crate::postgres::Postgres;
use crate::program;

/// When everything works again, the last reply must be at the backend within this time.
const LIMIT: Duration = Duration::from_secs(150);
const PROSPECT: Person = Person { name: "Kevin Flynn", address: "flynn@flynnsarcade.com" };

/// What a story came to.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Faults, by name.
    pub faults: BTreeMap<&'static str, u64>,
    /// Replies that arrived.
    pub replies: u64,
    /// Coverage reports, each of which was checked.
    pub coverage: u64,
}

/// A proxy, and what happens to its next connections.
struct Way {
    proxy: Proxy,
    next: Arc<Mutex<VecDeque<Trouble>>>,
}

impl Way {
    async fn to(port: u16) -> Result<Self> {
        let (proxy, next) = (Proxy::start(port).await?, Arc::<Mutex<VecDeque<Trouble>>>::default());
        let queue = Arc::clone(&next);
        proxy.plan(move |_| {
            queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front().into_iter().collect()
        });
        Ok(Self { proxy, next })
    }

    fn spoil(&self, trouble: Trouble) {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).push_back(trouble);
        self.proxy.cut();
    }

    fn heal(&self) {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.proxy.cut();
    }
}

/// Everything of a story. Parts stop in the order of the fields.
struct Stage {
    agent: Option<Agent>,
    mail_way: Way,
    backend_way: Way,
    backend: Backend,
    postgres: Option<Postgres>,
    mail: MailServer,
    laptop: Laptop,
    disk: Option<SmallDisk>,
    /// Each reply with the moment at which the server had it.
    delivered: Vec<(String, Timestamp)>,
    /// The agent may end by itself: it was started without space.
    may_end: bool,
    /// How many lines of the agent's were looked at, and how many coverage reports were among all agents' lines.
    heard: usize,
    claims: u64,
    now: Timestamp,
    _folder: tempfile::TempDir,
}

/// Plays it.
///
/// # Errors
/// What must hold did not, or a part failed; the story is in the error.
pub async fn play(plot: &Plot) -> Result<Told> {
    let mut told = Told::default();
    let outcome = async {
        let mut stage = Stage::set(plot).await?;
        let outcome = stage.play(plot, &mut told).await;
        outcome.with_context(|| stage.said())
    };
    outcome.await.with_context(|| plot.to_string())?;
    Ok(told)
}

impl Stage {
    async fn set(plot: &Plot) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("answerback-faults-").tempdir()?;
        let mail = if plot.dovecot { MailServer::dovecot().await? } else { MailServer::embedded().await? };
        let postgres = if plot.postgres { Some(Postgres::start()?) } else { None };
        let program = program::find("answerback-backend")?;
        let backend = match &postgres {
            Some(postgres) => Backend::start_on(&program, &postgres.url())?,
            None => Backend::start(&program, folder.path())?,
        };
        let now = Timestamp::now();
        let sends = (0..plot.replies()).map(|n| send(n, now)).collect::<Vec<_>>();
        backend.import(&sends)?;
        let doors = mail.imap().context("The mail server has no IMAP")?;
        let mail_way = Way::to(if plot.tls { doors.tls } else { doors.plain }).await?;
        let backend_way = Way::to(backend.port()).await?;
        let access = MailAccess::Imap {
            port: mail_way.proxy.port(),
            security: if plot.tls { "tls" } else { "none" },
            ca_file: doors.ca_file,
        };
        let url = format!("http://127.0.0.1:{}", backend_way.proxy.port());
        let laptop = Laptop::with_access(folder.path(), access, &url, &backend.laptop_token()?)?;
        let disk = if plot.small_disk { Some(SmallDisk::mount(&laptop.data())?) } else { None };
        Ok(Self {
            agent: None,
            mail_way,
            backend_way,
            backend,
            postgres,
            mail,
            laptop,
            disk,
            delivered: Vec::new(),
            may_end: false,
            heard: 0,
            claims: 0,
            now,
            _folder: folder,
        })
    }

    async fn play(&mut self, plot: &Plot, told: &mut Told) -> Result<()> {
        self.start_agent()?;
        for act in &plot.acts {
            match act {
                Act::Deliver(n, place) => {
                    self.deliver(*n, folder(*place)).await?;
                    self.delivered.push((message_id(*n), Timestamp::now()));
                    told.replies += 1;
                }
                Act::Copy(n) => self.deliver(*n, "Archive").await?,
                Act::Wait(time) => tokio::time::sleep(Duration::from_millis(*time)).await,
                Act::Fault(fault) => {
                    self.cause(fault).await.with_context(|| format!("While causing {fault:?}"))?;
                    *told.faults.entry(fault.name()).or_default() += 1;
                }
            }
            self.agent_is_well()?;
            self.check_coverage().await?;
        }
        self.mail_way.heal();
        self.backend_way.heal();
        self.may_end = false;
        // Starting anew is what a wait for the next attempt would come to as well, only sooner.
        self.restart_agent().await?;
        let deadline = Instant::now() + LIMIT;
        while !self.all_logged().await? {
            ensure!(Instant::now() < deadline, "A reply was lost");
            self.agent_is_well()?;
            self.check_coverage().await?;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        // What would come twice comes when everything is read again from the beginning.
        self.check_coverage().await?;
        self.end_agent();
        self.laptop.forget_store()?;
        self.start_agent()?;
        let agent = self.agent.as_mut().context("No agent runs")?;
        agent.hear_event(LIMIT, "coverage").await?;
        self.check_coverage().await?;
        told.coverage = self.claims;
        check(&self.events().await?, &self.delivered)
    }

    /// Coverage that the backend was told must be true: what had been received by then is at the backend already.
    async fn check_coverage(&mut self) -> Result<()> {
        let said = self.agent.as_ref().map(Agent::said).unwrap_or_default();
        let new = said.get(self.heard..).unwrap_or_default();
        let claimed = new.iter().filter(|line| text(line, "event") == "coverage");
        let claimed = claimed.filter_map(|line| text(line, "checked_up_to").parse::<Timestamp>().ok());
        let claimed = claimed.collect::<Vec<_>>();
        self.heard = said.len();
        self.claims += claimed.len() as u64;
        let Some(newest) = claimed.into_iter().max() else { return Ok(()) };
        let events = self.events().await?;
        for (id, at) in self.delivered.iter().filter(|(_, at)| *at <= newest) {
            let told = events.iter().any(|event| logged_id(event) == Some(id));
            ensure!(told, "Coverage up to {newest} was claimed without {id}, received {at}");
        }
        Ok(())
    }

    /// The backend's events. It may need a moment after a crash of its database.
    async fn events(&self) -> Result<Vec<Value>> {
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

    /// `kill -9`, and a new start.
    async fn restart_agent(&mut self) -> Result<()> {
        self.check_coverage().await?;
        self.start_agent()
    }

    fn start_agent(&mut self) -> Result<()> {
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

    fn agent_is_well(&mut self) -> Result<()> {
        match self.agent.as_mut().and_then(Agent::ended) {
            // It may refuse to start without space, and says so; it may not crash.
            Some(status) if self.may_end && status.code() == Some(3) => self.start_agent(),
            Some(status) => bail!("The agent ended by itself: {status}"),
            None => Ok(()),
        }
    }

    async fn deliver(&self, n: usize, folder: &str) -> Result<()> {
        let raw = reply(n, self.now);
        self.mail.deliver(folder, &raw).await
    }

    async fn cause(&mut self, fault: &Fault) -> Result<()> {
        let wait = |time: u64| tokio::time::sleep(Duration::from_millis(time));
        match fault {
            Fault::Mail(trouble) => self.mail_way.spoil(trouble.clone()),
            Fault::Backend(trouble) => self.backend_way.spoil(trouble.clone()),
            Fault::Renumber => {
                if let MailServer::Embedded { account, .. } = &self.mail {
                    account.renumber("INBOX");
                }
            }
            Fault::KillAgent => self.restart_agent().await?,
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
        }
        Ok(())
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

    async fn all_logged(&self) -> Result<bool> {
        let events = self.events().await?;
        Ok(self.delivered.iter().all(|(id, _)| events.iter().any(|event| logged_id(event) == Some(id))))
    }

    /// What the agent logged last, for a failure to show.
    fn said(&self) -> String {
        let log = std::fs::read_to_string(self.laptop.log_file()).unwrap_or_default();
        let lines = log.lines().collect::<Vec<_>>();
        lines.get(lines.len().saturating_sub(60)..).unwrap_or_default().join("\n")
    }
}

/// Each reply gave one stop and one log, and nothing is there twice.
fn check(events: &[Value], delivered: &[(String, Timestamp)]) -> Result<()> {
    let mut ids = BTreeMap::<&str, u32>::new();
    for event in events {
        *ids.entry(text(event, "id")).or_default() += 1;
    }
    if let Some((id, _)) = ids.iter().find(|(_, count)| **count > 1) {
        bail!("Event {id} is there twice");
    }
    for (n, (id, _)) in delivered.iter().enumerate() {
        let logs = events.iter().filter(|event| logged_id(event) == Some(id)).count();
        let stop = |event: &&Value| {
            text(event, "type").starts_with("answerback.stop.") && text(event, "subject") == send_id(n)
        };
        let stops = events.iter().filter(stop).count();
        ensure!(logs == 1 && stops == 1, "{id} gave {logs} logs and {stops} stops");
    }
    Ok(())
}

fn logged_id(event: &Value) -> Option<&str> {
    let id = event.get("data")?.get("reply")?.get("message_id")?.as_str()?;
    Some(id.trim_matches(['<', '>']))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn folder(place: Place) -> &'static str {
    match place {
        Place::Inbox => "INBOX",
        Place::Spam => "Junk",
        Place::Filed => "Prospects",
    }
}

fn send_id(n: usize) -> String {
    format!("snd_{n}")
}

fn message_id(n: usize) -> String {
    format!("reply-{n}@flynnsarcade.com")
}

fn sent_message_id(n: usize) -> String {
    format!("send-{n}@sales.example")
}

fn ago(now: Timestamp, hours: i64) -> Timestamp {
    now - SignedDuration::from_hours(hours)
}

/// Each reply has a send, a campaign and a prospect of its own.
fn send(n: usize, now: Timestamp) -> TrackedSend {
    TrackedSend {
        id: send_id(n),
        message_ids: MessageId::new(&sent_message_id(n)).into_iter().collect(),
        marker: None,
        from: Some(REP.address.to_owned()),
        to: vec![PROSPECT.address.to_owned()],
        cc: Vec::new(),
        bcc: Vec::new(),
        subject: Some(format!("Space Paranoids {n}")),
        sent_at: ago(now, 48),
        track_until: Some(now + SignedDuration::from_hours(24 * 30)),
        campaign: Some(Campaign { id: format!("cmp_{n}"), name: None, step: Some(1) }),
        prospect: Some(Prospect {
            id: format!("p_{n}"),
            email: Some(PROSPECT.address.to_owned()),
            name: None,
        }),
    }
}

fn reply(n: usize, now: Timestamp) -> Vec<u8> {
    Mail::new(&PROSPECT, &message_id(n), now)
        .received(Some(PROSPECT.address), "mail.flynnsarcade.com", now)
        .to(&[&REP])
        .subject(&format!("Re: Space Paranoids {n}"))
        .answering(&[&sent_message_id(n)])
        .text("Yes, please come by on Thursday.\n\nKevin\n")
        .build()
}

/// Where the programs of a story are, to say early that one was not built.
///
/// # Errors
/// One is missing.
pub fn programs() -> Result<[PathBuf; 2]> {
    Ok([crate::agent::ctl()?, program::find("answerback-backend")?])
}
