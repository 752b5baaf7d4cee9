//! The main job on real parts: Dovecot over TLS, `answerbackctl run`, the reference backend. And the same over Microsoft
//! Graph and EWS, where the mailbox is a simulated one.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what the tests share may panic like the tests"
)]

use std::time::Duration;

use answerback_testkit::campaign::{SEND_FLYNN, SEND_GIBBS, SEND_LORA, SEND_YORI};
use answerback_testkit::e2e::{Delivered, LIMIT, OTHER_FOLDER_LIMIT, Scene};
use answerback_testkit::ews;
use answerback_testkit::graph::Fault;
use answerback_testkit::mail_server::MailServer;
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

macro_rules! on_each_mailbox {
    ($($test:ident),+ $(,)?) => {
        mod over_imap {
            use super::*;
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(Scene::on_dovecot().await.unwrap()).await;
                }
            )+
        }
        mod over_graph {
            use super::*;
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(Scene::on_graph().await.unwrap()).await;
                }
            )+
        }
        mod over_ews {
            use super::*;
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(Scene::on_ews().await.unwrap()).await;
                }
            )+
        }
    };
}

on_each_mailbox! {
    flynn_answers_from_another_address_and_his_campaign_stops,
    alan_who_was_in_cc_answers_and_the_campaign_ends,
    own_follow_ups_newsletters_and_unrelated_mail_tell_the_backend_nothing,
    an_out_of_office_mail_pauses_until_the_return_date_whoever_wrote_it,
    a_bounce_stops_and_marks_the_address_as_invalid,
    mail_that_another_client_has_read_is_found_and_the_mailbox_is_left_untouched,
    mail_that_a_server_rule_files_into_a_folder_is_found,
    an_answer_is_delivered_once_when_the_agent_is_killed_while_the_backend_is_down,
    an_answer_is_delivered_once_when_the_agent_is_killed_while_the_backend_owes_its_acknowledgement,
    a_second_start_on_an_empty_data_folder_delivers_nothing_twice,
    the_agent_ends_cleanly_and_quickly,
    a_meeting_that_is_accepted_stops_the_campaign,
    an_answer_to_an_id_that_the_server_gave_is_found,
}

async fn deliver(scene: &Scene, raw: &[u8]) {
    scene.mail.deliver("INBOX", raw).await.unwrap();
}

async fn flynn_answers_from_another_address_and_his_campaign_stops(mut scene: Scene) {
    scene.watch().await.unwrap();
    let answer = scene.campaign.flynn_answers();
    deliver(&scene, &answer).await;
    let delivered = scene.delivered(&answer, LIMIT).await.unwrap();
    assert_eq!(told(&delivered), (SEND_FLYNN, "reply", "same_person_other_address", vec!["stop", "log"]));
    assert_eq!(first_rung(&delivered), "in_reply_to");
    assert_eq!(scene.gate(SEND_FLYNN).await.unwrap(), "stopped");
    assert_eq!(delivered.log["reply"].get("text"), None, "the log level is metadata");
    scene.each_event_once().await.unwrap();
}

async fn alan_who_was_in_cc_answers_and_the_campaign_ends(mut scene: Scene) {
    scene.watch().await.unwrap();
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

async fn own_follow_ups_newsletters_and_unrelated_mail_tell_the_backend_nothing(mut scene: Scene) {
    scene.watch().await.unwrap();
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

async fn an_out_of_office_mail_pauses_until_the_return_date_whoever_wrote_it(mut scene: Scene) {
    scene.watch().await.unwrap();
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

async fn a_bounce_stops_and_marks_the_address_as_invalid(mut scene: Scene) {
    scene.watch().await.unwrap();
    let bounce = scene.campaign.gibbs_bounces();
    deliver(&scene, &bounce).await;
    let delivered = scene.delivered(&bounce, LIMIT).await.unwrap();
    let (send, kind, _, types) = told(&delivered);
    assert_eq!((send, kind, types), (SEND_GIBBS, "bounce", vec!["stop", "suppress", "log"]));
    assert_eq!(delivered.log["reply"]["bounce"]["status"], "5.1.1");
    assert_eq!(scene.gate(SEND_GIBBS).await.unwrap(), "stopped");
}

async fn mail_that_another_client_has_read_is_found_and_the_mailbox_is_left_untouched(mut scene: Scene) {
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

async fn mail_that_a_server_rule_files_into_a_folder_is_found(mut scene: Scene) {
    scene.watch().await.unwrap();
    let answer = scene.campaign.flynn_answers();
    scene.mail.deliver("Prospects", &answer).await.unwrap();
    let delivered = scene.delivered(&answer, OTHER_FOLDER_LIMIT).await.unwrap();
    assert_eq!(told(&delivered).3, ["stop", "log"]);
    scene.each_event_once().await.unwrap();
}

async fn an_answer_is_delivered_once_when_the_agent_is_killed_while_the_backend_is_down(mut scene: Scene) {
    scene.watch().await.unwrap();
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

async fn an_answer_is_delivered_once_when_the_agent_is_killed_while_the_backend_owes_its_acknowledgement(
    mut scene: Scene,
) {
    scene.watch().await.unwrap();
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

async fn a_second_start_on_an_empty_data_folder_delivers_nothing_twice(mut scene: Scene) {
    scene.watch().await.unwrap();
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

async fn the_agent_ends_cleanly_and_quickly(mut scene: Scene) {
    scene.watch().await.unwrap();
    let took = scene.stop_agent().unwrap();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

async fn an_answer_to_an_id_that_the_server_gave_is_found(mut scene: Scene) {
    let ours = scene.campaign.send_message_id(SEND_FLYNN);
    let given = "AM9PR04MB8505F4F2@AM9PR04MB8505.eurprd04.prod.outlook.example";
    let rewritten = |raw: &[u8]| String::from_utf8_lossy(raw).replace(&ours, given).into_bytes();
    let copies = scene.campaign.sent_copies();
    let copy = copies.iter().find(|raw| String::from_utf8_lossy(raw).contains(&ours)).unwrap();
    scene.mail.append("Sent", &rewritten(copy), &["\\Seen"], scene.campaign.sent_at()).await.unwrap();
    scene.watch().await.unwrap();
    let answer = rewritten(&scene.campaign.flynn_answers());
    deliver(&scene, &answer).await;
    let delivered = scene.delivered(&answer, LIMIT).await.unwrap();
    assert_eq!(told(&delivered).0, SEND_FLYNN, "{:#}", delivered.log);
    assert_eq!(first_rung(&delivered), "in_reply_to");
    assert_eq!(delivered.log.pointer("/evidence/0/value").unwrap(), &format!("<{given}>"));
}

async fn a_meeting_that_is_accepted_stops_the_campaign(mut scene: Scene) {
    scene.watch().await.unwrap();
    let answer = String::from_utf8(scene.campaign.flynn_answers()).unwrap();
    let (header, _) = answer.split_once("\r\n\r\n").unwrap();
    let fields = header.replace("\r\n ", " ").replace("\r\n\t", " ");
    let fields = fields.lines().filter(|line| !line.to_ascii_lowercase().starts_with("content-"));
    let header = fields.map(|line| format!("{line}\r\n")).collect::<String>();
    let accepted = format!(
        "{header}Content-Type: text/calendar; charset=utf-8; method=REPLY\r\nContent-Class: urn:content-classes:calendarmessage\r\n\r\n\
         BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nVERSION:2.0\r\nPRODID:Microsoft Exchange Server 2010\r\nBEGIN:VEVENT\r\n\
         ATTENDEE;PARTSTAT=ACCEPTED;CN=Kevin:mailto:kevinf@flynnsarcade.com\r\nUID:040000008200E0\r\nSUMMARY:Accepted\r\n\
         DTSTART:20261126T090000Z\r\nDTEND:20261126T093000Z\r\nDTSTAMP:20261124T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    deliver(&scene, accepted.as_bytes()).await;
    let delivered = scene.delivered(accepted.as_bytes(), LIMIT).await.unwrap();
    let (send, kind, _, types) = told(&delivered);
    assert_eq!((send, kind, types), (SEND_FLYNN, "calendar_response", vec!["stop", "log"]));
}

#[tokio::test]
async fn over_graph_an_answer_is_delivered_once_whatever_the_service_does() {
    let mut scene = Scene::on_graph().await.unwrap();
    let MailServer::Graph(server) = &scene.mail else { unreachable!("it is Graph") };
    let delta = "/messages/delta";
    server.fault_once(delta, Fault::CutAt(300));
    server.fault_once(delta, Fault::Throttled(Duration::from_secs(2)));
    scene.watch().await.unwrap();
    let answer = scene.campaign.flynn_answers();
    let MailServer::Graph(server) = &scene.mail else { unreachable!("it is Graph") };
    let serial = server.mailbox().deliver("Inbox", &answer);
    scene.delivered(&answer, LIMIT).await.unwrap();
    let MailServer::Graph(server) = &scene.mail else { unreachable!("it is Graph") };
    server.mailbox().move_message(serial, "Inbox/Prospects");
    server.mailbox().expire_sync_state();
    server.fault_once(delta, Fault::Unavailable);
    server.fault_once("$value", Fault::CutAt(40));
    let last = scene.campaign.alan_answers();
    server.mailbox().deliver("Inbox", &last);
    scene.delivered(&last, OTHER_FOLDER_LIMIT).await.unwrap();
    scene.each_event_once().await.unwrap();
    let MailServer::Graph(server) = &scene.mail else { unreachable!("it is Graph") };
    assert!(server.most_at_once() <= 4);
}

#[tokio::test]
async fn over_ews_an_answer_is_delivered_once_whatever_the_server_does() {
    let mut scene = Scene::on_ews().await.unwrap();
    let MailServer::Ews(server) = &scene.mail else { unreachable!("it is Exchange") };
    server.fault_once("SyncFolderItems", ews::Fault::CutAt(300));
    server.fault_once("SyncFolderItems", ews::Fault::Busy(Duration::from_secs(2)));
    scene.watch().await.unwrap();
    let answer = scene.campaign.flynn_answers();
    let MailServer::Ews(server) = &scene.mail else { unreachable!("it is Exchange") };
    let serial = server.mailbox().deliver("Inbox", &answer);
    scene.delivered(&answer, LIMIT).await.unwrap();
    let MailServer::Ews(server) = &scene.mail else { unreachable!("it is Exchange") };
    server.mailbox().move_message(serial, "Inbox/Prospects");
    server.mailbox().expire_sync_state();
    server.fault_once("SyncFolderItems", ews::Fault::Unavailable);
    server.fault_once("GetItem", ews::Fault::CutAt(40));
    server.end_streams();
    let last = scene.campaign.alan_answers();
    server.mailbox().deliver("Inbox", &last);
    scene.delivered(&last, OTHER_FOLDER_LIMIT).await.unwrap();
    scene.each_event_once().await.unwrap();
}
