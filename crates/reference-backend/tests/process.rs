//! The server as a process: killed, told to end, restarted.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic in a test is its report")]

use std::path::Path;
use std::time::{Duration, Instant};

use answerback_backend::{Client, ClientOptions, EventStatus, Token, account_id, source};
use answerback_testkit::backend::Backend;
use answerback_testkit::personas::REP;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

fn backend(folder: &TempDir) -> Backend {
    Backend::start(Path::new(env!("CARGO_BIN_EXE_answerback-backend")), folder.path()).unwrap()
}

fn client(backend: &Backend) -> Client {
    let token = Token::new(backend.laptop_token().unwrap());
    Client::new(&backend.url(), token, &ClientOptions::default()).unwrap()
}

fn log(n: u128) -> Value {
    let account = account_id(REP.address);
    json!({"specversion": "1.0", "id": Uuid::from_u128(n + 1), "source": source(account), "type": "answerback.log.v1",
        "time": "2026-11-20T09:12:00Z", "subject": "snd_1", "datacontenttype": "application/json",
        "data": {"send_id": "snd_1", "kind": "reply", "reply": {}, "confidence": 1.0}})
}

/// Pushes batches one after another, each until it is acknowledged, while the server is killed again and again.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kills_and_counts_once() {
    let folder = TempDir::new().unwrap();
    let mut backend = backend(&folder);
    let client = client(&backend);
    let events: Vec<String> = (0..2000).map(|n| log(n).to_string()).collect();
    let expected: Vec<Value> = (0..2000).map(log).collect();
    let pushing = tokio::spawn(async move {
        let (mut accepted, mut again) = (0, 0);
        for batch in events.chunks(20) {
            let results = loop {
                match client.push(batch).await {
                    Ok(results) => break results,
                    Err(error) => assert!(error.is_transient(), "{error:?}"),
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            };
            accepted += results.iter().filter(|r| r.status == EventStatus::Accepted).count();
            again += results.iter().filter(|r| r.status == EventStatus::Duplicate).count();
        }
        (accepted, again)
    });
    for round in 0..8_u64 {
        tokio::time::sleep(Duration::from_millis(40 + round * 17)).await;
        backend.crash();
        backend.resume().unwrap();
    }
    let (accepted, again) = pushing.await.unwrap();
    assert_eq!(accepted + again, 2000, "{again} were acknowledged the second time");
    assert_eq!(backend.events().await.unwrap(), expected, "each once, in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_does_not_hold_up_the_end() {
    let folder = TempDir::new().unwrap();
    let backend = backend(&folder);
    let client = client(&backend);
    let cursor = client.sends(None, 10, Duration::ZERO).await.unwrap().next_cursor;
    let poll = tokio::spawn(async move { client.sends(Some(&cursor), 10, Duration::from_secs(60)).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    drop(backend);
    assert!(began.elapsed() < Duration::from_secs(2), "it took {:?}", began.elapsed());
    assert!(poll.await.unwrap().unwrap().sends.is_empty(), "the poll was answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_that_another_process_imports_end_a_long_poll() {
    let folder = TempDir::new().unwrap();
    let backend = backend(&folder);
    let client = client(&backend);
    let cursor = client.sends(None, 10, Duration::ZERO).await.unwrap().next_cursor;
    let poll = tokio::spawn(async move { client.sends(Some(&cursor), 10, Duration::from_secs(30)).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    backend.import(&[tracked_send()]).unwrap();
    let page = poll.await.unwrap().unwrap();
    assert_eq!(page.sends[0].id, "snd_1");
    assert!(began.elapsed() < Duration::from_secs(5), "it took {:?}", began.elapsed());
}

fn tracked_send() -> answerback_reply::TrackedSend {
    let send =
        json!({"id": "snd_1", "message_ids": ["<s1@sales.example>"], "sent_at": "2026-11-18T08:00:00Z"});
    serde_json::from_value(send).unwrap()
}
