//! Events pushed to a platform behind, on each store.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic in a test is its report"
)]

mod scene;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use answerback_backend::EventType;
use answerback_reference_backend::conformance::{Kit, answer};
use answerback_reference_backend::store::deliveries::{Attempt, DueWebhook};
use answerback_reference_backend::webhook::schedule::Outcome;
use answerback_reference_backend::webhook::signature;
use answerback_reference_backend::{Config, Networks, Server, Store};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use scene::{ORG, Platform, kit, on_both_stores, start, until};

on_both_stores! {
    each_event_is_pushed_once_signed_and_in_its_sends_order,
    two_copies_don_t_deliver_at_the_same_time,
    an_endpoint_that_is_down_gets_everything_when_it_is_up_again,
    what_is_refused_again_and_again_is_a_dead_letter_until_it_is_redelivered,
    a_copy_that_is_killed_loses_its_lease,
    an_endpoint_that_is_gone_is_disabled_until_it_is_switched_on,
}

struct Made {
    id: String,
    secret: String,
}

async fn webhook(kit: &Kit, url: &str) -> Made {
    let made = answer(kit.platform(Method::POST, "/v1/webhooks").json(&json!({"url": url}))).await.unwrap();
    let made = made.expect(StatusCode::CREATED).unwrap().body;
    Made { id: made["id"].as_str().unwrap().into(), secret: made["secret"].as_str().unwrap().into() }
}

async fn listed(kit: &Kit) -> Value {
    answer(kit.platform(Method::GET, "/v1/webhooks")).await.unwrap().body["webhooks"][0].clone()
}

/// Sends, each with a stop and then logs.
async fn events(kit: &Kit, sends: usize, each: usize) -> Vec<Value> {
    let sends: Vec<_> = (0..sends).map(|_| kit.tracked(SignedDuration::from_hours(1))).collect();
    kit.put_sends(&sends.iter().collect::<Vec<_>>()).await.unwrap();
    let mut events = Vec::new();
    for n in 0..each {
        for send in &sends {
            let (event_type, data) = match n {
                0 => (EventType::Stop, json!({"reason": "reply"})),
                _ => (EventType::Log, json!({"kind": "reply", "reply": {}, "confidence": 1.0})),
            };
            events.push(kit.event(event_type, send, &format!("<r{n}@x>"), &data));
        }
    }
    for batch in events.chunks(500) {
        kit.push(batch).await.unwrap();
    }
    events
}

async fn each_event_is_pushed_once_signed_and_in_its_sends_order(database: String) {
    let server = start(&database).await;
    let kit = kit(&server).await;
    let platform = Platform::start(Duration::from_millis(5)).await;
    let before = events(&kit, 1, 1).await;
    let made = webhook(&kit, &platform.url).await;
    let sent = events(&kit, 12, 4).await;
    platform.takes(sent.len()).await;
    kit.push(&sent[..5]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;

    let taken = platform.taken();
    let ids: Vec<&str> = taken.iter().map(scene::Hook::id).collect();
    assert_eq!(ids.len(), sent.len(), "each once");
    assert!(!ids.contains(&before[0]["id"].as_str().unwrap()), "events of before are pulled");
    let mut per_send: HashMap<String, Vec<(String, std::time::Instant, std::time::Instant)>> = HashMap::new();
    for hook in &taken {
        let event: Value = serde_json::from_str(&hook.body).unwrap();
        assert!(sent.contains(&event), "it comes as it was sent: {event}");
        let at = hook.headers["webhook-timestamp"].to_str().unwrap().parse().unwrap();
        let at = Timestamp::from_second(at).unwrap();
        let expected = signature::header([made.secret.as_str()], hook.id(), at, hook.body.as_bytes());
        assert_eq!(hook.headers["webhook-signature"].to_str().unwrap(), expected.unwrap());
        assert!(Timestamp::now().duration_since(at).abs() < SignedDuration::from_mins(5));
        let of = event["subject"].as_str().unwrap().to_owned();
        per_send.entry(of).or_default().push((hook.id().to_owned(), hook.began, hook.ended));
    }
    for (send, came) in per_send {
        let order: Vec<&str> =
            sent.iter().filter(|e| e["subject"] == *send).map(|e| e["id"].as_str().unwrap()).collect();
        assert_eq!(came.iter().map(|(id, ..)| id.as_str()).collect::<Vec<_>>(), order);
        assert!(came.windows(2).all(|two| two[0].2 <= two[1].1), "one after the other");
    }
    let state = listed(&kit).await;
    assert_eq!((&state["state"], &state["pending"]), (&json!("active"), &json!(0)), "{state}");
    server.shutdown().await;
}

async fn two_copies_don_t_deliver_at_the_same_time(database: String) {
    let (one, two) = (start(&database).await, start(&database).await);
    let kit = kit(&one).await;
    let platform = Platform::start(Duration::from_millis(30)).await;
    webhook(&kit, &platform.url).await;
    let sent = events(&kit, 60, 3).await;
    platform.takes(sent.len()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let taken = platform.taken();
    let ids: HashSet<&str> = taken.iter().map(scene::Hook::id).collect();
    assert_eq!((ids.len(), taken.len()), (sent.len(), sent.len()), "each once");
    one.shutdown().await;
    two.shutdown().await;
}

async fn an_endpoint_that_is_down_gets_everything_when_it_is_up_again(database: String) {
    let server = start(&database).await;
    let kit = kit(&server).await;
    let platform = Platform::start(Duration::ZERO).await;
    let made = webhook(&kit, &platform.url).await;
    platform.always(Some(503));
    let sent = events(&kit, 20, 2).await;
    until("the endpoint counts as failing", async || listed(&kit).await["state"] == "failing").await;
    let tries = platform.seen().len();
    assert!(tries <= 8, "it is left alone: {tries} requests");
    assert_eq!(listed(&kit).await["pending"], json!(40));
    platform.always(None);
    // The administrator does not want to wait for the next attempt.
    let change = json!({"url": platform.url, "enabled": true});
    let path = format!("/v1/webhooks/{}", made.id);
    answer(kit.platform(Method::PUT, &path).json(&change))
        .await
        .unwrap()
        .expect(StatusCode::NO_CONTENT)
        .unwrap();
    platform.takes(sent.len()).await;
    let ids: HashSet<String> = platform.taken().iter().map(|hook| hook.id().to_owned()).collect();
    assert_eq!(ids.len(), sent.len());
    until("nothing is left", async || listed(&kit).await["pending"] == json!(0)).await;
    server.shutdown().await;
}

/// Tries ten times without waiting: as the courier does, with another clock.
async fn exhaust(store: &Store, of: &DueWebhook, outcome: Outcome) {
    let mut now = Timestamp::now() + SignedDuration::from_mins(1);
    for _ in 0..10 {
        for delivery in store.lease_deliveries(of, 0, 8, now).await.unwrap() {
            let attempt = Attempt { outcome, problem: Some("It answered 400 Bad Request.".into()) };
            store.settle_delivery(of, &delivery, &attempt, 0, 0.5).await.unwrap();
        }
        now += SignedDuration::from_hours(30);
    }
}

async fn what_is_refused_again_and_again_is_a_dead_letter_until_it_is_redelivered(database: String) {
    let server = start(&database).await;
    let kit = kit(&server).await;
    let platform = Platform::start(Duration::ZERO).await;
    let made = webhook(&kit, &platform.url).await;
    platform.answer(&[400]);
    let sent = events(&kit, 1, 1).await;
    until("it was tried", async || !platform.seen().is_empty()).await;
    until("it was written down", async || {
        server.store().due_webhooks(Timestamp::now()).await.unwrap().is_empty()
    })
    .await;
    exhaust(server.store(), &DueWebhook { org: ORG.into(), webhook: made.id.clone() }, Outcome::Refused)
        .await;
    let path = format!("/v1/webhooks/{}/dead-letters", made.id);
    let dead = answer(kit.platform(Method::GET, &path)).await.unwrap().body;
    assert_eq!(dead["dead_letters"].as_array().unwrap().len(), 1, "{dead}");
    let letter = &dead["dead_letters"][0];
    assert_eq!((&letter["event_id"], &letter["attempts"]), (&sent[0]["id"], &json!(10)));
    assert_eq!(letter["problem"], "It answered 400 Bad Request.");
    assert_eq!(listed(&kit).await["dead_letters"], json!(1));

    let later = events(&kit, 1, 1).await;
    platform.takes(1).await;
    assert_eq!(platform.taken()[0].id(), later[0]["id"].as_str().unwrap(), "others go on");
    let path = format!("/v1/webhooks/{}/redeliver", made.id);
    let again = kit.platform(Method::POST, &path).json(&json!({"event_id": sent[0]["id"]}));
    assert_eq!(answer(again).await.unwrap().body, json!({"redelivered": 1}));
    platform.takes(2).await;
    assert_eq!(platform.taken()[1].id(), sent[0]["id"].as_str().unwrap());
    until("no dead letter is left", async || listed(&kit).await["dead_letters"] == json!(0)).await;
    server.shutdown().await;
}

async fn a_copy_that_is_killed_loses_its_lease(database: String) {
    let server = start(&database).await;
    let kit = kit(&server).await;
    let made = webhook(&kit, "http://127.0.0.1:1/").await;
    server.shutdown().await;
    // A server without a courier: the test is one.
    let store = Store::open(&database).await.unwrap();
    let of = DueWebhook { org: ORG.into(), webhook: made.id };
    let another = start(&database).await;
    let path = format!("/v1/webhooks/{}", of.webhook);
    let off = json!({"url": "http://127.0.0.1:1/", "enabled": true});
    let kit = scene::kit(&another).await;
    answer(kit.platform(Method::PUT, &path).json(&off))
        .await
        .unwrap()
        .expect(StatusCode::NO_CONTENT)
        .unwrap();
    events(&kit, 1, 1).await;
    until("it was tried and waits", async || store.due_webhooks(Timestamp::now()).await.unwrap().is_empty())
        .await;
    another.shutdown().await;

    let now = Timestamp::now() + SignedDuration::from_hours(1);
    let killed = store.lease_deliveries(&of, 0, 8, now).await.unwrap();
    assert_eq!(killed.len(), 1);
    assert!(store.lease_deliveries(&of, 0, 8, now).await.unwrap().is_empty(), "it is leased");
    let later = now + SignedDuration::from_mins(2);
    let next = store.lease_deliveries(&of, 0, 8, later).await.unwrap();
    assert_eq!((next.len(), next[0].attempts), (1, killed[0].attempts + 1), "counted before it was tried");
    // The first comes to life again and says that it failed; that is of no account any more.
    let failed = Attempt { outcome: Outcome::Refused, problem: None };
    store.settle_delivery(&of, &killed[0], &failed, 0, 0.5).await.unwrap();
    let delivered = Attempt { outcome: Outcome::Delivered, problem: None };
    store.settle_delivery(&of, &next[0], &delivered, 0, 0.5).await.unwrap();
    assert_eq!(store.delivery_counts().await.unwrap(), (0, 0));
    store.close().await;
}

async fn an_endpoint_that_is_gone_is_disabled_until_it_is_switched_on(database: String) {
    let server = start(&database).await;
    let kit = kit(&server).await;
    let platform = Platform::start(Duration::ZERO).await;
    let made = webhook(&kit, &platform.url).await;
    platform.answer(&[410]);
    let sent = events(&kit, 1, 1).await;
    until("it is disabled", async || listed(&kit).await["state"] == "disabled").await;
    let meanwhile = events(&kit, 1, 1).await;
    let path = format!("/v1/webhooks/{}", made.id);
    let on = json!({"url": platform.url});
    answer(kit.platform(Method::PUT, &path).json(&on)).await.unwrap().expect(StatusCode::NO_CONTENT).unwrap();
    platform.takes(1).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let ids: Vec<String> = platform.taken().iter().map(|hook| hook.id().to_owned()).collect();
    assert_eq!(ids, [sent[0]["id"].as_str().unwrap()], "what came meanwhile is pulled: {meanwhile:?}");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_tested_its_secret_rotated_and_it_is_removed() {
    let (_folder, server) = scene::on_sqlite().await;
    let kit = kit(&server).await;
    let platform = Platform::start(Duration::ZERO).await;
    let made = webhook(&kit, &platform.url).await;
    let path = |rest: &str| format!("/v1/webhooks/{}{rest}", made.id);
    let tested = answer(kit.platform(Method::POST, &path("/test"))).await.unwrap().body;
    assert_eq!(tested, json!({"delivered": true, "problem": null}));
    let rotated = answer(kit.platform(Method::POST, &path("/secret"))).await.unwrap().body;
    let new = rotated["secret"].as_str().unwrap().to_owned();
    answer(kit.platform(Method::POST, &path("/test"))).await.unwrap();
    let hook = platform.taken().pop().unwrap();
    let at = Timestamp::from_second(hook.headers["webhook-timestamp"].to_str().unwrap().parse().unwrap());
    let both = [new.as_str(), made.secret.as_str()];
    let expected = signature::header(both, hook.id(), at.unwrap(), hook.body.as_bytes()).unwrap();
    assert_eq!(hook.headers["webhook-signature"].to_str().unwrap(), expected, "both sign for a day");
    assert!(!listed(&kit).await.to_string().contains("whsec_"), "a secret is shown once");

    platform.answer(&[302]);
    let redirected = answer(kit.platform(Method::POST, &path("/test"))).await.unwrap().body;
    assert_eq!(redirected, json!({"delivered": false, "problem": "It answered 302 Found."}));
    assert_eq!(answer(kit.platform(Method::DELETE, &path(""))).await.unwrap().status, StatusCode::NO_CONTENT);
    answer(kit.platform(Method::POST, &path("/test"))).await.unwrap().problem(StatusCode::NOT_FOUND).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_can_t_be_in_a_network_that_is_not_allowed() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut config = Config::local(format!("sqlite:{}", folder.path().join("backend.db").display()));
    config.webhook_networks = Networks::Public;
    let server = Server::start(config).await.unwrap();
    let kit = kit(&server).await;
    for url in [
        "http://127.0.0.1:9000/",
        "https://localhost/",
        "https://169.254.169.254/",
        "http://crm.example.com/",
    ] {
        let made = answer(kit.platform(Method::POST, "/v1/webhooks").json(&json!({"url": url}))).await;
        made.unwrap().problem(StatusCode::BAD_REQUEST).unwrap();
    }
    let other = server.store().issue_token("encom", None).await.unwrap();
    let made = webhook(&kit, "https://crm.example.com/").await;
    let other = Kit::new(&server.url(), other.clone(), other, "x@y").unwrap();
    let path = format!("/v1/webhooks/{}/test", made.id);
    answer(other.platform(Method::POST, &path)).await.unwrap().problem(StatusCode::NOT_FOUND).unwrap();
    answer(kit.laptop(Method::GET, "/v1/webhooks")).await.unwrap().problem(StatusCode::FORBIDDEN).unwrap();
}
