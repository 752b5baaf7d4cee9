//! A crowd of laptops in a process of its own, since one process can't have connections for all of them: each waits for news with a long
//! poll and reports coverage every minute, as the agent does.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use answerback_backend::event::BATCH_MEDIA_TYPE;
use answerback_backend::{account_id, coverage};
use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::http::Connection;

/// How often a laptop reports.
pub const EVERY: Duration = Duration::from_secs(60);

/// One of them.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Laptop {
    /// The copy of the server that it asks.
    pub server: SocketAddr,
    /// Whose it is.
    pub rep: String,
    /// What it signs in with.
    pub token: String,
    /// Its number among all laptops.
    pub number: usize,
    /// How long after the others' beginning it is switched on.
    pub phase: Duration,
}

/// What a crowd is told on its standard input, as JSON.
#[derive(Debug, Deserialize, Serialize)]
pub struct Orders {
    /// Its laptops.
    pub laptops: Vec<Laptop>,
    /// What they meet counts from here,
    pub from: Timestamp,
    /// to here; then they are switched off.
    pub until: Timestamp,
}

/// What the laptops met while they were watched; a crowd prints it as JSON.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Met {
    /// How long each report took.
    pub reports: Vec<Duration>,
    /// How long after it was sent each piece of news was there.
    pub news: Vec<Duration>,
    /// Long polls that were answered.
    pub polls: usize,
    /// Requests that failed.
    pub errors: usize,
}

impl Met {
    /// Adds what others met.
    pub fn add(&mut self, others: Self) {
        self.reports.extend(others.reports);
        self.news.extend(others.news);
        self.polls += others.polls;
        self.errors += others.errors;
    }
}

#[derive(Clone)]
struct Watch {
    from: Timestamp,
    met: Arc<Mutex<Met>>,
}

impl Watch {
    fn note(&self, what: impl FnOnce(&mut Met)) {
        if Timestamp::now() >= self.from {
            what(&mut self.met.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// Plays all of them until they are switched off.
pub async fn play(orders: Orders) -> Result<Met> {
    let (watch, stop) = (Watch { from: orders.from, met: Arc::default() }, CancellationToken::new());
    let mut tasks = Vec::with_capacity(orders.laptops.len());
    for laptop in orders.laptops {
        let (watch, stopped) = (watch.clone(), stop.clone());
        tasks.push(tokio::spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                () = waits(&laptop, &watch) => {}
                () = reports(&laptop, &watch) => {}
            }
        }));
    }
    let left = orders.until.duration_since(Timestamp::now());
    tokio::time::sleep(left.try_into().unwrap_or_default()).await;
    stop.cancel();
    for task in tasks {
        task.await.context("a laptop failed")?;
    }
    Ok(std::mem::take(&mut *watch.met.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// Waits for news for ever; a connection that breaks is opened again.
async fn waits(laptop: &Laptop, watch: &Watch) {
    tokio::time::sleep(laptop.phase.mul_f64(0.5)).await;
    let mut cursor = String::new();
    loop {
        if let Err(error) = poll(laptop, &mut cursor, watch).await {
            tracing::debug!("A laptop waits again: {error}");
            watch.note(|met| met.errors += 1);
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }
}

async fn poll(laptop: &Laptop, cursor: &mut String, watch: &Watch) -> Result<()> {
    let mut connection = Connection::open(laptop.server, &laptop.token, laptop.number).await?;
    loop {
        let wait = if cursor.is_empty() { 0 } else { 50 };
        let path = format!("/v1/sends?limit=1000&wait={wait}&cursor={cursor}");
        let (status, body) = connection.ask("GET", &path, "", "").await?;
        anyhow::ensure!(status == 200, "answered {status}");
        let page: Value = serde_json::from_slice(&body)?;
        *cursor = page.get("next_cursor").and_then(Value::as_str).context("no cursor")?.to_owned();
        let sends = page.get("sends").and_then(Value::as_array).cloned().unwrap_or_default();
        let now = Timestamp::now();
        watch.note(|met| {
            met.polls += 1;
            let sent =
                sends.iter().filter_map(|send| send.get("sent_at")?.as_str()?.parse::<Timestamp>().ok());
            let new = sent.filter(|sent| *sent >= watch.from);
            met.news.extend(new.filter_map(|sent| Duration::try_from(now.duration_since(sent)).ok()));
        });
    }
}

/// Reports every minute, each time with a connection of its own.
async fn reports(laptop: &Laptop, watch: &Watch) {
    tokio::time::sleep(laptop.phase).await;
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        let began = Instant::now();
        match report(laptop).await {
            Ok(()) => watch.note(|met| met.reports.push(began.elapsed())),
            Err(error) => {
                tracing::debug!("A report failed: {error}");
                watch.note(|met| met.errors += 1);
            }
        }
    }
}

async fn report(laptop: &Laptop) -> Result<()> {
    let event = coverage(account_id(&laptop.rep), &laptop.rep, Timestamp::now(), 12);
    let events = serde_json::to_string(&[event])?;
    let mut connection = Connection::open(laptop.server, &laptop.token, laptop.number).await?;
    let (status, _) = connection.ask("POST", "/v1/events", BATCH_MEDIA_TYPE, &events).await?;
    anyhow::ensure!(status == 200, "answered {status}");
    Ok(())
}
