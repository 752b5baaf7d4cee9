//! What the backend keeps: embedded SQLite or PostgreSQL, one schema and one set of queries for both.

pub mod coverage;
mod coverage_commit;
pub mod deliveries;
pub mod enrolments;
pub mod events;
pub mod laptops;
pub mod overview;
pub mod policy;
pub mod retention;
pub mod salesforce;
pub mod sends;
pub mod sessions;
pub mod tokens;
pub mod webhooks;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyPool, Transaction};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections to PostgreSQL at most, where nothing is said.
pub const CONNECTIONS: u32 = 20;

/// Why the database could not be opened or asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names neither SQLite nor PostgreSQL.
    #[error("the database must be given as sqlite:PATH or postgres://USER@HOST/NAME")]
    Url,
    /// The file can't be made.
    #[error("the database file {path} can't be opened: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The schema could not be brought up to date.
    #[error("the database's schema can't be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A query failed.
    #[error("the database failed: {0}")]
    Query(#[from] sqlx::Error),
    /// A commit that several requests shared failed.
    #[error(transparent)]
    Shared(Arc<Self>),
    /// What is in the database is not what was put there.
    #[error("the database holds something unreadable in {0}")]
    Corrupt(&'static str),
}

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    /// SQLite has one writer; those who wait for it queue up here, fairly, and not at its lock.
    writer: Option<Arc<Semaphore>>,
    coverage: Arc<coverage_commit::CoverageQueue>,
}

/// A transaction that writes.
pub(crate) struct Write {
    pub(crate) tx: Transaction<'static, Any>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Write {
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        Ok(self.tx.commit().await?)
    }
}

impl Store {
    /// Opens `sqlite:PATH` (made where it is missing, readable by its owner only) or `postgres://…`, and brings its schema up to date.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, CONNECTIONS).await
    }

    /// The same with so many connections to PostgreSQL at most.
    pub async fn open_with(url: &str, connections: u32) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let sqlite = match url.split_once(':') {
            Some(("sqlite", path)) => Some(path.strip_prefix("//").unwrap_or(path)),
            Some(("postgres" | "postgresql", _)) => None,
            _ => return Err(StoreError::Url),
        };
        let pool = AnyPoolOptions::new().acquire_timeout(Duration::from_secs(10));
        let store = if let Some(path) = sqlite {
            make_private(path)?;
            let options: AnyConnectOptions = format!("sqlite:{}", encode(path)).parse()?;
            let pool = pool.max_connections(8).after_connect(|connection, _| Box::pin(pragmas(connection)));
            let writer = Some(Arc::new(Semaphore::new(1)));
            Self { pool: pool.connect_with(options).await?, writer, coverage: Arc::default() }
        } else {
            Self {
                pool: pool.max_connections(connections).connect(url).await?,
                writer: None,
                coverage: Arc::default(),
            }
        };
        sqlx::migrate!("./migrations").run(&store.pool).await?;
        Ok(store)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Closes every connection; SQLite's log is folded into the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    pub(crate) async fn write(&self) -> Result<Write, StoreError> {
        let turn = match &self.writer {
            Some(writer) => writer.clone().acquire_owned().await.ok(),
            None => None,
        };
        let begin = if self.writer.is_some() { "BEGIN IMMEDIATE" } else { "BEGIN" };
        Ok(Write { tx: self.pool.begin_with(begin).await?, _turn: turn })
    }
}

/// Committed means on disk: a result that a laptop was given must survive a power cut, so synchronous is FULL.
async fn pragmas(connection: &mut sqlx::AnyConnection) -> Result<(), sqlx::Error> {
    for pragma in [
        "PRAGMA busy_timeout = 10000",
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
    ] {
        sqlx::query(pragma).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Makes the file before SQLite does, because SQLite would make it readable by others.
fn make_private(path: &str) -> Result<(), StoreError> {
    let fail = |source| StoreError::File { path: path.into(), source };
    if let Some(folder) = Path::new(path).parent() {
        std::fs::create_dir_all(folder).map_err(fail)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(fail)
}

fn encode(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3F").replace('#', "%23").replace(' ', "%20")
}

/// Microseconds, as the tables hold times.
pub(crate) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

pub(crate) fn time(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|_| StoreError::Corrupt("a time"))
}

/// How addresses compare.
pub fn normalise(address: &str) -> String {
    address.trim_matches(|c: char| c.is_whitespace() || c == '<' || c == '>').to_lowercase()
}
