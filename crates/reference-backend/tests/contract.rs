//! The contract's tests against this server, on each store.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic in a test is its report"
)]

use std::time::Duration;

use answerback_backend::{BackendError, Client, ClientOptions, EventType};
use answerback_reference_backend::conformance::{self, Kit};
use answerback_reference_backend::{Config, Handle, Server};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tempfile::TempDir;

const REP: &str = "rep@sales.example";

async fn start(folder: &TempDir) -> Handle {
    let path = folder.path().join("backend.db");
    Server::start(Config::local(format!("sqlite:{}", path.display()))).await.unwrap()
}

async fn kit(server: &Handle) -> Kit {
    let platform = server.store().issue_token("acme", None).await.unwrap();
    let laptop = server.store().issue_token("acme", Some(REP)).await.unwrap();
    Kit::new(&server.url(), platform, laptop, REP).unwrap()
}

async fn conforms(kit: &Kit) {
    let failures: Vec<_> = conformance::run(kit).await.into_iter().filter(|r| r.failure.is_some()).collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_every_check_passes_also_a_second_time() {
    let folder = TempDir::new().unwrap();
    let server = start(&folder).await;
    let kit = kit(&server).await;
    conforms(&kit).await;
    conforms(&kit).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_has_only_its_own_reps_sends_and_stops_only_those() {
    let folder = TempDir::new().unwrap();
    let server = start(&folder).await;
    let platform = server.store().issue_token("acme", None).await.unwrap();
    let mut kits = Vec::new();
    for (org, rep) in [("acme", REP), ("acme", "other@sales.example"), ("encom", REP)] {
        let laptop = server.store().issue_token(org, Some(rep)).await.unwrap();
        kits.push(Kit::new(&server.url(), platform.clone(), laptop, rep).unwrap());
    }
    let send = kits[0].tracked(SignedDuration::from_hours(24));
    kits[0].put_sends(&[&send]).await.unwrap();
    for (kit, expected) in kits.iter().zip([1, 0, 0]) {
        assert_eq!(kit.feed(None).await.unwrap().0.len(), expected, "{}", kit.rep);
    }
    let stop = |kit: &Kit| kit.event(EventType::Stop, &send, "<r1@x>", &json!({"reason": "reply"}));
    assert_eq!(kits[1].push(&[stop(&kits[1])]).await.unwrap(), ["rejected"], "another rep's send");
    assert_eq!(
        kits[2].push(&[stop(&kits[2])]).await.unwrap(),
        ["accepted"],
        "another organisation's namesake"
    );
    kits[0].gate_is(&send, "hold", None).await.unwrap();
    assert_eq!(kits[0].push(&[stop(&kits[0])]).await.unwrap(), ["accepted"]);
    kits[0].gate_is(&send, "stopped", Some("reply")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_that_was_away_too_long_starts_over_and_loses_nothing() {
    let folder = TempDir::new().unwrap();
    let server = start(&folder).await;
    let kit = kit(&server).await;
    let sends: Vec<_> = (0..600).map(|_| kit.tracked(SignedDuration::from_hours(1))).collect();
    kit.put_sends(&sends.iter().collect::<Vec<_>>()).await.unwrap();
    let (_, _, cursor) = kit.feed(None).await.unwrap();
    server.store().remove_send("acme", &sends[0].id).await.unwrap();
    assert_eq!(server.store().forget_removals(Timestamp::now()).await.unwrap(), 1);
    let expired = kit.laptop(Method::GET, "/v1/sends").query(&[("cursor", &cursor)]).send().await.unwrap();
    assert_eq!(expired.status(), StatusCode::GONE);
    let (all, removed, _) = kit.feed(None).await.unwrap();
    let ids: Vec<&str> = all.iter().map(|s| s["id"].as_str().unwrap()).collect();
    assert_eq!(ids, sends[1..].iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), "in pages, each once");
    assert!(removed.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_exported_and_erased_and_stays_suppressed() {
    let folder = TempDir::new().unwrap();
    let server = start(&folder).await;
    let (kit, store) = (kit(&server).await, server.store());
    let (send, other) =
        (kit.tracked(SignedDuration::from_hours(1)), kit.tracked(SignedDuration::from_hours(1)));
    kit.put_sends(&[&send, &other]).await.unwrap();
    let (_, _, cursor) = kit.feed(None).await.unwrap();
    let suppress = json!({"address": send.address, "reason": "opt_out"});
    let events = [
        kit.event(EventType::Stop, &send, "<r1@x>", &json!({"reason": "opt_out"})),
        kit.event(EventType::Suppress, &send, "<r1@x>", &suppress),
        kit.event(EventType::Stop, &other, "<r2@x>", &json!({"reason": "reply"})),
    ];
    kit.push(&events).await.unwrap();
    let dossier = store.export_person("acme", &send.address.to_uppercase()).await.unwrap();
    assert_eq!(
        (dossier.sends.len(), dossier.events.len(), dossier.suppressed),
        (1, 2, vec!["opt_out".to_owned()])
    );

    let erased = store.erase_person("acme", &send.address).await.unwrap();
    assert_eq!((erased.sends, erased.events), (1, 2));
    let (_, removed, _) = kit.feed(Some(cursor)).await.unwrap();
    assert_eq!(removed, [&*send.id], "laptops are told");
    assert!(kit.pulled(&send).await.unwrap().is_empty());
    assert_eq!(kit.pulled(&other).await.unwrap().len(), 1);
    assert_eq!(
        kit.push(&events).await.unwrap(),
        ["duplicate"; 3],
        "an event counts once, also when it is erased"
    );
    kit.gate_is(&send, "stopped", Some("opt_out")).await.unwrap();
    let mut next = kit.tracked(SignedDuration::from_hours(0));
    next.json["prospect"]["email"] = json!(send.address);
    kit.put_sends(&[&next]).await.unwrap();
    kit.gate_is(&next, "stopped", Some("suppressed")).await.unwrap();

    assert_eq!(store.forget_before(Timestamp::now()).await.unwrap().events, 1);
    assert!(kit.pulled(&other).await.unwrap().is_empty());
    kit.gate_is(&other, "stopped", Some("reply")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_refused_at_once() {
    let folder = TempDir::new().unwrap();
    let server = start(&folder).await;
    let token = server.store().issue_token("acme", Some(REP)).await.unwrap();
    let client = Client::new(&server.url(), token.clone(), &ClientOptions::default()).unwrap();
    assert!(client.policy(None).await.unwrap().is_some());
    assert!(server.store().revoke_token(&token).await.unwrap());
    assert_eq!(client.policy(None).await.unwrap_err(), BackendError::Unauthorised);
}

#[cfg(unix)]
mod on_postgres {
    use answerback_testkit::postgres::Postgres;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn every_check_passes() {
        if Postgres::installed().is_none() {
            eprintln!("SKIPPED: PostgreSQL is not installed");
            return;
        }
        let database = Postgres::start().unwrap();
        let server = Server::start(Config::local(database.url())).await.unwrap();
        let kit = kit(&server).await;
        conforms(&kit).await;
        server.shutdown().await;
    }

    /// PostgreSQL is killed again and again while a laptop pushes; what was acknowledged is there, once.
    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_acknowledged_survives_kills_of_the_database_and_counts_once() {
        if Postgres::installed().is_none() {
            eprintln!("SKIPPED: PostgreSQL is not installed");
            return;
        }
        let mut database = Postgres::start().unwrap();
        let server = Server::start(Config::local(database.url())).await.unwrap();
        let kit = kit(&server).await;
        let send = kit.tracked(SignedDuration::from_hours(1));
        kit.put_sends(&[&send]).await.unwrap();
        let event =
            |n: usize| kit.event(EventType::Stop, &send, &format!("<r{n}@x>"), &json!({"reason": "reply"}));
        let events: Vec<_> = (0..600).map(event).collect();
        let token = server.store().issue_token("acme", Some(REP)).await.unwrap();
        let client = Client::new(&server.url(), token, &ClientOptions::default()).unwrap();
        let texts: Vec<String> = events.iter().map(ToString::to_string).collect();
        let pushing = tokio::spawn(async move {
            for batch in texts.chunks(5) {
                while let Err(error) = client.push(batch).await {
                    assert!(error.is_transient(), "{error:?}");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        });
        for round in 0..3_u64 {
            tokio::time::sleep(Duration::from_millis(100 + round * 70)).await;
            database.crash();
            database.resume().unwrap();
        }
        pushing.await.unwrap();
        let pulled = kit.pulled(&send).await.unwrap();
        assert!(
            pulled == events,
            "{} events came instead of {}, or in another order",
            pulled.len(),
            events.len()
        );
        kit.gate_is(&send, "stopped", Some("reply")).await.unwrap();
    }
}
