//! An agent between a mailbox and a backend: sends come in, events go out, each once.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what the tests share may panic like the tests"
)]

mod rig;

use answerback_agent::view::{BackendDraft, BackendState, OutboxState};
use answerback_reference_backend::{Config, Server};
use rig::backend::{Backend, ORG, delivered, watch_campaign};
use rig::{PASSWORD, Rig, eventually, overview, replies, watching};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_stops_the_campaign_and_is_logged_once_in_that_order() {
    let rig = Rig::without_sends().await;
    let folder = tempfile::tempdir().unwrap();
    let (backend, agent) = watch_campaign(&rig, folder.path()).await;
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    delivered(&agent, 2).await;
    assert_eq!(backend.events().await, ["answerback.stop.v1", "answerback.log.v1"]);
    assert!(
        agent.outbox(10).await.unwrap().iter().all(|e| e.state == OutboxState::Delivered && e.attempts == 1)
    );
    let coverage = eventually("coverage is reported", async || {
        backend.handle.store().coverage(ORG).await.unwrap().pop()
    })
    .await;
    assert_eq!(coverage.address, "rep@sales.example");
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_read_before_its_send_was_known_is_found_all_the_same() {
    let rig = Rig::without_sends().await;
    let folder = tempfile::tempdir().unwrap();
    let backend = Backend::start(folder.path()).await;
    let agent = rig.start().await;
    agent.connect_backend(backend.draft()).await.unwrap();
    agent.add_mailbox(rig.draft(PASSWORD)).await.unwrap();
    watching(&agent).await;
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    eventually("the answer was read", async || (rig::account(&agent).await.messages_seen >= 1).then_some(()))
        .await;
    assert_eq!(overview(&agent).await.latest.len(), 0);
    backend.add(rig.campaign.sends()).await;
    assert_eq!(replies(&agent, 1).await[0].kind, "reply");
    delivered(&agent, 2).await;
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_decided_while_the_backend_is_away_is_delivered_when_it_is_back() {
    let rig = Rig::new().await;
    let folder = tempfile::tempdir().unwrap();
    let (backend, agent) = watch_campaign(&rig, folder.path()).await;
    let address = backend.handle.url().trim_start_matches("http://").parse().unwrap();
    backend.handle.shutdown().await;
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    replies(&agent, 1).await;
    let problem = eventually("the window says that the backend is away", async || {
        let backend = overview(&agent).await.backend;
        (backend.state == BackendState::Offline).then_some(backend.problem).flatten()
    })
    .await;
    assert_eq!(problem.code, "backend_down");
    let database = format!("sqlite:{}", folder.path().join("backend.db").display());
    let handle = Server::start(Config { listen: address, ..Config::local(database) }).await.unwrap();
    agent.try_again();
    delivered(&agent, 2).await;
    let backend = Backend { handle, token: backend.token };
    assert_eq!(backend.events().await.len(), 2);
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reinstalled_laptop_repeats_nothing() {
    let rig = Rig::without_sends().await;
    let folder = tempfile::tempdir().unwrap();
    let backend = Backend::start(folder.path()).await;
    backend.add(rig.campaign.sends()).await;
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    for _ in 0..2 {
        let agent = rig.start().await;
        agent.connect_backend(backend.draft()).await.unwrap();
        agent.add_mailbox(rig.draft(PASSWORD)).await.unwrap();
        delivered(&agent, 2).await;
        agent.shutdown().await;
        drop(agent);
        rig.reinstall();
    }
    assert_eq!(backend.events().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_is_said_and_events_wait_for_a_new_one() {
    let rig = Rig::new().await;
    let folder = tempfile::tempdir().unwrap();
    let backend = Backend::start(folder.path()).await;
    backend.add(rig.campaign.sends()).await;
    backend.handle.store().revoke_token(&backend.token).await.unwrap();
    let agent = rig.start().await;
    agent.connect_backend(backend.draft()).await.unwrap();
    agent.add_mailbox(rig.draft(PASSWORD)).await.unwrap();
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    replies(&agent, 1).await;
    let problem = eventually("the rep is asked", async || {
        let backend = overview(&agent).await.backend;
        (backend.state == BackendState::NeedsAttention).then_some(backend.problem).flatten()
    })
    .await;
    assert_eq!(problem.code, "bad_token");
    assert!(!format!("{problem:?}").contains(backend.token.expose()));
    let token = backend.handle.store().issue_token(ORG, Some("rep@sales.example")).await.unwrap();
    agent
        .connect_backend(BackendDraft { url: backend.handle.url(), token: token.expose().to_owned() })
        .await
        .unwrap();
    delivered(&agent, 2).await;
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verdict_that_is_taken_back_starts_the_campaign_again() {
    let rig = Rig::without_sends().await;
    let folder = tempfile::tempdir().unwrap();
    let backend = Backend::start(folder.path()).await;
    backend.add(rig.campaign.sends()).await;
    let agent = rig.start().await;
    agent.connect_backend(backend.draft()).await.unwrap();
    agent.add_mailbox(rig.draft(PASSWORD)).await.unwrap();
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    let id = replies(&agent, 1).await[0].id;
    agent.retract(id.into()).await.unwrap();
    delivered(&agent, 3).await;
    let enrolments = backend.handle.store().enrolments(ORG).await.unwrap();
    assert!(enrolments.iter().all(|e| e.state.name() == "active"), "{enrolments:?}");
    agent.shutdown().await;
}
