//! What is tried over every mailbox, as one table: by the tests over servers of ours, by `cargo xtask try-real` over somebody's own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic in a row is its report"
)]

use std::pin::Pin;
use std::time::Duration;

use serde_json::Value;

use super::{Delivered, LIMIT, OTHER_FOLDER_LIMIT, Scene};
use crate::campaign::{SEND_FLYNN, SEND_GIBBS, SEND_LORA, SEND_YORI};

/// One thing that is tried.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What must hold.
    pub name: &'static str,
    /// What the mailbox must offer for it beside receiving mail.
    pub needs: &'static [Need],
    /// Tries it; panics where it does not hold.
    pub play: fn(Scene) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// What not every mailbox offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Messages can be put anywhere in it, from behind the server.
    Write,
    /// A rule files some mail into another folder.
    Rule,
    /// The address from which Flynn answers is not that of Alan, who is in CC.
    FlynnIsNotAlan,
}

macro_rules! rows {
    ($($name:literal, [$($need:ident),*]: $play:ident);+ $(;)?) => {
        /// Everything that is tried.
        pub const ROWS: &[Row] = &[
            $(Row { name: $name, needs: &[$(Need::$need),*], play: |scene| Box::pin($play(scene)) }),+
        ];
    };
}

rows! {
    "an answer from another address stops the campaign", [FlynnIsNotAlan]:
        flynn_answers_from_another_address_and_his_campaign_stops;
    "somebody in CC answers", []: alan_who_was_in_cc_answers_and_the_campaign_ends;
    "own follow-ups", [Write]: own_follow_ups_tell_the_backend_nothing;
    "newsletters, unrelated mail", []: newsletters_and_unrelated_mail_tell_the_backend_nothing;
    "out of office, in two forms", []: an_out_of_office_mail_pauses_until_the_return_date_whoever_wrote_it;
    "a bounce", []: a_bounce_stops_and_marks_the_address_as_invalid;
    "a meeting is accepted", []: a_meeting_that_is_accepted_stops_the_campaign;
    "an answer to a rewritten Message-ID", [Write]: an_answer_to_an_id_that_the_server_gave_is_found;
    "mail that was read elsewhere; the mailbox is untouched", [Write]:
        mail_that_another_client_has_read_is_found_and_the_mailbox_is_left_untouched;
    "mail that a rule files into a folder", [Rule]: mail_that_a_server_rule_files_into_a_folder_is_found;
    "agent killed while the backend is down", []:
        an_answer_is_delivered_once_when_the_agent_is_killed_while_the_backend_is_down;
    "agent killed while the backend owes its acknowledgement", []:
        an_answer_is_delivered_once_when_the_agent_is_killed_while_the_backend_owes_its_acknowledgement;
    "a second start without its store", []: a_second_start_on_an_empty_data_folder_delivers_nothing_twice;
    "the agent ends cleanly", []: the_agent_ends_cleanly_and_quickly;
}

/// The essentials of what the backend was told.
fn told(delivered: &Delivered) -> (&str, &str, &str, Vec<&str>) {
    let text = |name| delivered.log.get(name).and_then(Value::as_str).unwrap_or_default();
    let types = delivered.types.iter().map(String::as_str).collect();
    (text("send_id"), text("kind"), text("relation"), types)
}

fn first_rung(delivered: &Delivered) -> &str {
    delivered.log.pointer("/evidence/0/rung").and_then(Value::as_str).unwrap_or_default()
}

async fn deliver(scene: &Scene, raw: &[u8]) {
    scene.mail.deliver("INBOX", raw).await.unwrap();
}

/// As its name says.
pub async fn flynn_answers_from_another_address_and_his_campaign_stops(mut scene: Scene) {
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

/// As its name says.
pub async fn alan_who_was_in_cc_answers_and_the_campaign_ends(mut scene: Scene) {
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

/// As its name says.
pub async fn own_follow_ups_tell_the_backend_nothing(mut scene: Scene) {
    scene.watch().await.unwrap();
    let own = scene.campaign.own_follow_up();
    scene.mail.deliver("Sent", &own).await.unwrap();
    deliver(&scene, &own).await;
    only_an_answer_is_told(&mut scene).await;
}

/// As its name says.
pub async fn newsletters_and_unrelated_mail_tell_the_backend_nothing(mut scene: Scene) {
    scene.watch().await.unwrap();
    for raw in [scene.campaign.newsletter(), scene.campaign.unrelated()] {
        deliver(&scene, &raw).await;
    }
    only_an_answer_is_told(&mut scene).await;
}

/// The folder is read in order: when an answer has come through, what lay before it was judged.
async fn only_an_answer_is_told(scene: &mut Scene) {
    let last = scene.campaign.flynn_answers();
    deliver(scene, &last).await;
    scene.delivered(&last, LIMIT).await.unwrap();
    let events = scene.events().await.unwrap();
    assert_eq!(events.len(), 2, "only the answer's stop and log: {events:#?}");
    assert_ne!(scene.gate(SEND_YORI).await.unwrap(), "stopped");
}

/// As its name says.
pub async fn an_out_of_office_mail_pauses_until_the_return_date_whoever_wrote_it(mut scene: Scene) {
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

/// As its name says.
pub async fn a_bounce_stops_and_marks_the_address_as_invalid(mut scene: Scene) {
    scene.watch().await.unwrap();
    let bounce = scene.campaign.gibbs_bounces();
    deliver(&scene, &bounce).await;
    let delivered = scene.delivered(&bounce, LIMIT).await.unwrap();
    let (send, kind, _, types) = told(&delivered);
    assert_eq!((send, kind, types), (SEND_GIBBS, "bounce", vec!["stop", "suppress", "log"]));
    assert_eq!(delivered.log["reply"]["bounce"]["status"], "5.1.1");
    assert_eq!(scene.gate(SEND_GIBBS).await.unwrap(), "stopped");
}

/// As its name says.
pub async fn mail_that_another_client_has_read_is_found_and_the_mailbox_is_left_untouched(mut scene: Scene) {
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

/// As its name says.
pub async fn mail_that_a_server_rule_files_into_a_folder_is_found(mut scene: Scene) {
    scene.watch().await.unwrap();
    let answer = scene.campaign.flynn_answers();
    scene.mail.deliver("Prospects", &answer).await.unwrap();
    let delivered = scene.delivered(&answer, OTHER_FOLDER_LIMIT).await.unwrap();
    assert_eq!(told(&delivered).3, ["stop", "log"]);
    scene.each_event_once().await.unwrap();
}

/// As its name says.
pub async fn an_answer_is_delivered_once_when_the_agent_is_killed_while_the_backend_is_down(
    mut scene: Scene,
) {
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

/// As its name says.
pub async fn an_answer_is_delivered_once_when_the_agent_is_killed_while_the_backend_owes_its_acknowledgement(
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

/// As its name says.
pub async fn a_second_start_on_an_empty_data_folder_delivers_nothing_twice(mut scene: Scene) {
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

/// As its name says.
pub async fn the_agent_ends_cleanly_and_quickly(mut scene: Scene) {
    scene.watch().await.unwrap();
    let took = scene.stop_agent().unwrap();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// As its name says.
pub async fn an_answer_to_an_id_that_the_server_gave_is_found(mut scene: Scene) {
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

/// As its name says.
pub async fn a_meeting_that_is_accepted_stops_the_campaign(mut scene: Scene) {
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
