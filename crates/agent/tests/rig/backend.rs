//! The reference backend beside the agent.

use answerback_agent::Agent;
use answerback_agent::view::BackendDraft;
use answerback_backend::Token;
use answerback_reference_backend::store::sends::IncomingSend;
use answerback_reference_backend::{Config, Handle, Server};
use answerback_reply::TrackedSend;
use serde_json::Value;

use super::{PASSWORD, Rig, eventually, overview, watching};

pub const ORG: &str = "encom";

/// A backend in this process, and a token for the laptop of the rep.
pub struct Backend {
    pub handle: Handle,
    pub token: Token,
}

impl Backend {
    pub async fn start(folder: &std::path::Path) -> Self {
        let database = format!("sqlite:{}", folder.join("backend.db").display());
        let handle = Server::start(Config::local(database)).await.unwrap();
        let token = handle.store().issue_token(ORG, Some("rep@sales.example")).await.unwrap();
        Self { handle, token }
    }

    pub fn draft(&self) -> BackendDraft {
        BackendDraft { url: self.handle.url(), token: self.token.expose().to_owned() }
    }

    pub async fn add(&self, sends: Vec<TrackedSend>) {
        let sends: Vec<_> =
            sends.into_iter().map(|send| IncomingSend { rep: None, send }.check().unwrap()).collect();
        self.handle.store().upsert_sends(ORG, &sends).await.unwrap();
    }

    /// The types of the events that it has, coverage left out.
    pub async fn events(&self) -> Vec<String> {
        let page = self.handle.store().events(ORG, 0, 1000).await.unwrap();
        let types = page.events.iter().map(|body| {
            let event: Value = serde_json::from_str(body.get()).unwrap();
            event["type"].as_str().unwrap().to_owned()
        });
        types.filter(|t| t != "answerback.coverage.v1").collect()
    }
}

/// A backend with the campaign's sends, and an agent that is connected to it and watches the rep's mailbox.
pub async fn watch_campaign(rig: &Rig, folder: &std::path::Path) -> (Backend, Agent) {
    let backend = Backend::start(folder).await;
    backend.add(rig.campaign.sends()).await;
    let agent = rig.start().await;
    agent.connect_backend(backend.draft()).await.unwrap();
    agent.add_mailbox(rig.draft(PASSWORD)).await.unwrap();
    watching(&agent).await;
    (backend, agent)
}

/// Waits until this many events are delivered and none waits.
pub async fn delivered(agent: &Agent, n: u32) {
    eventually(&format!("{n} events are delivered"), async || {
        let backend = overview(agent).await.backend;
        (backend.delivered >= n && backend.waiting == 0).then_some(())
    })
    .await;
}
