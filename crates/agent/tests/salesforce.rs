//! An agent between a mailbox and Salesforce, without a backend: the sends come from there, and events go there, each once.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what the tests share may panic like the tests"
)]

mod rig;

use answerback_agent::view::{BackendState, CheckState, OutboxState, SalesforceLog};
use answerback_testkit::personas::{ALAN, FLYNN, FLYNN_ELSEWHERE};
use answerback_testkit::salesforce::{Denied, Fault, Options};
use rig::backend::delivered;
use rig::salesforce::Salesforce;
use rig::{Rig, eventually, overview, replies};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_logged_at_their_authors_and_the_campaign_member_has_responded() {
    let rig = Rig::without_sends().await;
    let salesforce = Salesforce::start(&rig, Options::default()).await;
    let agent = salesforce.watch(&rig).await;
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    rig.mailbox.deliver("INBOX", &rig.campaign.alan_answers());
    delivered(&agent, 4).await;
    let flynn = salesforce.story.contact(FLYNN).to_owned();
    let alan = salesforce.story.contact(ALAN).to_owned();
    let expected = [(FLYNN_ELSEWHERE.address.to_owned(), vec![flynn]), (ALAN.address.to_owned(), vec![alan])];
    assert_eq!(salesforce.story.answers(&salesforce.simulator), expected);
    assert_eq!(salesforce.story.status(&salesforce.simulator, FLYNN).as_deref(), Some("Responded"));
    let logged = salesforce.simulator.records("EmailMessage");
    let sent = &logged[0];
    assert!(
        logged.iter().filter(|e| e["Incoming"] == true).all(|e| e["ReplyToEmailMessageId"] == sent["Id"])
    );
    let reply = &replies(&agent, 2).await[0];
    assert_eq!(
        (reply.prospect.as_deref(), reply.campaign.as_deref()),
        (Some(FLYNN.name), Some("Arcade owners"))
    );

    // Another laptop, or this one after its disk was wiped.
    agent.shutdown().await;
    drop(agent);
    rig.reinstall();
    let again = salesforce.watch(&rig).await;
    delivered(&again, 4).await;
    assert_eq!(salesforce.story.answers(&salesforce.simulator), expected);

    // What was no answer is taken back.
    let id =
        replies(&again, 2).await.iter().find(|row| row.from.as_deref() == Some(ALAN.address)).unwrap().id;
    again.retract(id.into()).await.unwrap();
    delivered(&again, 5).await;
    again.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_rep_takes_back_is_deleted_there_and_the_member_is_as_before() {
    let rig = Rig::without_sends().await;
    let salesforce = Salesforce::start(&rig, Options { key_field: false, ..Options::default() }).await;
    let agent = salesforce.watch(&rig).await;
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    delivered(&agent, 2).await;
    assert_eq!(salesforce.story.answers(&salesforce.simulator).len(), 1);
    let id = replies(&agent, 1).await[0].id;
    agent.retract(id.into()).await.unwrap();
    delivered(&agent, 3).await;
    assert_eq!(salesforce.story.answers(&salesforce.simulator), []);
    assert_eq!(salesforce.story.status(&salesforce.simulator, FLYNN).as_deref(), Some("Sent"));
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_permission_for_campaigns_the_answer_is_logged_and_the_permission_named() {
    for denied in [Denied::Edit("CampaignMember"), Denied::Read("CampaignMember")] {
        let rig = Rig::without_sends().await;
        let salesforce = Salesforce::start(&rig, Options::default()).await;
        salesforce.simulator.deny(denied);
        let agent = salesforce.watch(&rig).await;
        rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
        delivered(&agent, 1).await;
        assert_eq!(salesforce.story.answers(&salesforce.simulator).len(), 1, "{denied:?}");
        let outbox = agent.outbox(10).await.unwrap();
        let stop = outbox.iter().find(|row| row.event == "stop").unwrap();
        let reason = stop.reason.as_deref().unwrap_or_default();
        assert!(
            stop.state == OutboxState::Rejected && reason.contains("CampaignMember")
                || reason.contains("Marketing User"),
            "{stop:?}"
        );
        assert_eq!(overview(&agent).await.backend.state, BackendState::Connected);
        // Once it is there, the rep sends it again.
        salesforce.simulator.allow(denied);
        agent.send_again(stop.id.clone()).await.unwrap();
        delivered(&agent, 2).await;
        assert_eq!(salesforce.story.status(&salesforce.simulator, FLYNN).as_deref(), Some("Responded"));
        agent.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn emails_that_are_sent_later_are_tracked_and_deleted_ones_no_longer() {
    let rig = Rig::without_sends().await;
    let salesforce = Salesforce::start(&rig, Options::default()).await;
    let agent = salesforce.watch(&rig).await;
    let first = salesforce.simulator.records("EmailMessage")[0]["Id"].as_str().unwrap().to_owned();
    let mut second = salesforce.simulator.records("EmailMessage")[1].clone();
    let fields = second.as_object_mut().unwrap();
    for field in ["Id", "SystemModstamp", "LastModifiedDate", "CreatedDate"] {
        fields.remove(field);
    }
    fields.insert("MessageIdentifier".into(), json!("<later@sales.example>"));
    for _ in 0..450 {
        salesforce.simulator.seed("EmailMessage", second.clone()).unwrap();
    }
    assert!(salesforce.simulator.remove("EmailMessage", &first));
    agent.try_again();
    eventually("four but one and 450 more", async || {
        (overview(&agent).await.tracked_sends == 453).then_some(())
    })
    .await;
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_sign_in_is_said_and_events_wait_until_the_rep_has_signed_in_again() {
    let rig = Rig::without_sends().await;
    let salesforce = Salesforce::start(&rig, Options::default()).await;
    let agent = salesforce.watch(&rig).await;
    salesforce.simulator.revoke_sign_ins();
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    let problem = eventually("the rep is asked", async || {
        let backend = overview(&agent).await.backend;
        (backend.state == BackendState::NeedsAttention).then_some(backend.problem).flatten()
    })
    .await;
    assert_eq!(problem.code, "sign_in_again");
    assert_eq!(overview(&agent).await.backend.delivered, 0);
    let checks = agent.doctor().await;
    let failed: Vec<_> = checks.iter().filter(|check| check.state == CheckState::Failed).collect();
    assert_eq!((failed.len(), failed[0].name.as_str()), (1, "salesforce_signed_in"));
    salesforce.connect(&agent).await;
    delivered(&agent, 2).await;
    assert_eq!(salesforce.story.answers(&salesforce.simulator).len(), 1);
    let checks = agent.doctor().await;
    assert!(checks.iter().all(|check| check.state == CheckState::Passed), "{checks:?}");
    assert_eq!(agent.try_salesforce(FLYNN.address.into()).await.unwrap(), ["EmailMessage"]);
    assert_eq!(salesforce.story.answers(&salesforce.simulator).len(), 1, "the test entry is gone again");
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_row_waits_while_other_answers_go_on_and_a_lost_session_is_renewed() {
    let rig = Rig::without_sends().await;
    let salesforce = Salesforce::start(&rig, Options::default()).await;
    let agent = salesforce.watch(&rig).await;
    salesforce.simulator.fault(0, Fault::Expired);
    // Who is there, then the member's change: that one meets the lock.
    salesforce.simulator.fault(4, Fault::RowLock);
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    rig.mailbox.deliver("INBOX", &rig.campaign.lora_is_away());
    eventually("the other answer is logged", async || {
        salesforce
            .simulator
            .records("EmailMessageRelation")
            .iter()
            .any(|r| r["DeliveryResponse"] == "OutOfOffice")
            .then_some(())
    })
    .await;
    agent.try_again();
    delivered(&agent, 4).await;
    assert_eq!(salesforce.story.status(&salesforce.simulator, FLYNN).as_deref(), Some("Responded"));
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_becomes_what_is_changed_for_the_next_answer_and_after_a_restart() {
    let rig = Rig::without_sends().await;
    let salesforce = Salesforce::start(&rig, Options::default()).await;
    let agent = salesforce.watch(&rig).await;
    let usual = agent.salesforce_mapping().unwrap();
    assert_eq!((usual.fixed, usual.mapping.replied_status.as_str()), (false, "Responded"));
    let mut mapping = usual.mapping;
    mapping.stop_reason = "x' OR Id != '".into();
    assert_eq!(agent.set_salesforce_mapping(mapping.clone()).await.unwrap_err().code, "settings");
    mapping.stop_reason = String::new();
    mapping.log_as = SalesforceLog::Task;
    agent.set_salesforce_mapping(mapping.clone()).await.unwrap();
    rig.mailbox.deliver("INBOX", &rig.campaign.flynn_answers());
    delivered(&agent, 2).await;
    assert_eq!(salesforce.story.answers(&salesforce.simulator), [], "no email");
    assert_eq!(salesforce.simulator.records("Task").len(), 1);
    agent.shutdown().await;
    drop(agent);
    let again = rig.start().await;
    assert_eq!(again.salesforce_mapping().unwrap().mapping, mapping);
    again.shutdown().await;
}
