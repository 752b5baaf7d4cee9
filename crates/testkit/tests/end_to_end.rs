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

use answerback_testkit::e2e::{LIMIT, OTHER_FOLDER_LIMIT, Scene, rows};
use answerback_testkit::ews;
use answerback_testkit::graph::Fault;
use answerback_testkit::mail_server::MailServer;

macro_rules! on_each_mailbox {
    ($($test:ident),+ $(,)?) => {
        mod over_imap {
            use super::*;
            $(
                #[tokio::test]
                async fn $test() {
                    rows::$test(Scene::on_dovecot().await.unwrap()).await;
                }
            )+
        }
        mod over_graph {
            use super::*;
            $(
                #[tokio::test]
                async fn $test() {
                    rows::$test(Scene::on_graph().await.unwrap()).await;
                }
            )+
        }
        mod over_ews {
            use super::*;
            $(
                #[tokio::test]
                async fn $test() {
                    rows::$test(Scene::on_ews().await.unwrap()).await;
                }
            )+
        }
    };
}

on_each_mailbox! {
    flynn_answers_from_another_address_and_his_campaign_stops,
    alan_who_was_in_cc_answers_and_the_campaign_ends,
    own_follow_ups_tell_the_backend_nothing,
    newsletters_and_unrelated_mail_tell_the_backend_nothing,
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
