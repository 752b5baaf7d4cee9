//! `answerback-mailbox-bench`: how fast a mailbox is read, how soon an answer is told, and what waiting costs; on a real Dovecot of its
//! own, with the agent and the reference backend as programs of their own.

mod archive;
mod arrival;
mod cold;
mod idle;
mod latency;
mod raw;
mod scan;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use answerback_testkit::agent::MailAccess;
use answerback_testkit::dovecot::Dovecot;
use anyhow::Result;
use clap::Parser;

/// Measures the agent on a mailbox.
#[derive(Debug, Parser)]
struct Cli {
    /// The program `answerbackctl`, built with optimisations
    #[arg(long)]
    ctl: PathBuf,
    /// The program `answerback-backend`, built with optimisations
    #[arg(long)]
    backend: PathBuf,
    /// First scan: how many messages the INBOX has (0: not measured)
    #[arg(long, default_value_t = 100_000)]
    messages: usize,
    /// First scan: how many of a hundred messages answer a send
    #[arg(long, default_value_t = 3.0)]
    answers: f64,
    /// How many sends are tracked
    #[arg(long, default_value_t = 10_000)]
    sends: usize,
    /// First scan: how often it is made, each time beside a drain of the same messages by a bare socket
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// First scan: how often it is made by a server that has no index of the mailbox, as at the first contact of all
    #[arg(long, default_value_t = 1)]
    cold_runs: usize,
    /// Latency: how many answers arrive (0: not measured)
    #[arg(long, default_value_t = 100)]
    deliveries: usize,
    /// Latency: about how many milliseconds lie between two answers; where the system takes memory back from whoever waits, few of them
    /// show what the agent itself needs
    #[arg(long, default_value_t = 1500)]
    gap: u64,
    /// Waiting: how many seconds are watched (0: not measured)
    #[arg(long, default_value_t = 60)]
    idle: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    if cli.messages > 0 {
        scan::run(&cli).await?;
    }
    if cli.deliveries > 0 {
        latency::run(&cli).await?;
    }
    if cli.idle > 0 {
        idle::run(&cli, Duration::from_secs(cli.idle)).await?;
    }
    Ok(())
}

/// The way to a Dovecot, with TLS or without.
fn access(dovecot: &Dovecot, tls: bool) -> MailAccess {
    let (port, security) = if tls { (dovecot.tls_port(), "tls") } else { (dovecot.port(), "none") };
    MailAccess::Imap { port, security, ca_file: dovecot.ca_file() }
}

fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
