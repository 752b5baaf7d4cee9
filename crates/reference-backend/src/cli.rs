//! The command line.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use answerback_backend::crm::Crm;
use answerback_backend::salesforce::authorize::{Authorization, CALLBACK};
use answerback_backend::{Token, hubspot, salesforce};
use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use tracing_subscriber::EnvFilter;

use crate::conformance::{self, Kit};
use crate::server::{Config, Server};
use crate::settings::Settings;
use crate::store::Store;
use crate::store::sends::SendStatus;
use crate::webhook::Networks;
use crate::{import, openapi};

/// Exit status: done, but something was wrong with some input.
const PARTLY: u8 = 1;
const IMPORT_CHUNK: usize = 1000;

/// A sales backend that implements the Answerback contract: tracked sends in, replies out.
#[derive(Debug, Parser)]
#[command(name = "answerback-backend", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// A TOML file with settings; the command line and the environment go before it.
    #[arg(long, global = true, env = "ANSWERBACK_CONFIG")]
    config: Option<PathBuf>,
    /// How to write the log, which goes to stderr.
    #[arg(long, global = true, value_enum, default_value = "text", env = "ANSWERBACK_LOG_FORMAT")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Args)]
struct Database {
    /// sqlite:PATH, or postgres://USER:PASSWORD@HOST/NAME
    /// [default: sqlite:answerback-backend.db]
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server. The first line on stdout is "listening on URL". Ctrl-C or SIGTERM ends it.
    Serve {
        /// Where to listen; port 0 takes a free one. Put a TLS proxy in front of anything but loopback. [default: 127.0.0.1:8787]
        #[arg(long, env = "ANSWERBACK_LISTEN")]
        listen: Option<SocketAddr>,
        /// Where people and laptops reach it, such as https://answerback.example.com
        #[arg(long, env = "ANSWERBACK_PUBLIC_URL")]
        public_url: Option<String>,
        /// Where webhooks may go: public addresses only, also this machine's own, also private networks.
        /// [default: loopback]
        #[arg(long, env = "ANSWERBACK_WEBHOOK_NETWORKS", value_enum)]
        webhook_networks: Option<Networks>,
        /// A proxy in front says in X-Forwarded-For who asks.
        #[arg(long, env = "ANSWERBACK_BEHIND_PROXY", num_args = 0..=1, default_missing_value = "true")]
        behind_proxy: Option<bool>,
        /// Forget by itself what is older than so many days: what events said, and ended sends.
        #[arg(long, env = "ANSWERBACK_FORGET_AFTER_DAYS")]
        forget_after_days: Option<u16>,
        /// Connections to PostgreSQL at most. [default: 20]
        #[arg(long, env = "ANSWERBACK_DATABASE_CONNECTIONS")]
        database_connections: Option<u32>,
        #[command(flatten)]
        database: Database,
    },
    /// Make a bearer token and print it; only its hash is kept.
    Token {
        #[command(flatten)]
        database: Database,
        /// The organisation; made where it is missing.
        #[arg(long)]
        org: String,
        /// For this rep's laptop.
        #[arg(long, conflicts_with = "platform")]
        rep: Option<String>,
        /// For each rep of this file, one address a line ("-" reads stdin); prints "ADDRESS TOKEN" lines.
        #[arg(long, conflicts_with_all = ["platform", "rep"], required_unless_present_any = ["platform", "rep"])]
        reps: Option<PathBuf>,
        /// For the platform behind: it writes sends, asks the gate and reads events.
        #[arg(long)]
        platform: bool,
    },
    /// Add or change a rep's tracked sends from JSON Lines or CSV.
    Import {
        #[command(flatten)]
        database: Database,
        /// The organisation; made where it is missing.
        #[arg(long)]
        org: String,
        /// The rep whose mailbox gets the answers.
        #[arg(long)]
        rep: String,
        /// The file; "-" reads stdin.
        #[arg(long)]
        sends: PathBuf,
    },
    /// Print everything that is known of one person, as JSON.
    Export {
        #[command(flatten)]
        database: Database,
        /// The organisation.
        #[arg(long)]
        org: String,
        /// The person's address.
        #[arg(long)]
        address: String,
    },
    /// Erase what is known of one person. That the address must not be mailed, if so, stays.
    Erase {
        #[command(flatten)]
        database: Database,
        /// The organisation.
        #[arg(long)]
        org: String,
        /// The person's address.
        #[arg(long)]
        address: String,
    },
    /// Forget what is old, of every organisation: what events and ended sends said. Ids stay, and what events did. `serve
    /// --forget-after-days` does it by itself.
    Forget {
        #[command(flatten)]
        database: Database,
        /// What is more than so many days old.
        #[arg(long)]
        older_than_days: u16,
    },
    /// Run the contract's tests against any implementation. Exit status 1 where one fails.
    Conformance {
        /// The implementation's address.
        #[arg(long)]
        url: String,
        /// A token of the platform behind.
        #[arg(long, env = "ANSWERBACK_PLATFORM_TOKEN", hide_env_values = true)]
        platform_token: String,
        /// A token of a rep's laptop in the same organisation.
        #[arg(long, env = "ANSWERBACK_LAPTOP_TOKEN", hide_env_values = true)]
        laptop_token: String,
        /// The rep of the laptop's token.
        #[arg(long, default_value = "rep@sales.example")]
        rep: String,
    },
    /// Sign in to an organisation's Salesforce, as the settings file says, and look at what the integration user can do there. Exit status 1
    /// where something is missing.
    SalesforceCheck {
        /// The organisation.
        #[arg(long)]
        org: String,
    },
    /// Sign in to an organisation's Salesforce with a browser anywhere, and keep the refresh token in the file that the settings name.
    SalesforceSignIn {
        /// The organisation.
        #[arg(long)]
        org: String,
    },
    /// Ask an organisation's HubSpot, as the settings file says, and look at what the private app can do there. Exit status 1 where something
    /// is missing.
    HubspotCheck {
        /// The organisation.
        #[arg(long)]
        org: String,
    },
    /// Print the OpenAPI 3.1 document.
    Openapi,
}

impl Cli {
    /// Does what was asked.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        log_to_stderr(self.log_format);
        let file = self.config.as_deref().map(Settings::read).transpose()?.unwrap_or_default();
        let open = async |given: Database| {
            let given = Settings { database: given.database, ..Settings::default() };
            Store::open(given.or(file.clone()).database()).await
        };
        match self.command {
            Command::Serve {
                listen,
                public_url,
                webhook_networks,
                behind_proxy,
                forget_after_days,
                database_connections,
                database,
            } => {
                let given = Settings {
                    listen,
                    public_url,
                    webhook_networks,
                    behind_proxy,
                    forget_after_days,
                    database_connections,
                    database: database.database,
                    ..Settings::default()
                };
                serve(given.or(file).config()?).await
            }
            Command::Token { database, org, rep: _, reps: Some(reps), platform: _ } => {
                let reps = addresses(&reps)?;
                let store = open(database).await?;
                let tokens = store.issue_laptop_tokens(&org, &reps).await?;
                store.close().await;
                for (rep, token) in reps.iter().zip(tokens) {
                    print(&format!("{rep} {}", token.expose()))?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Command::Token { database, org, rep, reps: None, platform: _ } => {
                let store = open(database).await?;
                let token = store.issue_token(&org, rep.as_deref()).await?;
                store.close().await;
                print(token.expose())
            }
            Command::Import { database, org, rep, sends } => {
                import_file(&open(database).await?, &org, &rep, &sends).await
            }
            Command::Export { database, org, address } => {
                let store = open(database).await?;
                let dossier = store.export_person(&org, &address).await?;
                store.close().await;
                print(&serde_json::to_string_pretty(&dossier)?)
            }
            Command::Erase { database, org, address } => {
                let store = open(database).await?;
                let erased = store.erase_person(&org, &address).await?;
                store.close().await;
                print(&format!("{} sends and {} events erased", erased.sends, erased.events))
            }
            Command::Forget { database, older_than_days } => {
                let days = SignedDuration::from_hours(24 * i64::from(older_than_days));
                let before = Timestamp::now().checked_sub(days)?;
                let store = open(database).await?;
                let gone = store.forget_before(before).await?;
                store.close().await;
                print(&format!(
                    "{} events, {} sends and {} removals forgotten",
                    gone.events, gone.sends, gone.removals
                ))
            }
            Command::Conformance { url, platform_token, laptop_token, rep } => {
                let kit = Kit::new(&url, Token::new(platform_token), Token::new(laptop_token), &rep)?;
                conform(&kit).await
            }
            Command::SalesforceSignIn { org } => sign_in(&salesforce_of(&file, &org)?).await,
            Command::SalesforceCheck { org } => {
                let settings = salesforce_of(&file, &org)?;
                let grant = settings.grant()?;
                check_crm(&salesforce::Connector::new(settings, grant)?).await
            }
            Command::HubspotCheck { org } => {
                let settings = file.hubspot.get(&org).cloned();
                let settings = settings.with_context(|| {
                    format!("the settings have no [hubspot.{org}]; name them with --config FILE")
                })?;
                let token = settings.secret()?;
                check_crm(&hubspot::Connector::new(settings, token)?).await
            }
            Command::Openapi => print(openapi::json().trim_end()),
        }
    }
}

async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    // Before the address is announced, so that a signal right after it is not missed.
    let ended = ended()?;
    let server = Server::start(config).await?;
    print(&format!("listening on {}", server.url()))?;
    ended.await;
    tracing::info!("shutting down");
    server.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

async fn conform(kit: &Kit) -> anyhow::Result<ExitCode> {
    let reports = conformance::run(kit).await;
    for report in &reports {
        match &report.failure {
            None => print(&format!("ok    {}", report.name))?,
            Some(failure) => print(&format!("FAIL  {}\n      {failure}", report.name))?,
        };
    }
    let failed = reports.iter().filter(|r| r.failure.is_some()).count();
    print(&format!("{} of {} checks passed", reports.len() - failed, reports.len()))?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(PARTLY) })
}

fn salesforce_of(file: &Settings, org: &str) -> anyhow::Result<salesforce::Settings> {
    file.salesforce
        .get(org)
        .cloned()
        .with_context(|| format!("the settings have no [salesforce.{org}]; name them with --config FILE"))
}

/// The administrator opens an address in any browser and brings back the one at which it ends.
async fn sign_in(settings: &salesforce::Settings) -> anyhow::Result<ExitCode> {
    let kept = settings.refresh_token.as_ref();
    let kept =
        kept.context("the settings do not say where to keep it: refresh_token = { file = \"PATH\" }")?;
    let begun = Authorization::begin(settings)?;
    print("Open this address in a browser and sign in as the integration user:")?;
    print(&begun.url)?;
    print(&format!("Then paste the address at which the browser ends ({CALLBACK}?code=…):"))?;
    let mut address = String::new();
    std::io::stdin().lock().read_line(&mut address).context("nothing was pasted")?;
    kept.replace(&begun.finish(settings, &address).await?)?;
    print("Signed in. Run salesforce-check to see what the user may do.")
}

async fn check_crm(crm: &impl Crm) -> anyhow::Result<ExitCode> {
    let findings = crm.check().await?;
    for finding in &findings {
        print(&format!("{}{}", if finding.good { "ok       " } else { "MISSING  " }, finding.text))?;
    }
    Ok(if findings.iter().all(|finding| finding.good) { ExitCode::SUCCESS } else { ExitCode::from(PARTLY) })
}

/// Mail addresses, one a line.
fn addresses(path: &PathBuf) -> anyhow::Result<Vec<String>> {
    let text = if path.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin().lock())
    } else {
        std::fs::read_to_string(path)
    };
    let text = text.with_context(|| format!("can't read {}", path.display()))?;
    let addresses: Vec<String> =
        text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
    match addresses.iter().position(|address| !address.contains('@') || address.contains(char::is_whitespace))
    {
        Some(n) => anyhow::bail!("{}: entry {} is not a mail address", path.display(), n + 1),
        None => Ok(addresses),
    }
}

async fn import_file(store: &Store, org: &str, rep: &str, path: &PathBuf) -> anyhow::Result<ExitCode> {
    let read = if path.as_os_str() == "-" {
        import::read(std::io::stdin().lock(), rep)
    } else {
        let file = File::open(path).with_context(|| format!("can't open {}", path.display()))?;
        import::read(BufReader::new(file), rep)
    };
    let import = read.with_context(|| format!("can't read {}", path.display()))?;
    let (mut created, mut updated) = (0_usize, 0_usize);
    for chunk in import.sends.chunks(IMPORT_CHUNK) {
        let (statuses, _) = store.upsert_sends(org, chunk).await?;
        created += statuses.iter().filter(|s| **s == SendStatus::Created).count();
        updated += statuses.iter().filter(|s| **s == SendStatus::Updated).count();
    }
    store.close().await;
    for bad in &import.bad {
        tracing::error!("{}:{}: {}", path.display(), bad.line, bad.reason);
    }
    let unchanged = import.sends.len() - created - updated;
    print(&format!(
        "{created} created, {updated} updated, {unchanged} unchanged, {} refused",
        import.bad.len()
    ))?;
    Ok(if import.bad.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(PARTLY) })
}

/// Becomes ready on Ctrl-C or SIGTERM.
fn ended() -> anyhow::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

/// Prints a line at once: whoever started us may be waiting for it.
fn print(line: &str) -> anyhow::Result<ExitCode> {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
        // Whoever read it has seen enough, as `head` does.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn log_to_stderr(format: LogFormat) {
    let filter =
        EnvFilter::try_from_env("ANSWERBACK_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    // Where the log can't be written (a full disk), saying so on standard error would end the program.
    let log = tracing_subscriber::fmt().log_internal_errors(false);
    let log = log.with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
        LogFormat::Json => log.json().init(),
    }
}
