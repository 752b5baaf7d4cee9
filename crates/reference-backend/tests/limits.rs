//! What keeps one client from holding up the others, and what tells the operator about it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic in a test is its report")]

mod scene;

use answerback_reference_backend::conformance::{Answer, Kit, answer};
use answerback_reference_backend::rate::Rate;
use answerback_reference_backend::{Config, Handle, Limits, Server};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tempfile::TempDir;

use scene::{Browser, ORG, kit};

const SLOW: Rate = Rate { per_second: 0.01, burst: 3.0 };

async fn limited(limits: Limits, behind_proxy: bool) -> (TempDir, Handle) {
    let folder = TempDir::new().unwrap();
    let config = Config {
        limits,
        behind_proxy,
        ..Config::local(format!("sqlite:{}", folder.path().join("backend.db").display()))
    };
    (folder, Server::start(config).await.unwrap())
}

fn throttled(answer: Answer, retry_after: Option<&str>) {
    let seconds: u64 = retry_after.unwrap().parse().unwrap();
    assert!((1..=101).contains(&seconds), "{seconds}");
    answer.problem(StatusCode::TOO_MANY_REQUESTS).unwrap();
}

async fn policy(kit: &Kit) -> (StatusCode, Option<String>) {
    let response = kit.laptop(Method::GET, "/v1/policy").send().await.unwrap();
    let wait = response.headers().get("retry-after").map(|h| h.to_str().unwrap().to_owned());
    (response.status(), wait)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_token_has_a_rate_of_its_own() {
    let (_folder, server) = limited(Limits { laptop: SLOW, ..Limits::default() }, false).await;
    let (one, other) = (kit(&server).await, kit(&server).await);
    for _ in 0..3 {
        assert_eq!(policy(&one).await.0, StatusCode::OK);
    }
    let (_, wait) = policy(&one).await;
    throttled(answer(one.laptop(Method::GET, "/v1/policy")).await.unwrap(), wait.as_deref());
    assert_eq!(policy(&other).await.0, StatusCode::OK, "another laptop goes on");
    assert_eq!(answer(one.platform(Method::GET, "/v1/events")).await.unwrap().status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_can_t_try_out_tokens_and_codes() {
    let (_folder, server) = limited(Limits { stranger: SLOW, ..Limits::default() }, false).await;
    let kit = kit(&server).await;
    let wrong =
        async || answer(kit.anonymous(Method::GET, "/v1/policy").bearer_auth("ab_wrong")).await.unwrap();
    for _ in 0..3 {
        assert_eq!(wrong().await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(wrong().await.status, StatusCode::TOO_MANY_REQUESTS);
    let begin = kit.anonymous(Method::POST, "/oauth/device_authorization").form(&[("device_name", "x")]);
    answer(begin).await.unwrap().problem(StatusCode::TOO_MANY_REQUESTS).unwrap();
    let mut browser = Browser::new(&server);
    let page = browser.post("/admin/sign-in", &[("token", "ab_platform_wrong")]).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(policy(&kit).await.0, StatusCode::OK, "whoever has a token goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_known_by_what_our_own_proxy_saw() {
    for (behind_proxy, last) in [(true, StatusCode::OK), (false, StatusCode::TOO_MANY_REQUESTS)] {
        let (_folder, server) = limited(Limits { stranger: SLOW, ..Limits::default() }, behind_proxy).await;
        let kit = kit(&server).await;
        let begin = async |forwarded: &str| {
            let request = kit.anonymous(Method::POST, "/oauth/device_authorization");
            let request = request.header("x-forwarded-for", forwarded).form(&[("device_name", "x")]);
            answer(request).await.unwrap().status
        };
        for n in 0..3 {
            // What stands before is the client's own claim, and different each time.
            assert_eq!(begin(&format!("10.0.0.{n}, 192.0.2.1")).await, StatusCode::OK);
        }
        assert_eq!(begin("10.0.0.9, 192.0.2.1").await, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(begin("10.0.0.9, 192.0.2.2").await, last, "behind a proxy: {behind_proxy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_names_the_request_that_is_in_the_log() {
    let (_folder, server) = scene::on_sqlite().await;
    let kit = kit(&server).await;
    let ask = async |id: &str| {
        let request = kit.laptop(Method::GET, "/v1/sends?limit=0").header("x-request-id", id);
        let response = request.send().await.unwrap();
        let given = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let problem: serde_json::Value = response.json().await.unwrap();
        assert_eq!(problem["instance"], json!(given));
        given
    };
    assert_eq!(ask("req-4711").await, "req-4711");
    for bad in ["a b", "\"", &"x".repeat(65)] {
        assert_eq!(ask(bad).await.len(), 36, "another is made for {bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counters_tell_what_needs_somebody() {
    let (_folder, server) = scene::on_sqlite().await;
    let kit = kit(&server).await;
    let days_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(72);
    kit.push(&[kit.coverage(days_ago).unwrap()]).await.unwrap();
    server.store().add_webhook(ORG, "http://127.0.0.1:1/").await.unwrap();
    let text = kit.anonymous(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    for line in [
        "answerback_mailboxes{state=\"silent\"} 1",
        "answerback_mailboxes{state=\"checked\"} 0",
        "answerback_webhook_deliveries{state=\"dead\"} 0",
        "answerback_http_requests_total{route=\"/v1/events\",status=\"200\"} 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
    }
}
