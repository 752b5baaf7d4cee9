//! Salesforce in the backend's place.

use std::net::TcpListener;

use answerback_agent::Agent;
use answerback_agent::view::SalesforceDraft;
use answerback_testkit::identity_provider::browse;
use answerback_testkit::salesforce::{DESKTOP_CLIENT_ID, Options, Simulator, Story};

use super::{PASSWORD, Rig, eventually, watching};

/// An organisation with the story's people and emails.
pub struct Salesforce {
    pub simulator: Simulator,
    pub story: Story,
}

impl Salesforce {
    pub async fn start(rig: &Rig, options: Options) -> Self {
        let simulator = Simulator::start(options).await.unwrap();
        let story = Story::seed(&simulator, &rig.campaign).unwrap();
        Self { simulator, story }
    }

    pub fn draft(&self) -> SalesforceDraft {
        SalesforceDraft { url: self.simulator.url().to_owned(), client_id: DESKTOP_CLIENT_ID.into() }
    }

    /// Signs in as the rep does.
    pub async fn connect(&self, agent: &Agent) {
        // Salesforce compares the port, and other tests sign in at the same time.
        eventually("a port is free", async || {
            (27171..27174).any(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()).then_some(())
        })
        .await;
        let begun = agent.begin_salesforce(self.draft()).await.unwrap();
        let (finished, page) = tokio::join!(agent.finish_salesforce(begun.id), browse(&begun.url));
        page.unwrap();
        finished.unwrap();
    }

    /// An agent that is connected and watches the rep's mailbox.
    pub async fn watch(&self, rig: &Rig) -> Agent {
        let agent = rig.start().await;
        self.connect(&agent).await;
        agent.add_mailbox(rig.draft(PASSWORD)).await.unwrap();
        watching(&agent).await;
        eventually("the sends are known", async || {
            (agent.overview().await.unwrap().tracked_sends == 4).then_some(())
        })
        .await;
        agent
    }
}
