//! An agent on a mailbox: what it finds, what it keeps, what it does when things go wrong.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what the tests share may panic like the tests"
)]

mod rig;

use answerback_agent::Agent;
use answerback_agent::view::{AccountState, CheckState, OverviewState, PauseFor, ServerDraft};
use answerback_testkit::imap::Fault;
use rig::{PASSWORD, Rig, account, eventually, overview, replies, watching};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_becomes_a_verdict_and_its_events_and_the_mailbox_is_untouched() {
    let rig = Rig::new().await;
    let agent = rig.start_watching().await;
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    let untouched = rig.mailbox.snapshot();
    let rows = replies(&agent, 1).await;
    assert_eq!(rows[0].kind, "reply");
    assert_eq!(rows[0].relation.as_deref(), Some("same_person_other_address"));
    assert_eq!(rows[0].actions, ["stop", "log"]);
    let detail = agent.reply(rows[0].id.into()).await.unwrap();
    assert_eq!(detail.events.iter().map(|e| e.event.as_str()).collect::<Vec<_>>(), ["stop", "log"]);
    assert_eq!(detail.evidence[0].rung, "in_reply_to");
    let overview = overview(&agent).await;
    assert_eq!((overview.today.replies, overview.today.stopped, overview.backend.waiting), (1, 1, 2));
    assert_eq!(rig.mailbox.snapshot(), untouched);
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_judges_nothing_twice_and_finds_what_came_meanwhile() {
    let rig = Rig::new().await;
    let agent = rig.start_watching().await;
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    replies(&agent, 1).await;
    agent.shutdown().await;
    drop(agent);
    rig.mailbox.deliver("Archive", &rig.campaign.alan_answers());
    let agent = rig.start().await;
    let rows = replies(&agent, 2).await;
    assert_eq!(rows.len(), 2);
    assert_eq!(overview(&agent).await.backend.waiting, 4);
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_moved_or_renumbered_stays_one() {
    let rig = Rig::new().await;
    let agent = rig.start_watching().await;
    let uid = rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    replies(&agent, 1).await;
    rig.mailbox.move_message("INBOX", uid, "Archive").unwrap();
    rig.mailbox.renumber("INBOX");
    rig.server.cut_connections();
    rig.mailbox.deliver("INBOX", &rig.campaign.alan_answers());
    assert_eq!(replies(&agent, 2).await.len(), 2);
    watching(&agent).await;
    assert_eq!(overview(&agent).await.backend.waiting, 4);
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_tried_twice_and_then_waits_for_the_rep() {
    let rig = Rig::new().await;
    let agent = rig.start().await;
    agent.add_mailbox(rig.draft("wrong")).await.unwrap();
    let problem = eventually("the rep is asked", async || {
        let account = account(&agent).await;
        (account.state == AccountState::NeedsAttention).then_some(account.problem).flatten()
    })
    .await;
    assert_eq!(problem.code, "wrong_password");
    assert!(!format!("{problem:?}").contains("wrong\""), "the password is not repeated");
    assert_eq!(overview(&agent).await.state, OverviewState::Attention);
    let id = account(&agent).await.id;
    agent.set_password(id, PASSWORD.into()).await.unwrap();
    watching(&agent).await;
    assert_eq!(account(&agent).await.problem, None);
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_is_made_anew_and_nothing_is_missed() {
    let rig = Rig::new().await;
    let agent = rig.start_watching().await;
    rig.server.cut_connections();
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    assert_eq!(replies(&agent, 1).await.len(), 1);
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fetch_that_is_refused_is_not_taken_for_an_empty_mailbox() {
    let rig = Rig::new().await;
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    rig.server.fault_once("UID FETCH", Fault::No("not now".into()));
    let agent = rig.start().await;
    agent.add_mailbox(rig.draft(PASSWORD)).await.unwrap();
    assert_eq!(replies(&agent, 1).await.len(), 1);
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rep_takes_a_verdict_back() {
    let rig = Rig::new().await;
    let agent = rig.start_watching().await;
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    let id = i64::from(replies(&agent, 1).await[0].id);
    let detail = agent.retract(id).await.unwrap();
    assert!(detail.row.retracted);
    let retract: serde_json::Value = serde_json::from_str(&detail.events[2].json).unwrap();
    assert_eq!(retract["data"]["event_ids"].as_array().unwrap().len(), 2);
    assert_eq!(agent.retract(id).await.unwrap().events.len(), 3, "a second click changes nothing");
    assert_eq!(overview(&agent).await.today.stopped, 0);
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_agent_reads_nothing_also_after_a_restart() {
    let rig = Rig::new().await;
    let agent = rig.start_watching().await;
    agent.pause(PauseFor::Open).await.unwrap();
    eventually("it is paused", async || (account(&agent).await.state == AccountState::Paused).then_some(()))
        .await;
    agent.shutdown().await;
    drop(agent);
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    let agent = rig.start().await;
    assert_eq!(overview(&agent).await.state, OverviewState::Paused);
    agent.resume().await.unwrap();
    assert_eq!(replies(&agent, 1).await.len(), 1);
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_mailbox_takes_its_password_along() {
    let rig = Rig::new().await;
    let agent = rig.start_watching().await;
    let id = account(&agent).await.id;
    assert_eq!(rig.keychain.get("account/rep@sales.example").unwrap().expose(), PASSWORD);
    assert!(!std::fs::read_to_string(rig.config_file()).unwrap().contains(PASSWORD));
    agent.remove_mailbox(id).await.unwrap();
    assert!(rig.keychain.get("account/rep@sales.example").is_err());
    assert_eq!(overview(&agent).await.state, OverviewState::SetUp);
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_agent_on_the_same_data_is_refused() {
    let rig = Rig::new().await;
    let agent = rig.start_watching().await;
    let config = answerback_agent::Config::load(&rig.config_file()).unwrap();
    let second = Agent::start_with(config, rig.config_file(), rig.keychain.clone()).await;
    assert_eq!(second.unwrap_err().code, "already_running");
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_of_a_mailbox_says_which_step_fails() {
    let rig = Rig::new().await;
    let agent = rig.start().await;
    let states = async |draft| -> Vec<(String, CheckState)> {
        agent.test_mailbox(draft).await.into_iter().map(|check| (check.name, check.state)).collect()
    };
    let passed = |name: &str| (name.to_owned(), CheckState::Passed);
    let all = ["server_found", "secure_connection", "signed_in", "folders_seen"];
    assert_eq!(states(rig.draft(PASSWORD)).await, all.map(passed));
    let wrong = states(rig.draft("wrong")).await;
    assert_eq!(wrong[2], ("signed_in".into(), CheckState::Failed));
    assert_eq!(wrong[3], ("folders_seen".into(), CheckState::Skipped));
    let mut untrusted = rig.draft(PASSWORD);
    if let ServerDraft::Imap { ca_file, .. } = &mut untrusted.server {
        *ca_file = None;
    }
    let checks = agent.test_mailbox(untrusted).await;
    assert_eq!(checks[1].problem.as_ref().unwrap().code, "certificate");
    let mut nobody = rig.draft(PASSWORD);
    if let ServerDraft::Imap { port, .. } = &mut nobody.server {
        *port = 1;
    }
    assert_eq!(agent.test_mailbox(nobody).await[0].problem.as_ref().unwrap().code, "refused_port");
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_folder_says_up_to_when_it_was_read() {
    let rig = Rig::new().await;
    let agent = rig.start_watching().await;
    let mailbox = account(&agent).await;
    let time = |text: &Option<String>| text.as_deref().map(|text| text.parse::<jiff::Timestamp>().unwrap());
    let whole = time(&mailbox.checked_up_to).unwrap();
    for folder in &mailbox.folders {
        assert!(time(&folder.checked_up_to).unwrap() >= whole, "{folder:?} {whole}");
    }
    agent.shutdown().await;
}
