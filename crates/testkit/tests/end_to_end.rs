//! The main job on real parts: Dovecot over TLS, `answerbackctl run`, the reference backend.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::time::Duration;

use answerback_testkit::campaign::{SEND_FLYNN, SEND_GIBBS, SEND_LORA, SEND_YORI};
use answerback_testkit::e2e::{Delivered, LIMIT, OTHER_FOLDER_LIMIT, Scene};
use serde_json::Value;

/// The essentials of what the backend was told.
fn told(delivered: &Delivered) -> (&str, &str, &str, Vec<&str>) {
    let text = |name| delivered.log.get(name).and_then(Value::as_str).unwrap_or_default();
    let types = delivered.types.iter().map(String::as_str).collect();
    (text("send_id"), text("kind"), text("relation"), types)
}

fn first_rung(delivered: &Delivered) -> &str {
    delivered.log.pointer("/evidence/0/rung").and_then(Value::as_str).unwrap_or_default()
}

/// A scene on Dovecot whose agent watches.
async fn watched() -> Scene {
    let mut scene = Scene::on_dovecot().await.unwrap();
    scene.watch().await.unwrap();
    scene
}

async fn deliver(scene: &Scene, raw: &[u8]) {
    scene.mail.deliver("INBOX", raw).await.unwrap();
}

#[tokio::test]
async fn flynn_answers_from_another_address_and_his_campaign_stops() {
    let mut scene = watched().await;
    let answer = scene.campaign.flynn_answers();
    deliver(&scene, &answer).await;
    let delivered = scene.delivered(&answer, LIMIT).await.unwrap();
    assert_eq!(told(&delivered), (SEND_FLYNN, "reply", "same_person_other_address", vec!["stop", "log"]));
    assert_eq!(first_rung(&delivered), "in_reply_to");
    assert_eq!(scene.gate(SEND_FLYNN).await.unwrap(), "stopped");
    assert_eq!(delivered.log["reply"].get("text"), None, "the log level is metadata");
    scene.each_event_once().await.unwrap();
}

#[tokio::test]
async fn alan_who_was_in_cc_answers_and_the_campaign_ends() {
    let mut scene = watched().await;
    let answer = scene.campaign.alan_answers();
    deliver(&scene, &answer).await;
    let delivered = scene.delivered(&answer, LIMIT).await.unwrap();
    assert_eq!(told(&delivered), (SEND_FLYNN, "reply", "copied", vec!["stop", "log"]));
    assert_eq!(scene.gate(SEND_FLYNN).await.unwrap(), "stopped");
    let late = scene.campaign.flynn_answers();
    deliver(&scene, &late).await;
    let delivered = scene.delivered(&late, LIMIT).await.unwrap();
    assert_eq!(told(&delivered).1, "reply", "an answer after the end of the campaign is logged as well");
    scene.each_event_once().await.unwrap();
}

#[tokio::test]
async fn own_follow_ups_newsletters_and_unrelated_mail_tell_the_backend_nothing() {
    let mut scene = watched().await;
    let campaign = scene.campaign;
    scene.mail.deliver("Sent", &campaign.own_follow_up()).await.unwrap();
    for raw in [campaign.own_follow_up(), campaign.newsletter(), campaign.unrelated()] {
        deliver(&scene, &raw).await;
    }
    // The folder is read in order: when this one has come through, the others were judged.
    let last = campaign.flynn_answers();
    deliver(&scene, &last).await;
    scene.delivered(&last, LIMIT).await.unwrap();
    let events = scene.events().await.unwrap();
    assert_eq!(events.len(), 2, "only the answer's stop and log: {events:#?}");
    assert_ne!(scene.gate(SEND_YORI).await.unwrap(), "stopped");
}

#[tokio::test]
async fn an_out_of_office_mail_pauses_until_the_return_date_whoever_wrote_it() {
    let mut scene = watched().await;
    let returns_on = scene.campaign.lora_returns_on().to_string();
    for away in [scene.campaign.lora_is_away(), scene.campaign.lora_is_on_vacation()] {
        deliver(&scene, &away).await;
        let delivered = scene.delivered(&away, LIMIT).await.unwrap();
        let (send, kind, _, types) = told(&delivered);
        assert_eq!((send, kind, types), (SEND_LORA, "auto_reply", vec!["pause", "log"]));
        assert_eq!(delivered.log["reply"]["returns_on"], returns_on.as_str());
    }
    assert_eq!(scene.gate(SEND_LORA).await.unwrap(), "paused");
}

#[tokio::test]
async fn a_bounce_stops_and_marks_the_address_as_invalid() {
    let mut scene = watched().await;
    let bounce = scene.campaign.gibbs_bounces();
    deliver(&scene, &bounce).await;
    let delivered = scene.delivered(&bounce, LIMIT).await.unwrap();
    let (send, kind, _, types) = told(&delivered);
    assert_eq!((send, kind, types), (SEND_GIBBS, "bounce", vec!["stop", "suppress", "log"]));
    assert_eq!(delivered.log["reply"]["bounce"]["status"], "5.1.1");
    assert_eq!(scene.gate(SEND_GIBBS).await.unwrap(), "stopped");
}

#[tokio::test]
async fn mail_that_another_client_has_read_is_found_and_the_mailbox_is_left_untouched() {
    let mut scene = Scene::on_dovecot().await.unwrap();
    let read = scene.campaign.flynn_answers();
    scene.mail.append("INBOX", &read, &["\\Seen"], scene.campaign.now()).await.unwrap();
    let unread = scene.campaign.alan_answers();
    scene.mail.append("INBOX", &unread, &["\\Flagged"], scene.campaign.now()).await.unwrap();
    let before = scene.mail.snapshot().await.unwrap();
    scene.watch().await.unwrap();
    for raw in [read, unread] {
        scene.delivered(&raw, LIMIT).await.unwrap();
    }
    scene.stop_agent().unwrap();
    assert_eq!(scene.mail.snapshot().await.unwrap(), before);
}

#[tokio::test]
async fn mail_that_a_server_rule_files_into_a_folder_is_found() {
    let mut scene = watched().await;
    let answer = scene.campaign.flynn_answers();
    scene.mail.deliver("Prospects", &answer).await.unwrap();
    let delivered = scene.delivered(&answer, OTHER_FOLDER_LIMIT).await.unwrap();
    assert_eq!(told(&delivered).3, ["stop", "log"]);
    scene.each_event_once().await.unwrap();
}

#[tokio::test]
async fn an_answer_is_delivered_once_when_the_agent_is_killed_while_the_backend_is_down() {
    let mut scene = watched().await;
    scene.backend.crash();
    let answer = scene.campaign.flynn_answers();
    deliver(&scene, &answer).await;
    scene.verdict(&answer, LIMIT).await.unwrap();
    scene.crash_agent();
    scene.backend.resume().unwrap();
    assert_eq!(scene.events().await.unwrap(), Vec::<Value>::new(), "nothing was delivered before");
    scene.watch().await.unwrap();
    let delivered = scene.delivered(&answer, LIMIT).await.unwrap();
    assert_eq!(told(&delivered).3, ["stop", "log"]);
    scene.each_event_once().await.unwrap();
}

#[tokio::test]
async fn an_answer_is_delivered_once_when_the_agent_is_killed_while_the_backend_owes_its_acknowledgement() {
    let mut scene = watched().await;
    scene.backend.freeze();
    let answer = scene.campaign.flynn_answers();
    deliver(&scene, &answer).await;
    scene.verdict(&answer, LIMIT).await.unwrap();
    // Time for the events to be on their way: the backend reads them when it goes on, after the agent's death.
    tokio::time::sleep(Duration::from_secs(1)).await;
    scene.crash_agent();
    scene.backend.thaw();
    scene.watch().await.unwrap();
    let delivered = scene.delivered(&answer, LIMIT).await.unwrap();
    assert_eq!(told(&delivered).3, ["stop", "log"]);
    let again = scene.campaign.alan_answers();
    deliver(&scene, &again).await;
    scene.delivered(&again, LIMIT).await.unwrap();
    scene.each_event_once().await.unwrap();
}

#[tokio::test]
async fn a_second_start_on_an_empty_data_folder_delivers_nothing_twice() {
    let mut scene = watched().await;
    let (answer, bounce) = (scene.campaign.flynn_answers(), scene.campaign.gibbs_bounces());
    deliver(&scene, &answer).await;
    deliver(&scene, &bounce).await;
    scene.delivered(&answer, LIMIT).await.unwrap();
    scene.delivered(&bounce, LIMIT).await.unwrap();
    let before = scene.events().await.unwrap();
    scene.stop_agent().unwrap();
    scene.forget().unwrap();
    let agent = scene.watch().await.unwrap();
    let duplicate = |line: &Value| line["event"] == "pushed" && line["status"] == "duplicate";
    agent.hear(LIMIT, duplicate).await.expect("the agent finds the answer again and says so");
    let last = scene.campaign.alan_answers();
    deliver(&scene, &last).await;
    scene.delivered(&last, LIMIT).await.unwrap();
    let after = scene.events().await.unwrap();
    assert_eq!(after[..before.len()], before[..]);
    assert_eq!(after.len(), before.len() + 2, "only the new answer's stop and log: {after:#?}");
}

#[tokio::test]
async fn the_agent_ends_cleanly_and_quickly() {
    let mut scene = watched().await;
    let took = scene.stop_agent().unwrap();
    assert!(took < Duration::from_secs(5), "{took:?}");
}
