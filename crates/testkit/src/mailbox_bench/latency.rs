//! How soon an answer's stop has been accepted by the backend after the mail server reported the mail.

use std::time::Duration;

use answerback_testkit::agent::Laptop;
use answerback_testkit::backend::Backend;
use answerback_testkit::dovecot::Dovecot;
use answerback_testkit::figures::spread;
use answerback_testkit::mail_server::PASSWORD;
use answerback_testkit::personas::REP;
use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

use crate::archive::{answer_to, tracked};
use crate::raw::RawClient;
use crate::{Cli, access, cold, say};

const LIMIT: Duration = Duration::from_secs(60);

/// Delivers answers one by one. A bare connection in IDLE tells when the server reports each, and the agent when the
/// backend's acceptance was on its disk.
pub async fn run(cli: &Cli) -> Result<()> {
    let dovecot = Dovecot::start(PASSWORD).await?;
    let folder = TempDir::with_prefix("answerback-bench-")?;
    let backend = Backend::start(&cli.backend, folder.path())?;
    let sent_at = Timestamp::now() - SignedDuration::from_hours(48);
    backend.import(&(0..cli.deliveries).map(|n| tracked(n, sent_at)).collect::<Vec<_>>())?;
    let mail = access(&dovecot, true);
    let laptop = Laptop::with_access(folder.path(), mail, &backend.url(), &backend.laptop_token()?)?;
    let mut agent = laptop.run(&cli.ctl)?;
    agent.hear(LIMIT, |line| is(line, "event", "coverage")).await?;
    let mut probe = RawClient::open(dovecot.port(), REP.address, PASSWORD)?;
    probe.idle()?;
    let mut times = Vec::new();
    for n in 0..cli.deliveries {
        // Not in step with anything that ticks.
        let gap = cli.gap * 6 / 10..=cli.gap * 14 / 10;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(gap))).await;
        dovecot.deliver(REP.address, &answer_to(n, Timestamp::now())).await?;
        let reported = tokio::task::block_in_place(|| probe.exists(LIMIT))?;
        let send = format!("snd_{n}");
        let mut stopped = |line: &Value| {
            is(line, "event", "pushed")
                && is(line, "type", "answerback.stop.v1")
                && is(line, "send_id", &send)
        };
        agent.hear(LIMIT, &mut stopped).await?;
        let (accepted, _) = agent.find(stopped).context("The stop was not accepted")?;
        times.push(accepted.saturating_duration_since(reported));
    }
    let (warm, cold) = tokio::task::block_in_place(|| cold::read_again(Duration::from_millis(cli.gap)));
    say(&format!(
        "Latency of {} answers, about {} ms apart, from the server's report to the stop accepted by the backend: {}",
        cli.deliveries,
        cli.gap,
        spread(&mut times)
    ))?;
    say(&format!(
        "  on this computer, 8 MB of memory that was read just before is read in {:.1} ms, after {} ms in {:.1} ms",
        warm.as_secs_f64() * 1e3,
        cli.gap,
        cold.as_secs_f64() * 1e3
    ))
}

fn is(line: &Value, key: &str, value: &str) -> bool {
    line.get(key).and_then(Value::as_str) == Some(value)
}
