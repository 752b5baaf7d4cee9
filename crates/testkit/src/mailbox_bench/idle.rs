//! What it costs to wait: three mailboxes in IDLE over TLS, and a backend that is asked for news.

use std::time::{Duration, Instant};

use answerback_testkit::agent::Laptop;
use answerback_testkit::backend::Backend;
use answerback_testkit::dovecot::Dovecot;
use answerback_testkit::figures::megabytes;
use answerback_testkit::mail_server::PASSWORD;
use answerback_testkit::personas::REP;
use answerback_testkit::usage::{ProcessorTime, Usage};
use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use crate::archive::{Archive, tracked};
use crate::{Cli, access, say};

const LIMIT: Duration = Duration::from_secs(150);
const ACCOUNTS: [&str; 3] = [REP.address, "rep.two@sales.example", "rep.three@sales.example"];
/// The start is over, and what it needed has been given back.
const SETTLED: Duration = Duration::from_secs(30);

/// Watches the agent for so long while nothing comes.
pub async fn run(cli: &Cli, watch: Duration) -> Result<()> {
    let dovecot = Dovecot::start(PASSWORD).await?;
    let archive = Archive { messages: 1000, answers: 0.0, sends: cli.sends, until: Timestamp::now() };
    for account in ACCOUNTS {
        dovecot.fill(account, archive.mails())?;
    }
    let folder = TempDir::with_prefix("answerback-bench-")?;
    let backend = Backend::start(&cli.backend, folder.path())?;
    let sent_at = Timestamp::now() - SignedDuration::from_hours(48);
    backend.import(&(0..cli.sends).map(|n| tracked(n, sent_at)).collect::<Vec<_>>())?;
    let (mail, token) = (access(&dovecot, true), backend.laptop_token()?);
    let laptop = Laptop::with_accounts(folder.path(), &ACCOUNTS, &mail, &backend.url(), &token)?;
    let mut agent = laptop.run(&cli.ctl)?;
    for account in ACCOUNTS {
        agent
            .hear(LIMIT, |line| {
                let is = |key: &str, value| line.get(key).and_then(serde_json::Value::as_str) == Some(value);
                is("event", "coverage") && is("account", account)
            })
            .await
            .with_context(|| format!("{account} is not watched"))?;
    }
    tokio::time::sleep(SETTLED).await;
    let process = agent.process().id();
    let (mut used, began) = (ProcessorTime::of(process), Instant::now());
    while began.elapsed() < watch {
        tokio::time::sleep(Duration::from_secs(1)).await;
        used.look();
    }
    let (used, usage) = (used.look(), Usage::of(process));
    say(&format!(
        "Waiting for {} s with {} accounts and {} sends: {:.3} s of processor time, memory {} (at most {})",
        watch.as_secs(),
        ACCOUNTS.len(),
        cli.sends,
        used.as_secs_f64(),
        megabytes(usage.memory),
        megabytes(usage.peak),
    ))
}
