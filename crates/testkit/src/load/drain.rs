//! One laptop comes back after days offline and pushes what has queued up, with the agent's own pusher and client, while another laptop pushes
//! an answer now and then.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use answerback_backend::{Client, ClientOptions, Effect, EventType, Outcome, Pusher, Queued, Step, Token};
use answerback_testkit::figures::{megabytes, rate, spread};
use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use uuid::Uuid;

use crate::events::{event, push};
use crate::http::Connection;
use crate::server::Server;

/// As many as the agent reads from its store at once.
const LOOK_AHEAD: usize = 600;

/// Gives the figures as a line.
pub async fn run(server: &Server, count: usize) -> Result<String> {
    let mut laptops = server.laptops("returner", 2)?;
    let (other_rep, other_token) = laptops.pop().context("no token")?;
    let (rep, token) = laptops.pop().context("no token")?;
    let mut queue: VecDeque<(Queued, String)> = VecDeque::with_capacity(count);
    for n in 0..count / 2 {
        let send = format!("snd_back_{n}");
        for event_type in [EventType::Stop, EventType::Log] {
            let event = event(event_type, &rep, &send, n);
            let id = event.get("id").and_then(|id| id.as_str()?.parse().ok()).context("no id")?;
            let text = event.to_string();
            queue.push_back((Queued { id, send_id: Some(send.clone()), bytes: text.len() }, text));
        }
    }
    let over = Arc::new(AtomicBool::new(false));
    let mut connection = Connection::open(server.address, &other_token, 0).await?;
    let other = {
        let over = over.clone();
        tokio::spawn(async move {
            let mut times = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let n = times.len();
                let stop = event(EventType::Stop, &other_rep, &format!("snd_other_{n}"), n);
                times.extend(push(&mut connection, &[stop]).await?);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            anyhow::Ok(times)
        })
    };
    let client = Client::new(&server.url(), Token::new(token), &ClientOptions::default())?;
    let total = queue.len();
    let began = Instant::now();
    let mut batches = drain(&client, queue).await?;
    let took = began.elapsed();
    over.store(true, Ordering::Relaxed);
    let mut times = other.await.context("the other laptop failed")??;
    Ok(format!(
        "  backlog: {total} events of one laptop in {:.1} s ({:.0} events/s); a batch {}; meanwhile an answer of another laptop {}; memory {}",
        took.as_secs_f64(),
        rate(total, took),
        spread(&mut batches),
        spread(&mut times),
        megabytes(server.usage().memory),
    ))
}

async fn drain(client: &Client, mut queue: VecDeque<(Queued, String)>) -> Result<Vec<Duration>> {
    let mut pusher = Pusher::default();
    let mut times = Vec::new();
    while !queue.is_empty() {
        let ahead: Vec<Queued> = queue.iter().take(LOOK_AHEAD).map(|(queued, _)| queued.clone()).collect();
        match pusher.next(Timestamp::now(), &ahead) {
            Step::Wait(wait) => tokio::time::sleep(wait).await,
            Step::Idle => bail!("the pusher stopped with {} events left", queue.len()),
            Step::Send(ids) => {
                let batch: Vec<&str> = queue.iter().take(ids.len()).map(|(_, text)| text.as_str()).collect();
                let began = Instant::now();
                let outcome = Outcome::from(client.push(&batch).await);
                times.push(began.elapsed());
                for effect in pusher.answered(outcome, Timestamp::now(), 0.5) {
                    match effect {
                        Effect::Acknowledge(id) => take_out(&mut queue, id)?,
                        Effect::SetAside { reason, .. } => bail!("an event was set aside: {reason}"),
                    }
                }
            }
        }
    }
    Ok(times)
}

/// What is acknowledged is at the front: batches are taken and answered in order.
fn take_out(queue: &mut VecDeque<(Queued, String)>, id: Uuid) -> Result<()> {
    match queue.pop_front() {
        Some((queued, _)) if queued.id == id => Ok(()),
        _ => bail!("the answers are not in order"),
    }
}
