//! A large organisation: many open sends, fifty thousand of each rep.

use std::time::{Duration, Instant};

use answerback_testkit::figures::{megabytes, rate, spread};
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::http::Connection;
use crate::server::Server;

const OF_A_REP: usize = 50_000;
const BATCH: usize = 1000;
const PAGE: usize = 1000;
const GATES: usize = 500;

/// Gives the figures as a line.
pub async fn run(server: &Server, count: usize) -> Result<String> {
    let reps = server.laptops("owner", count.div_ceil(OF_A_REP))?;
    let mut platform = Connection::open(server.address, &server.platform, 0).await?;
    let began = Instant::now();
    let mut put = 0;
    while put < count {
        let (rep, _) = reps.get(put / OF_A_REP).context("no rep")?;
        let batch: Vec<Value> = (put..count.min(put + BATCH)).map(|n| send(n, rep)).collect();
        let (status, answer) =
            platform.ask("POST", "/v1/sends", "application/json", &serde_json::to_string(&batch)?).await?;
        if status != 200 {
            bail!("sends were answered {status}: {}", String::from_utf8_lossy(&answer));
        }
        put += batch.len();
    }
    let took = began.elapsed();
    let (_, token) = reps.first().context("no rep")?;
    let mut laptop = Connection::open(server.address, token, 1).await?;
    let (read, mut pages, feed) = read_feed(&mut laptop).await?;
    let mut gates = Vec::with_capacity(GATES);
    for n in 0..GATES {
        let of = n * count / GATES;
        let began = Instant::now();
        let (status, _) = platform.ask("GET", &format!("/v1/gate?send_id=snd_open_{of}"), "", "").await?;
        gates.push(began.elapsed());
        if status != 200 {
            bail!("a gate was answered {status}");
        }
    }
    Ok(format!(
        "  sends: {count} put at {:.0} sends/s; one rep's {read} read in {:.1} s, a page of {PAGE} {}; a gate {}; memory {}",
        rate(count, took),
        feed.as_secs_f64(),
        spread(&mut pages),
        spread(&mut gates),
        megabytes(server.usage().memory),
    ))
}

async fn read_feed(laptop: &mut Connection) -> Result<(usize, Vec<Duration>, Duration)> {
    let (mut cursor, mut read, mut pages) = (String::new(), 0, Vec::new());
    let whole = Instant::now();
    loop {
        let began = Instant::now();
        let (status, body) =
            laptop.ask("GET", &format!("/v1/sends?limit={PAGE}&cursor={cursor}"), "", "").await?;
        pages.push(began.elapsed());
        if status != 200 {
            bail!("the feed was answered {status}");
        }
        let page: Value = serde_json::from_slice(&body)?;
        read += page.get("sends").and_then(Value::as_array).map_or(0, Vec::len);
        cursor = page.get("next_cursor").and_then(Value::as_str).context("no cursor")?.to_owned();
        if page.get("has_more") != Some(&Value::Bool(true)) {
            return Ok((read, pages, whole.elapsed()));
        }
    }
}

fn send(n: usize, rep: &str) -> Value {
    json!({"id": format!("snd_open_{n}"), "message_ids": [format!("<open{n}@sales.example>")], "from": rep,
        "to": [format!("p{n}@encom.com")], "subject": "Space Paranoids", "sent_at": "2026-11-18T08:00:00Z",
        "campaign": {"id": format!("cmp_{}", n / 2000), "name": "Arcade owners", "step": 1},
        "prospect": {"id": format!("p_{n}"), "email": format!("p{n}@encom.com"), "name": "Kevin Flynn"}})
}
