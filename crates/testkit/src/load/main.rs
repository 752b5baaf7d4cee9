//! `answerback-load`: what one copy of the reference backend carries, on SQLite and on PostgreSQL, or several copies on one PostgreSQL. Only
//! ever asks servers that it has started itself, on loopback.

mod crowd;
mod drain;
mod events;
mod http;
mod laptops;
mod sends;
mod server;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use answerback_testkit::figures;
use answerback_testkit::postgres::Postgres;
use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand, ValueEnum};
use tempfile::TempDir;

use crate::server::Server;

/// Loads a reference backend of its own and prints what it carried.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Cli {
    #[command(subcommand)]
    part: Option<Part>,
    /// The program `answerback-backend`, built with optimisations
    #[arg(long, required = true)]
    program: Option<PathBuf>,
    /// The databases
    #[arg(long, value_enum, num_args = 1.., default_values_t = [Database::Sqlite, Database::Postgres])]
    database: Vec<Database>,
    /// Events that several laptops push at once, in batches of 100
    #[arg(long, default_value_t = 40_000)]
    events: usize,
    /// Events that one laptop brings back after days offline
    #[arg(long, default_value_t = 100_000)]
    backlog: usize,
    /// Sends of the organisation, 50,000 a rep
    #[arg(long, default_value_t = 100_000)]
    sends: usize,
    /// Laptops that wait for news and report coverage every minute; several numbers are tried one after another
    #[arg(long, num_args = 1.., default_values_t = [1000])]
    laptops: Vec<usize>,
    /// Copies of the server on one PostgreSQL that the laptops spread over; SQLite has one
    #[arg(long, default_value_t = 1)]
    copies: usize,
    /// How long the laptops are watched, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Some of the laptops: orders on standard input, what they met on standard output
    #[command(hide = true)]
    Crowd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    figures::raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let Some(Part::Crowd) = cli.part {
        let orders = serde_json::from_reader(std::io::stdin().lock())?;
        let met = runtime.block_on(crowd::play(orders))?;
        return say(&serde_json::to_string(&met)?);
    }
    let program = cli.program.as_deref().context("--program is missing")?;
    for database in &cli.database {
        runtime.block_on(load(&cli, program, *database))?;
    }
    Ok(())
}

async fn load(cli: &Cli, program: &Path, database: Database) -> Result<()> {
    let folder = TempDir::with_prefix("answerback-load-")?;
    let (name, url, _postgres) = match database {
        Database::Sqlite => ("SQLite", format!("sqlite:{}", folder.path().join("load.db").display()), None),
        Database::Postgres => {
            if Postgres::installed().is_none() {
                bail!("PostgreSQL is not installed (Debian: postgresql)");
            }
            let postgres = Postgres::start_durable()?;
            ("PostgreSQL", postgres.url(), Some(postgres))
        }
    };
    let server = Server::start(program, folder.path(), &url)?;
    say(&format!("{name}: one copy of the server, {} at rest", figures::megabytes(server.usage().memory)))?;
    if cli.events > 0 {
        say(&events::run(&server, cli.events).await?)?;
    }
    if cli.backlog > 0 {
        say(&drain::run(&server, cli.backlog).await?)?;
    }
    if cli.sends > 0 {
        say(&sends::run(&server, cli.sends).await?)?;
    }
    let mut servers = vec![server];
    if database == Database::Postgres && cli.copies > 1 {
        for _ in 1..cli.copies {
            servers.push(Server::start(program, folder.path(), &url)?);
        }
        say(&format!("{name}: {} copies of the server", servers.len()))?;
    }
    for laptops in cli.laptops.iter().filter(|laptops| **laptops > 0) {
        say(&laptops::run(&servers, *laptops, Duration::from_secs(cli.seconds)).await?)?;
    }
    Ok(())
}

fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
