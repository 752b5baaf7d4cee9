//! Several laptops push at once.

use std::time::{Duration, Instant};

use answerback_backend::event::BATCH_MEDIA_TYPE;
use answerback_backend::{EventType, account_id, event_id, source};
use answerback_testkit::figures::{megabytes, rate, spread};
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::http::Connection;
use crate::server::Server;

const CLIENTS: usize = 8;
const BATCH: usize = 100;

/// An event about the send of that number.
pub fn event(event_type: EventType, rep: &str, send: &str, message: usize) -> Value {
    let account = account_id(rep);
    let data = match event_type {
        EventType::Stop => json!({"reason": "reply"}),
        _ => json!({"kind": "reply", "relation": "prospect", "intent": "none", "confidence": 1.0,
            "reply": {"message_id": format!("<r{message}@encom.com>"), "from": "flynn@encom.com", "from_name": "Kevin Flynn",
                "to": [rep], "cc": [], "subject": null, "received_at": "2026-11-20T09:12:00Z"},
            "evidence": [{"rung": "in_reply_to", "value": format!("<{send}@sales.example>")}]}),
    };
    let mut all = json!({"send_id": send, "campaign_id": "cmp_load", "prospect_id": send});
    if let (Some(all), Some(data)) = (all.as_object_mut(), data.as_object()) {
        all.extend(data.clone());
    }
    json!({"specversion": "1.0", "id": event_id(account, send, &format!("<r{message}@encom.com>"), event_type),
        "source": source(account), "type": event_type.as_str(), "time": "2026-11-20T09:12:00Z", "subject": send,
        "datacontenttype": "application/json", "data": all})
}

/// Pushes `count` events, each as JSON, in batches; gives how long each batch took.
pub async fn push(connection: &mut Connection, events: &[Value]) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    for batch in events.chunks(BATCH) {
        let body = serde_json::to_string(batch)?;
        let began = Instant::now();
        let (status, answer) = connection.ask("POST", "/v1/events", BATCH_MEDIA_TYPE, &body).await?;
        times.push(began.elapsed());
        if status != 200 || String::from_utf8_lossy(&answer).contains("rejected") {
            bail!("a batch was answered {status}: {}", String::from_utf8_lossy(&answer));
        }
    }
    Ok(times)
}

/// Gives the figures as a line.
pub async fn run(server: &Server, count: usize) -> Result<String> {
    let laptops = server.laptops("pusher", CLIENTS)?;
    let each = count / CLIENTS / 2;
    let began = Instant::now();
    let mut pushing = Vec::new();
    for (n, (rep, token)) in laptops.into_iter().enumerate() {
        let mut connection = Connection::open(server.address, &token, n).await?;
        pushing.push(tokio::spawn(async move {
            let mut events = Vec::with_capacity(2 * each);
            for message in 0..each {
                let send = format!("snd_{n}_{message}");
                events.push(event(EventType::Stop, &rep, &send, message));
                events.push(event(EventType::Log, &rep, &send, message));
            }
            push(&mut connection, &events).await
        }));
    }
    let mut times = Vec::new();
    for pushed in pushing {
        times.extend(pushed.await.context("a client failed")??);
    }
    let took = began.elapsed();
    Ok(format!(
        "  events: {} from {CLIENTS} laptops in batches of {BATCH}: {:.0} events/s; a batch {}; memory {}",
        times.len() * BATCH,
        rate(times.len() * BATCH, took),
        spread(&mut times),
        megabytes(server.usage().memory),
    ))
}
