//! The first scan of a large INBOX, beside a bare socket that reads the same from the same server.

use std::time::{Duration, Instant};

use answerback_testkit::agent::Laptop;
use answerback_testkit::backend::Backend;
use answerback_testkit::dovecot::Dovecot;
use answerback_testkit::figures::{megabytes, rate};
use answerback_testkit::mail_server::PASSWORD;
use answerback_testkit::personas::REP;
use answerback_testkit::usage::Usage;
use anyhow::{Context as _, Result};
use jiff::Timestamp;
use tempfile::TempDir;

use crate::archive::Archive;
use crate::raw::RawClient;
use crate::{Cli, access, arrival, say};

const LIMIT: Duration = Duration::from_secs(600);

/// Drains and scans in turn.
pub async fn run(cli: &Cli) -> Result<()> {
    let archive =
        Archive { messages: cli.messages, answers: cli.answers, sends: cli.sends, until: Timestamp::now() };
    let dovecot = Dovecot::start(PASSWORD).await?;
    dovecot.fill(REP.address, archive.mails())?;
    // The server indexes the mailbox when it is opened first, and remembers the header fields that were asked for.
    drain(&dovecot).with_context(|| dovecot.log())?;
    say(&format!(
        "First scan of {} messages, {} % of which answer one of {} sends",
        cli.messages, cli.answers, cli.sends
    ))?;
    side_by_side(cli, &archive, &dovecot, Index::Warm, cli.runs).await?;
    side_by_side(cli, &archive, &dovecot, Index::Cold, cli.cold_runs).await
}

/// What the server knows of the messages beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Index {
    /// The header fields that are going to be asked for.
    Warm,
    /// Their UIDs.
    Cold,
}

impl std::fmt::Display for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Warm => "warm",
            Self::Cold => "cold",
        })
    }
}

/// Drains and scans in turn, and says how the times compare.
async fn side_by_side(
    cli: &Cli,
    archive: &Archive,
    dovecot: &Dovecot,
    index: Index,
    runs: usize,
) -> Result<()> {
    let prepare = || if index == Index::Cold { dovecot.forget_index(REP.address) } else { Ok(()) };
    let mut ratios = Vec::new();
    for _ in 0..runs {
        prepare()?;
        let (limit, bytes) = drain(dovecot)?;
        prepare()?;
        let scan = scan(cli, archive, dovecot).await?;
        let ratio = scan.took.as_secs_f64() / limit.as_secs_f64();
        say(&format!(
            "  a bare socket {:.2} s ({:.0} messages/s, {} MB); the agent {:.2} s ({:.2} s from its start), ratio {ratio:.2}, {:.2} s of \
             processor time, memory at most {}, {} answers",
            limit.as_secs_f64(),
            rate(cli.messages, limit),
            bytes / 1_000_000,
            scan.took.as_secs_f64(),
            scan.from_start.as_secs_f64(),
            scan.usage.processor,
            megabytes(scan.usage.peak),
            scan.answers,
        ))?;
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    match ratios.get(ratios.len() / 2) {
        Some(median) => say(&format!("  with the server's index {index}: median ratio {median:.2}")),
        None => Ok(()),
    }
}

/// From the connection to the last byte.
fn drain(dovecot: &Dovecot) -> Result<(Duration, u64)> {
    let began = Instant::now();
    let bytes = RawClient::open(dovecot.port(), REP.address, PASSWORD)?.drain()?;
    Ok((began.elapsed(), bytes))
}

struct Scan {
    /// From its connection to the mail server to "scanned".
    took: Duration,
    /// From the start of the program, which reads the sends from the backend first.
    from_start: Duration,
    usage: Usage,
    answers: usize,
}

/// A new laptop's first scan.
async fn scan(cli: &Cli, archive: &Archive, dovecot: &Dovecot) -> Result<Scan> {
    let folder = TempDir::with_prefix("answerback-bench-")?;
    let backend = Backend::start(&cli.backend, folder.path())?;
    backend.import(&archive.tracked())?;
    backend.give_way()?;
    let mail = access(dovecot, false);
    let laptop = Laptop::with_access(folder.path(), mail, &backend.url(), &backend.laptop_token()?)?;
    let arrival = arrival::expect(dovecot.port(), LIMIT);
    let began = Instant::now();
    let mut agent = laptop.run(&cli.ctl)?;
    agent.hear(LIMIT, |line| is(line, "event", "scanned") && is(line, "folder", "INBOX")).await?;
    let usage = Usage::of(agent.process().id());
    let scanned = agent.find(|line| is(line, "event", "scanned") && is(line, "folder", "INBOX"));
    let (scanned, _) = scanned.context("The agent never said that it had scanned the INBOX")?;
    let connected =
        arrival.join().map_err(|_| anyhow::anyhow!("Looking for the agent's connection failed"))??;
    let answers = agent.said().iter().filter(|line| is(line, "event", "verdict")).count();
    Ok(Scan { took: scanned - connected, from_start: scanned - began, usage, answers })
}

fn is(line: &serde_json::Value, key: &str, value: &str) -> bool {
    line.get(key).and_then(serde_json::Value::as_str) == Some(value)
}
