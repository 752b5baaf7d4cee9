//! Many laptops: each waits for news with a long poll and reports coverage every minute, as the agent does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use answerback_backend::event::BATCH_MEDIA_TYPE;
use answerback_backend::{account_id, coverage};
use answerback_testkit::figures::{megabytes, rate, spread};
use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::http::Connection;
use crate::server::Server;

const EVERY: Duration = Duration::from_secs(60);
const NEWS_EVERY: Duration = Duration::from_millis(200);

/// What the laptops met while they were watched.
#[derive(Default)]
struct Seen {
    watched: bool,
    reports: Vec<Duration>,
    news: Vec<Duration>,
    waiting: HashMap<String, Instant>,
    polls: usize,
    errors: usize,
}

type Shared = Arc<Mutex<Seen>>;

/// Gives the figures as a line.
pub async fn run(server: &Server, count: usize, watch: Duration) -> Result<String> {
    let laptops = server.laptops(&format!("l{count}n"), count)?;
    let reps: Vec<String> = laptops.iter().map(|(rep, _)| rep.clone()).collect();
    let (seen, stop) = (Shared::default(), CancellationToken::new());
    let mut tasks = Vec::with_capacity(2 * count);
    for (n, (rep, token)) in laptops.into_iter().enumerate() {
        // They have not all been switched on in the same second.
        let phase = EVERY.mul_f64(n as f64 / count as f64);
        let address = server.address;
        let (shared, ended) = (seen.clone(), stop.clone());
        tasks.push(tokio::spawn(async move {
            tokio::select! {
                () = ended.cancelled() => {}
                () = waits(address, &token, n, phase, &shared) => {}
                () = reports(address, &token, &rep, n, phase, &shared) => {}
            }
        }));
    }
    // Until each has reported once.
    tokio::time::sleep(EVERY + Duration::from_secs(5)).await;
    seen.lock().unwrap_or_else(PoisonError::into_inner).watched = true;
    let (began, processor) = (Instant::now(), server.usage().processor);
    let mut platform = Connection::open(server.address, &server.platform, 0).await?;
    let mut n = 0;
    while began.elapsed() < watch {
        let rep = reps.get(n * 7919 % count).context("no rep")?;
        let id = format!("snd_news_{count}_{n}");
        seen.lock().unwrap_or_else(PoisonError::into_inner).waiting.insert(id.clone(), Instant::now());
        let send = json!([{"id": id, "message_ids": [format!("<{id}@sales.example>")], "from": rep, "sent_at": Timestamp::now()}]);
        platform.ask("POST", "/v1/sends", "application/json", &send.to_string()).await?;
        tokio::time::sleep(NEWS_EVERY).await;
        n += 1;
    }
    let took = began.elapsed();
    let used = (server.usage().processor - processor) / took.as_secs_f64();
    let memory = server.usage().memory;
    stop.cancel();
    for task in tasks {
        task.await.context("a laptop failed")?;
    }
    let mut seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(format!(
        "  laptops: {count} waiting and reporting every minute, watched for {} s: {:.0} requests/s; a report {}; news of a send {} ({} of {n} came); \
         {} errors; {:.0} % of a core; memory {}",
        took.as_secs(),
        rate(seen.polls + seen.reports.len(), took),
        spread(&mut seen.reports),
        spread(&mut seen.news),
        seen.news.len(),
        seen.errors,
        used * 100.0,
        megabytes(memory),
    ))
}

/// Waits for news for ever; a connection that breaks is opened again.
async fn waits(server: std::net::SocketAddr, token: &str, n: usize, phase: Duration, seen: &Shared) {
    tokio::time::sleep(phase.mul_f64(0.5)).await;
    let mut cursor = String::new();
    loop {
        if let Err(error) = poll(server, token, n, &mut cursor, seen).await {
            tracing::debug!("A laptop waits again: {error}");
            note(seen, |seen| seen.errors += 1);
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }
}

async fn poll(
    server: std::net::SocketAddr,
    token: &str,
    n: usize,
    cursor: &mut String,
    seen: &Shared,
) -> Result<()> {
    let mut connection = Connection::open(server, token, n).await?;
    loop {
        let wait = if cursor.is_empty() { 0 } else { 50 };
        let path = format!("/v1/sends?limit=1000&wait={wait}&cursor={cursor}");
        let (status, body) = connection.ask("GET", &path, "", "").await?;
        anyhow::ensure!(status == 200, "answered {status}");
        let page: Value = serde_json::from_slice(&body)?;
        *cursor = page.get("next_cursor").and_then(Value::as_str).context("no cursor")?.to_owned();
        let sends = page.get("sends").and_then(Value::as_array).cloned().unwrap_or_default();
        note(seen, |seen| {
            seen.polls += 1;
            for id in sends.iter().filter_map(|send| send.get("id")?.as_str()) {
                if let Some(put) = seen.waiting.remove(id) {
                    seen.news.push(put.elapsed());
                }
            }
        });
    }
}

/// Reports every minute, each time with a connection of its own.
async fn reports(
    server: std::net::SocketAddr,
    token: &str,
    rep: &str,
    n: usize,
    phase: Duration,
    seen: &Shared,
) {
    tokio::time::sleep(phase).await;
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        let began = Instant::now();
        match report(server, token, rep, n).await {
            Ok(()) => note(seen, |seen| seen.reports.push(began.elapsed())),
            Err(error) => {
                tracing::debug!("A report failed: {error}");
                note(seen, |seen| seen.errors += 1);
            }
        }
    }
}

async fn report(server: std::net::SocketAddr, token: &str, rep: &str, n: usize) -> Result<()> {
    let event = serde_json::to_string(&[coverage(account_id(rep), rep, Timestamp::now(), 12)])?;
    let mut connection = Connection::open(server, token, n).await?;
    let (status, _) = connection.ask("POST", "/v1/events", BATCH_MEDIA_TYPE, &event).await?;
    anyhow::ensure!(status == 200, "answered {status}");
    Ok(())
}

fn note(seen: &Shared, what: impl FnOnce(&mut Seen)) {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    if seen.watched {
        what(&mut seen);
    }
}
