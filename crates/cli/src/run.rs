//! `run`: the agent without a window.

use std::io::{self, Write};
use std::time::Duration;

use answerback_agent::{Agent, AgentEvent, Config};
use answerback_keychain::Keychain;
use anyhow::{Context, anyhow};
use tokio::runtime::Builder;
use tokio::sync::{broadcast, mpsc};

use crate::args::{Configured, Output};
use crate::line::{name, printable};
use crate::outcome::Outcome;

/// Shutting down is done when the agent says so, and given up after this: an exit takes five seconds at most.
const SHUTDOWN: Duration = Duration::from_secs(4);

/// What may still block then, such as a keychain that waits for somebody, is left behind.
const LEAVE_BEHIND: Duration = Duration::from_millis(200);

/// Events that are printed at once, when so many came: a first scan gives thousands in a second.
const BURST: usize = 256;

/// Runs `run`.
///
/// # Errors
/// The configuration is wrong, or the agent can't start.
pub fn run(args: &Configured) -> anyhow::Result<Outcome> {
    let config = Config::load(&args.config)?;
    // This thread prints, and waits for whoever reads; one other watches all mailboxes, which mostly wait. More would only
    // take more memory.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.context("The asynchronous runtime can't be started")?;
    let outcome = runtime.block_on(until_stopped(args, config));
    runtime.shutdown_timeout(LEAVE_BEHIND);
    outcome
}

async fn until_stopped(args: &Configured, config: Config) -> anyhow::Result<Outcome> {
    let mut stop = Stop::listen()?;
    let started = tokio::select! {
        started = Agent::start_observed(config, args.config.clone(), Keychain::system()) => started,
        () = stop.wait() => return Ok(Outcome::Done),
    };
    let (agent, events) = started.map_err(|problem| anyhow!("{} {}", problem.summary, problem.remedy))?;
    let mut events = unbounded(events);
    let mut burst = Vec::new();
    loop {
        tokio::select! {
            count = events.recv_many(&mut burst, BURST) => {
                if count == 0 || print(burst.drain(..), args.output).is_err() {
                    break;
                }
            }
            () = stop.wait() => break,
        }
    }
    if tokio::time::timeout(SHUTDOWN, agent.shutdown()).await.is_err() {
        tracing::warn!("The agent did not stop in time; what it had decided is on disk.");
    }
    // What was delivered while it stopped.
    let rest = std::iter::from_fn(|| events.try_recv().ok());
    // Nobody may be reading any more.
    let _ = print(rest, args.output);
    Ok(Outcome::Done)
}

/// Takes events as fast as they come, so that none is lost to a slow reader of standard output.
fn unbounded(mut events: broadcast::Receiver<AgentEvent>) -> mpsc::UnboundedReceiver<AgentEvent> {
    let (send, receive) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            match events.recv().await {
                Ok(event) => {
                    if send.send(event).is_err() {
                        break;
                    }
                }
                Err(broadcast::error::RecvError::Lagged(lost)) => {
                    tracing::warn!(lost, "Events came faster than they could be printed.");
                }
                Err(broadcast::error::RecvError::Closed) => break,
            }
        }
    });
    receive
}

/// Fails where nobody reads any more.
fn print(events: impl Iterator<Item = AgentEvent>, output: Output) -> io::Result<()> {
    let mut lines = String::new();
    for event in events {
        if output.json {
            lines.push_str(&serde_json::to_string(&event)?);
        } else {
            lines.extend(sentence(&event).chars().map(printable));
        }
        lines.push('\n');
    }
    let mut out = io::stdout().lock();
    out.write_all(lines.as_bytes())?;
    out.flush()
}

/// An event for a person.
fn sentence(event: &AgentEvent) -> String {
    match event {
        AgentEvent::Connected { account, folders, security } => {
            let folders = folders.map(|folders| format!(", {folders} folders watched")).unwrap_or_default();
            let security = security.as_ref().map(|security| format!(" by {security}")).unwrap_or_default();
            format!("{account}: connected{security}{folders}")
        }
        AgentEvent::Scanned { account, folder, messages, seconds } => {
            format!("{account}: {folder} read, {messages} messages in {seconds:.1} s")
        }
        AgentEvent::Verdict { account, path, verdict, .. } => {
            let from = verdict.from.as_deref().unwrap_or("somebody unknown");
            let send = verdict.send_id.as_deref().unwrap_or("no send");
            let why = verdict.evidence.first();
            let why =
                why.map(|why| format!(" because of {} {}", name(&why.rung), why.value)).unwrap_or_default();
            let actions: Vec<String> = verdict.actions.iter().map(name).collect();
            let actions = if actions.is_empty() { "nothing".to_owned() } else { actions.join(", ") };
            format!("{account}: {} from {from} in {path} answers {send}{why}: {actions}", name(&verdict.kind))
        }
        AgentEvent::Pushed { event_type, send_id, status, reason, .. } => {
            let reason = reason.as_ref().map(|reason| format!(", {reason}")).unwrap_or_default();
            format!("backend: {event_type} for {send_id} {status}{reason}")
        }
        AgentEvent::Coverage { account, checked_up_to, folders } => {
            format!("{account}: checked up to {checked_up_to}, {folders} folders")
        }
        AgentEvent::Problem { account, problem } => {
            format!("{account}: {} {}", problem.summary, problem.remedy)
        }
    }
}

/// Ctrl-C, or the system asking the program to end.
struct Stop {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    #[cfg(unix)]
    fn listen() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).context("Signals can't be listened for");
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    #[cfg(unix)]
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn wait(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
