//! Copies of the server as processes on one PostgreSQL, behind a load balancer, killed at random.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic in a test is its report"
)]

mod scene;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use answerback_backend::{Client, ClientOptions, EventType, Token};
use answerback_reference_backend::Store;
use answerback_reference_backend::conformance::{self, Kit};
use answerback_testkit::backend::Backend;
use answerback_testkit::postgres::Postgres;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::RwLock;

use scene::{ORG, Platform, REP, until};

/// Copies of the server. Whoever has a request open at one holds its lock for reading.
type Copies = Vec<Arc<RwLock<Backend>>>;

fn copies(database: &Postgres, count: usize) -> Copies {
    let program = Path::new(env!("CARGO_BIN_EXE_answerback-backend"));
    (0..count).map(|_| Arc::new(RwLock::new(Backend::start_on(program, &database.url()).unwrap()))).collect()
}

/// A load balancer: each connection goes to the next copy, or, where that does not answer, to the one after it.
async fn balance(copies: &Copies) -> SocketAddr {
    let mut ports = Vec::new();
    for copy in copies {
        ports.push((copy.clone(), copy.read().await.url().trim_start_matches("http://").to_owned()));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut next = 0;
        loop {
            let Ok((mut client, _)) = listener.accept().await else { return };
            next += 1;
            let order: Vec<_> =
                ports.iter().cycle().skip(next % ports.len()).take(ports.len()).cloned().collect();
            tokio::spawn(async move {
                for (copy, address) in order {
                    let Ok(_open) = copy.try_read() else { continue };
                    let Ok(mut upstream) = TcpStream::connect(&address).await else { continue };
                    let _ended = tokio::io::copy_bidirectional(&mut client, &mut upstream).await;
                    return;
                }
            });
        }
    });
    address
}

/// A small generator, so that a seed tells who was killed when.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

async fn tokens(database: &Postgres) -> (Token, Token) {
    let store = Store::open(&database.url()).await.unwrap();
    let tokens =
        (store.issue_token(ORG, None).await.unwrap(), store.issue_token(ORG, Some(REP)).await.unwrap());
    store.close().await;
    tokens
}

/// Between two requests a copy may be gone and another be there: nothing that matters is in a copy's memory.
#[tokio::test(flavor = "multi_thread")]
async fn every_check_passes_while_copies_are_killed_at_random() {
    if Postgres::installed().is_none() {
        eprintln!("SKIPPED: PostgreSQL is not installed");
        return;
    }
    let database = Postgres::start().unwrap();
    let copies = copies(&database, 2);
    let proxy = balance(&copies).await;
    let (platform, laptop) = tokens(&database).await;
    let kit = Kit::new(&format!("http://{proxy}"), platform, laptop, REP).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let killing = {
        let (copies, over) = (copies.clone(), over.clone());
        tokio::spawn(async move {
            let (mut dice, mut kills) = (Dice(4711), 0);
            while !over.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(50 + dice.below(250))).await;
                let victim = &copies[dice.below(2) as usize];
                // Waits until nobody has a request open there; what a broken request means is the other test's matter.
                let mut copy = victim.write().await;
                copy.crash();
                copy.resume().unwrap();
                kills += 1;
            }
            kills
        })
    };
    let reports = conformance::run(&kit).await;
    over.store(true, Ordering::Relaxed);
    let kills = killing.await.unwrap();
    let failures: Vec<_> = reports.into_iter().filter(|report| report.failure.is_some()).collect();
    assert!(failures.is_empty(), "after {kills} kills: {failures:#?}");
    assert!(kills > 3, "only {kills} kills");
}

/// Copies and the database are killed in the middle of whatever they do, while a laptop pushes and a platform takes webhooks.
#[tokio::test(flavor = "multi_thread")]
async fn each_event_counts_once_whatever_is_killed_when() {
    if Postgres::installed().is_none() {
        eprintln!("SKIPPED: PostgreSQL is not installed");
        return;
    }
    let mut database = Postgres::start().unwrap();
    let copies = copies(&database, 2);
    let proxy = balance(&copies).await;
    let (platform, laptop) = tokens(&database).await;
    let kit = Kit::new(&format!("http://{proxy}"), platform, laptop.clone(), REP).unwrap();
    let crm = Platform::start(Duration::from_millis(2)).await;
    let store = Store::open(&database.url()).await.unwrap();
    store.add_webhook(ORG, &crm.url).await.unwrap().unwrap();
    let sends: Vec<_> = (0..20).map(|_| kit.tracked(SignedDuration::from_hours(1))).collect();
    kit.put_sends(&sends.iter().collect::<Vec<_>>()).await.unwrap();
    let events: Vec<Value> = (0..400)
        .map(|n| {
            let (send, message) = (&sends[n % sends.len()], format!("<r{n}@x>"));
            kit.event(EventType::Stop, send, &message, &json!({"reason": "reply"}))
        })
        .collect();
    let texts: Vec<String> = events.iter().map(ToString::to_string).collect();
    let client = Client::new(&format!("http://{proxy}"), laptop, &ClientOptions::default()).unwrap();
    let pushing = tokio::spawn(async move {
        for batch in texts.chunks(4) {
            while let Err(error) = client.push(batch).await {
                assert!(error.is_transient(), "{error:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    let mut dice = Dice(1998);
    for _ in 0..7 {
        tokio::time::sleep(Duration::from_millis(40 + dice.below(160))).await;
        match dice.below(3) {
            2 => {
                database.crash();
                database.resume().unwrap();
            }
            copy => {
                copies[copy as usize].read().await.kill();
                let mut copy = copies[copy as usize].write().await;
                copy.crash();
                copy.resume().unwrap();
            }
        }
    }
    pushing.await.unwrap();

    let mut pulled = Vec::new();
    for send in &sends {
        pulled.extend(kit.pulled(send).await.unwrap());
    }
    assert_eq!(pulled.len(), events.len(), "each once");
    for (n, send) in sends.iter().enumerate() {
        let of: Vec<&Value> = events.iter().skip(n).step_by(sends.len()).collect();
        assert!(pulled.iter().filter(|e| e["subject"] == *send.id).eq(of), "in order");
        kit.gate_is(send, "stopped", Some("reply")).await.unwrap();
    }
    // What was killed with a delivery under way keeps its lease for a while.
    until("every event was pushed", async || {
        crm.taken().iter().map(|hook| hook.id().to_owned()).collect::<HashSet<String>>().len() == events.len()
    })
    .await;
    let mut first: HashMap<String, Vec<String>> = HashMap::new();
    let mut seen = HashSet::new();
    for hook in crm.taken() {
        let event: Value = serde_json::from_str(&hook.body).unwrap();
        if seen.insert(hook.id().to_owned()) {
            first.entry(event["subject"].as_str().unwrap().into()).or_default().push(hook.id().to_owned());
        }
    }
    for (n, send) in sends.iter().enumerate() {
        let order: Vec<&str> =
            events.iter().skip(n).step_by(sends.len()).map(|e| e["id"].as_str().unwrap()).collect();
        assert_eq!(first[&send.id], order, "webhooks of a send come in order");
    }
    store.close().await;
}
