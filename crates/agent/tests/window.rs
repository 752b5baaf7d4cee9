//! What the rep does at the window: pairing, correcting verdicts, reading, changing and taking along the set-up.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what the tests share may panic like the tests"
)]

mod rig;

use answerback_agent::Agent;
use answerback_agent::view::{
    BackendState, CheckState, MailboxDetails, OutboxState, OverviewState, PairingState, PauseFor, RuleChoice,
};
use rig::backend::{Backend, ORG, delivered, watch_campaign};
use rig::{PASSWORD, Rig, account, eventually, overview, replies, watching};

async fn decide(backend: &Backend, code: &str, rep: Option<&str>) {
    let now = jiff::Timestamp::now();
    assert!(backend.handle.store().decide_pairing(code, ORG, rep, now).await.unwrap());
}

async fn pairing_is(agent: &Agent, state: PairingState) {
    eventually("the pairing came to its end", async || {
        agent.pairing().filter(|pairing| pairing.state == state).map(drop)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_laptop_is_paired_by_its_code_and_stays_so_after_a_restart() {
    let rig = Rig::without_sends().await;
    let folder = tempfile::tempdir().unwrap();
    let backend = Backend::start(folder.path()).await;
    backend.add(rig.campaign.sends()).await;
    let agent = rig.start().await;
    let pairing = agent.begin_pairing(format!("{}/", backend.handle.url())).await.unwrap();
    assert_eq!((pairing.state, pairing.url), (PairingState::Waiting, backend.handle.url()));
    assert!(agent.pairing_page().unwrap().contains(&pairing.code));
    decide(&backend, &pairing.code, Some("rep@sales.example")).await;
    assert!(!agent.pairing_decided("WRNG-CODE"));
    assert!(agent.pairing_decided(&pairing.code.to_lowercase()));
    eventually("the backend is in step", async || {
        (overview(&agent).await.backend.state == BackendState::Connected).then_some(())
    })
    .await;
    assert_eq!(agent.pairing(), None);
    // Asking twice shows no refresh token twice.
    for _ in 0..2 {
        let checks = agent.doctor().await;
        let token = checks.iter().find(|check| check.name == "backend_token").unwrap();
        assert_eq!(token.state, CheckState::Passed, "{checks:?}");
    }
    let config = std::fs::read_to_string(rig.config_file()).unwrap();
    assert!(config.contains("paired = true"), "{config}");
    agent.shutdown().await;
    drop(agent);

    let agent = rig.start().await;
    agent.add_mailbox(rig.draft(PASSWORD)).await.unwrap();
    watching(&agent).await;
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    delivered(&agent, 2).await;
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_pairing_says_so_and_another_can_be_begun() {
    let rig = Rig::new().await;
    let folder = tempfile::tempdir().unwrap();
    let backend = Backend::start(folder.path()).await;
    let agent = rig.start().await;
    let url = backend.handle.url();
    let first = agent.begin_pairing(url.clone()).await.unwrap();
    decide(&backend, &first.code, None).await;
    agent.pairing_decided(&first.code);
    pairing_is(&agent, PairingState::Denied).await;
    let second = agent.begin_pairing(url).await.unwrap();
    assert_ne!(first.code, second.code);
    agent.cancel_pairing().await;
    assert_eq!(agent.pairing(), None);
    assert_eq!(overview(&agent).await.backend.state, BackendState::NotConnected);
    for (url, code) in [("http://sales.example", "backend_url"), ("http://127.0.0.1:9", "backend_down")] {
        assert_eq!(agent.begin_pairing(url.into()).await.unwrap_err().code, code);
    }
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_back_or_misjudged_becomes_an_answer_when_the_rep_says_so() {
    let rig = Rig::without_sends().await;
    let folder = tempfile::tempdir().unwrap();
    let (backend, agent) = watch_campaign(&rig, folder.path()).await;
    let stopped = async |n: usize| {
        eventually(&format!("{n} campaigns are stopped"), async || {
            let enrolments = backend.handle.store().enrolments(ORG).await.unwrap();
            (enrolments.iter().filter(|e| e.state.name() == "stopped").count() == n).then_some(())
        })
        .await;
    };

    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    let answer = i64::from(replies(&agent, 1).await[0].id);
    stopped(1).await;
    agent.retract(answer).await.unwrap();
    stopped(0).await;
    let row = agent.affirm(answer).await.unwrap().row;
    assert!(!row.retracted);
    stopped(1).await;
    agent.retract(answer).await.unwrap();
    stopped(0).await;
    agent.affirm(answer).await.unwrap();
    stopped(1).await;

    rig.mailbox.deliver("INBOX", &rig.campaign.lora_is_away());
    let away = replies(&agent, 2).await.into_iter().find(|row| row.kind == "auto_reply").unwrap();
    assert_eq!(away.actions, ["pause", "log"]);
    let row = agent.affirm(away.id.into()).await.unwrap().row;
    assert_eq!((row.kind.as_str(), row.actions), ("reply", vec!["stop".to_owned(), "log".to_owned()]));
    stopped(2).await;
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_answers_a_message_that_is_no_answer_stops_nothing() {
    let rig = Rig::without_sends().await;
    let folder = tempfile::tempdir().unwrap();
    let (_backend, agent) = watch_campaign(&rig, folder.path()).await;
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    let answer = replies(&agent, 1).await.remove(0);
    agent.retract(answer.id.into()).await.unwrap();

    let flynns = answerback_reply::Message::parse(&rig.campaign.flynn_answers()).message_id.unwrap();
    let later = format!(
        "From: Sam <sam@elsewhere.example>\r\nTo: rep@sales.example\r\nSubject: Lightcycles\r\n\
         Message-ID: <later@elsewhere.example>\r\nIn-Reply-To: {flynns}\r\n\r\nSee you there.\r\n"
    );
    rig.mailbox.deliver("INBOX", later.as_bytes());
    // Read after it, so that it was judged by then.
    rig.mailbox.deliver("INBOX", &rig.campaign.alan_answers());
    let subjects: Vec<String> = replies(&agent, 2).await.into_iter().filter_map(|row| row.subject).collect();
    assert!(!subjects.iter().any(|subject| subject == "Lightcycles"), "{subjects:?}");
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newly_written_text_is_fetched_and_kept_nowhere() {
    let rig = Rig::new().await;
    let agent = rig.start_watching().await;
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    let id = i64::from(replies(&agent, 1).await[0].id);
    let untouched = rig.mailbox.snapshot();
    let text = agent.message_text(id).await.unwrap();
    assert!(!text.text.trim().is_empty() && !text.text.contains("wrote:"), "{text:?}");
    assert_eq!(rig.mailbox.snapshot(), untouched);
    let line = text.text.lines().next().unwrap().to_owned();
    let folder = rig.config_file().parent().unwrap().to_owned();
    for file in std::fs::read_dir(folder).unwrap() {
        let kept = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!kept.windows(line.len()).any(|bytes| bytes == line.as_bytes()));
    }
    rig.mailbox.renumber("INBOX");
    assert_eq!(agent.message_text(id).await.unwrap_err().code, "message_gone");
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_rules_are_tried_on_what_came_in_and_change_nothing() {
    let rig = Rig::new().await;
    let agent = rig.start_watching().await;
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    rig.mailbox.deliver("INBOX", &rig.campaign.lora_is_away());
    replies(&agent, 2).await;
    let only_log = RuleChoice { name: "reply".into(), actions: vec!["log".into()] };
    let preview = agent.preview_rules(vec![only_log], Some(9)).await.unwrap();
    assert_eq!((preview.messages, preview.now.stopped, preview.now.paused), (2, 1, 1));
    assert_eq!((preview.then.stopped, preview.then.paused, preview.then.logged), (0, 1, 2));
    let reply = agent.rules().rows.into_iter().find(|row| row.name == "reply").unwrap();
    assert_eq!(reply.actions, ["stop", "log"]);
    let nonsense = RuleChoice { name: "reply".into(), actions: vec!["explode".into()] };
    assert_eq!(agent.preview_rules(vec![nonsense], None).await.unwrap_err().code, "not_a_choice");
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_left_out_is_not_read_any_more() {
    let rig = Rig::new().await;
    let agent = rig.start_watching().await;
    let id = account(&agent).await.id;
    assert!(account(&agent).await.folders.iter().any(|folder| folder.name == "Archive"));
    let details = MailboxDetails {
        aliases: vec![" r.ep@sales.example ".into(), String::new()],
        colleagues: vec!["encom.com".into()],
        exclude_folders: vec!["Archive".into()],
    };
    let changed = agent.change_mailbox(id.clone(), details.clone()).await.unwrap();
    assert_eq!(
        (changed.aliases, changed.exclude_folders),
        (vec!["r.ep@sales.example".to_owned()], details.exclude_folders.clone())
    );
    eventually("the folder is gone", async || {
        let folders = account(&agent).await.folders;
        (!folders.is_empty() && folders.iter().all(|folder| folder.name != "Archive")).then_some(())
    })
    .await;
    let wrong = MailboxDetails { aliases: vec!["nobody".into()], ..details };
    assert_eq!(agent.change_mailbox(id, wrong).await.unwrap_err().code, "settings");
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_set_up_is_taken_to_another_laptop_without_its_secrets() {
    let rig = Rig::new().await;
    let agent = rig.start_watching().await;
    agent.set_rule("colleague".into(), vec![]).await.unwrap();
    let text = agent.export_config().unwrap();
    assert!(!text.contains(PASSWORD) && !text.contains("data_dir"), "{text}");
    let same = agent.read_import(&text).unwrap();
    assert_eq!((same.new_mailboxes.len(), same.known_mailboxes.len(), same.rules_differ), (0, 1, false));
    agent.shutdown().await;

    let other = Rig::new().await;
    let agent = other.start().await;
    let view = agent.read_import(&text).unwrap();
    assert_eq!(view.new_mailboxes, ["rep@sales.example"]);
    assert!(view.rules_differ && view.backend.is_none());
    agent.import_config(&text).await.unwrap();
    let colleague = agent.rules().rows.into_iter().find(|row| row.name == "colleague").unwrap();
    assert!(colleague.actions.is_empty());
    eventually("the password is asked for", async || account(&agent).await.problem).await;
    let wrong = agent.read_import("password = \"hunter2\"").unwrap_err();
    assert_eq!(wrong.code, "import_wrong");
    assert!(!wrong.summary.contains("hunter2"));
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_with_an_end_outlives_a_restart_and_one_whose_end_has_passed_does_not() {
    let rig = Rig::new().await;
    let agent = rig.start_watching().await;
    agent.pause(PauseFor::Hour).await.unwrap();
    agent.shutdown().await;
    drop(agent);
    let agent = rig.start().await;
    let shown = overview(&agent).await;
    assert!(shown.state == OverviewState::Paused && shown.paused_until.is_some(), "{shown:?}");
    agent.resume().await.unwrap();
    assert_eq!(overview(&agent).await.paused_until, None);
    agent.shutdown().await;
    drop(agent);
    let store = rig.config_file().with_file_name("answerback.db");
    answerback_store::Store::open(&store)
        .unwrap()
        .set_setting("paused", Some("2026-01-01T00:00:00Z"))
        .unwrap();
    let agent = rig.start().await;
    watching(&agent).await;
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_was_refused_is_sent_again_when_the_rep_asks() {
    let rig = Rig::without_sends().await;
    let folder = tempfile::tempdir().unwrap();
    let (_backend, agent) = watch_campaign(&rig, folder.path()).await;
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    delivered(&agent, 2).await;
    let event = agent.outbox(1).await.unwrap().remove(0);
    agent.send_again(event.id.clone()).await.unwrap();
    assert_eq!(agent.outbox(1).await.unwrap()[0].state, OutboxState::Delivered, "it was not refused");
    agent.shutdown().await;
    drop(agent);
    // As if the backend had refused it.
    let store = rig.config_file().with_file_name("answerback.db");
    let db = rusqlite::Connection::open(store).unwrap();
    db.execute("UPDATE event SET state = 1, reason = 'unknown send' WHERE id = ?1", [&event.id]).unwrap();
    drop(db);
    let agent = rig.start().await;
    eventually("the backend is in step", async || {
        (overview(&agent).await.backend.state == BackendState::Connected).then_some(())
    })
    .await;
    assert_eq!(overview(&agent).await.backend.rejected, 1);
    agent.send_again(event.id).await.unwrap();
    delivered(&agent, 2).await;
    assert_eq!(overview(&agent).await.backend.rejected, 0);
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_report_for_whoever_helps_holds_neither_secrets_nor_addresses_nor_mail() {
    let rig = Rig::new().await;
    let agent = rig.start_watching().await;
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    let subject = replies(&agent, 1).await[0].subject.clone().unwrap();
    let log = ["WARN rep@sales.example did not sign in".to_owned()];
    let report = agent.support_report("Answerback 0.1.0 on Linux", &log).await.unwrap();
    for wanted in ["Answerback 0.1.0", "r…@sales.example", "signed_in", "127.0.0.1", "did not sign in"] {
        assert!(report.contains(wanted), "{wanted} in\n{report}");
    }
    for unwanted in [PASSWORD, "rep@sales.example", "kevinf", subject.as_str()] {
        assert!(!report.contains(unwanted), "{unwanted} in\n{report}");
    }
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_administrator_laid_down_holds_on_this_computer() {
    let rig = Rig::new().await;
    let policy = rig.config_file().with_file_name("policy.toml");
    std::fs::write(
        &policy,
        "allowed_providers = [\"office365.com\"]\nmax_log_level = \"metadata\"\n[pins]\nreply = [\"log\"]\n",
    )
    .unwrap();
    let managed = answerback_agent::Managed::from_file(&policy).unwrap();
    let config = answerback_agent::Config {
        data_dir: rig.config_file().parent().map(Into::into),
        ..answerback_agent::Config::default()
    };
    let (agent, _events) =
        Agent::start_managed(config, rig.config_file(), rig.keychain.clone(), managed).await.unwrap();
    let reply = agent.rules().rows.into_iter().find(|row| row.name == "reply").unwrap();
    assert!(reply.pinned && reply.actions == ["log"]);
    assert_eq!(agent.set_rule("reply".into(), vec![]).await.unwrap_err().code, "pinned");
    assert_eq!(agent.set_log_level("full".into()).await.unwrap().log_level, "metadata");
    assert_eq!(agent.add_mailbox(rig.draft(PASSWORD)).await.unwrap_err().code, "provider_not_allowed");
    agent.shutdown().await;
}
