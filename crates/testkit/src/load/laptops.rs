//! Many laptops at the copies of the server, in as many processes as their connections need.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use answerback_testkit::figures::{megabytes, rate, spread};
use answerback_testkit::process::Running;
use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use serde_json::json;

use crate::crowd::{EVERY, Laptop, Met, Orders};
use crate::http::Connection;
use crate::server::Server;

/// Laptops of one process: each has one connection, and a second while it reports.
const A_CROWD: usize = 8_000;
const NEWS_EVERY: Duration = Duration::from_millis(200);
/// To start the processes.
const AHEAD: Duration = Duration::from_secs(5);

/// Gives the figures as a line.
pub async fn run(servers: &[Server], count: usize, watch: Duration) -> Result<String> {
    let first = servers.first().context("no server")?;
    let tokens = first.laptops(&format!("l{count}n"), count)?;
    let reps: Vec<String> = tokens.iter().map(|(rep, _)| rep.clone()).collect();
    let laptops = servers.iter().cycle().zip(tokens).enumerate();
    let laptops: Vec<Laptop> = laptops
        .map(|(number, (server, (rep, token)))| {
            // They have not all been switched on in the same second.
            let phase = EVERY.mul_f64(number as f64 / count as f64);
            Laptop { server: server.address, rep, token, number, phase }
        })
        .collect();
    // Watched when each has reported once.
    let from = Timestamp::now() + AHEAD + EVERY;
    let until = from + watch;
    let crowds = laptops.chunks(A_CROWD).map(|laptops| Orders { laptops: laptops.to_vec(), from, until });
    let crowds = crowds.map(|orders| start(&orders)).collect::<Result<Vec<_>>>()?;
    let reading = tokio::task::spawn_blocking(move || {
        crowds.into_iter().map(outcome).try_fold(Met::default(), |mut met, others| {
            met.add(others?);
            anyhow::Ok(met)
        })
    });

    tokio::time::sleep(from.duration_since(Timestamp::now()).try_into().unwrap_or_default()).await;
    let (began, processor) = (Instant::now(), processor(servers));
    let mut platform = Connection::open(first.address, &first.platform, 0).await?;
    let mut n = 0;
    while began.elapsed() < watch.saturating_sub(Duration::from_secs(2)) {
        let rep = reps.get(n * 7919 % count).context("no rep")?;
        let id = format!("snd_news_{count}_{n}");
        let send = json!([{"id": id, "message_ids": [format!("<{id}@sales.example>")], "from": rep, "sent_at": Timestamp::now()}]);
        platform.ask("POST", "/v1/sends", "application/json", &send.to_string()).await?;
        tokio::time::sleep(NEWS_EVERY).await;
        n += 1;
    }
    let used = (self::processor(servers) - processor) / began.elapsed().as_secs_f64();
    let memory: u64 = servers.iter().map(|server| server.usage().memory).sum();
    let mut met = reading.await??;
    Ok(format!(
        "  laptops: {count} waiting and reporting every minute, watched for {} s: {:.0} requests/s; a report {}; news of a send {} ({} of {n} came); \
         {} errors; {:.0} % of a core; memory {}",
        watch.as_secs(),
        rate(met.polls + met.reports.len(), watch),
        spread(&mut met.reports),
        spread(&mut met.news),
        met.news.len(),
        met.errors,
        used * 100.0,
        megabytes(memory),
    ))
}

fn processor(servers: &[Server]) -> f64 {
    servers.iter().map(|server| server.usage().processor).sum()
}

fn start(orders: &Orders) -> Result<Running> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("crowd").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut crowd = Running::start(&mut command, Duration::from_secs(2))?;
    let mut stdin = crowd.child().stdin.take().context("a crowd takes no orders")?;
    stdin.write_all(&serde_json::to_vec(orders)?)?;
    Ok(crowd)
}

fn outcome(mut crowd: Running) -> Result<Met> {
    let stdout = crowd.child().stdout.take().context("a crowd says nothing")?;
    let met = serde_json::from_reader(stdout).context("a crowd failed")?;
    let ended = crowd.child().wait()?;
    ensure!(ended.success(), "a crowd failed: {ended}");
    Ok(met)
}
