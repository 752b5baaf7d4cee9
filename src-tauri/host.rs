//! The agent inside the app: it may still be starting, or have failed to start.

use std::path::PathBuf;

use answerback_agent::{Agent, view::Problem};
use tauri::{AppHandle, Manager, Runtime};
use tokio::sync::watch;

use crate::changes;

/// Holds the agent from the moment it runs.
pub struct Host {
    config: PathBuf,
    state: watch::Sender<State>,
}

#[derive(Clone)]
enum State {
    Starting,
    Running(Agent),
    Failed(Problem),
}

impl Host {
    /// A host whose agent will run on this configuration file.
    pub fn new(config: PathBuf) -> Self {
        Self { config, state: watch::Sender::new(State::Starting) }
    }

    /// The agent, as soon as it runs.
    ///
    /// # Errors
    /// Why it could not start.
    pub async fn agent(&self) -> Result<Agent, Problem> {
        let mut state = self.state.subscribe();
        loop {
            match &*state.borrow_and_update() {
                State::Running(agent) => return Ok(agent.clone()),
                State::Failed(problem) => return Err(problem.clone()),
                State::Starting => {}
            }
            if state.changed().await.is_err() {
                // The sender lives as long as `self`; this future then is not polled any more.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Whether the agent runs and is in the middle of nothing that its end would undo.
    #[cfg(target_os = "linux")]
    pub async fn is_at_rest(&self) -> bool {
        let agent = match &*self.state.borrow() {
            State::Running(agent) => agent.clone(),
            State::Starting | State::Failed(_) => return false,
        };
        agent.is_at_rest().await
    }

    /// Ends the agent if it runs.
    pub async fn stop(&self) {
        let agent = match &*self.state.borrow() {
            State::Running(agent) => agent.clone(),
            State::Starting | State::Failed(_) => return,
        };
        agent.shutdown().await;
    }

    /// It was ended and may start again.
    fn ended(&self) {
        self.state.send_replace(State::Starting);
    }

    fn begin(&self) -> bool {
        self.state.send_if_modified(|state| {
            let failed = matches!(state, State::Failed(_));
            if failed {
                *state = State::Starting;
            }
            failed
        })
    }
}

/// Starts the agent in the background.
pub fn start<R: Runtime>(app: &AppHandle<R>) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let host = app.state::<Host>();
        match Agent::start(host.config.clone()).await {
            Ok(agent) => {
                changes::follow(&app, &agent);
                host.state.send_replace(State::Running(agent));
            }
            Err(problem) => {
                tracing::error!(code = problem.code, "The agent could not start: {}", problem.summary);
                host.state.send_replace(State::Failed(problem));
                changes::startup_failed(&app);
            }
        }
    });
}

/// Starts the agent again after it was ended.
pub fn resume<R: Runtime>(app: &AppHandle<R>) {
    app.state::<Host>().ended();
    start(app);
}

/// Starts the agent again after it failed; nothing happens while it runs or is starting.
pub fn retry<R: Runtime>(app: &AppHandle<R>) {
    if app.state::<Host>().begin() {
        start(app);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem() -> Problem {
        Problem {
            code: "disk_full".into(),
            summary: "Full.".into(),
            remedy: "Free some.".into(),
            about: String::new(),
            client: None,
        }
    }

    #[tokio::test]
    async fn a_failed_start_is_told_to_everyone_who_asks() {
        let host = Host::new("config.toml".into());
        let waiting = host.agent();
        host.state.send_replace(State::Failed(problem()));
        assert_eq!(waiting.await.unwrap_err().code, "disk_full");
        assert_eq!(host.agent().await.unwrap_err().code, "disk_full");
    }

    #[test]
    fn only_a_failed_start_begins_again() {
        let host = Host::new("config.toml".into());
        assert!(!host.begin());
        host.state.send_replace(State::Failed(problem()));
        assert!(host.begin());
        assert!(!host.begin());
    }
}
