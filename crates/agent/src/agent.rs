//! The one API that the window and the command line call.

mod browser;
mod client_id;
mod connect;
mod discovery;
mod draft;
mod edit;
mod exchange_server;
mod history;
mod message_text;
pub(crate) mod pairing;
pub(crate) mod pause;
mod preview;
mod queries;
mod rules;
mod salesforce;
mod secrets;
mod setup;
mod support;
mod transfer;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use answerback_keychain::Keychain;
use tokio::sync::{Mutex, broadcast};

use crate::config::{self, Config};
use crate::context::Context;
use crate::event::AgentEvent;
use crate::managed::Managed;
use crate::storage::Storage;
use crate::tasks::Tasks;
use crate::view::{AccountState, Check, OrganisationView, PairingState, Problem};

/// A running agent. Cheap to clone; every clone is the same agent.
#[derive(Clone, Debug)]
pub struct Agent {
    context: Arc<Context>,
    tasks: Arc<Mutex<Tasks>>,
    /// Sign-ins through the browser that wait for the rep.
    sign_ins: Arc<Mutex<HashMap<String, browser::Pending>>>,
    /// Held for as long as any clone lives: a second agent on the same store would deliver everything twice.
    _lock: Arc<File>,
}

/// Something changed; whoever shows it asks again for what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new verdict, or one that the rep reviewed, with its number in the store.
    Verdict(i64),
    /// A mailbox's state, coverage or folders.
    Accounts,
    /// The backend's state or the outbox.
    Backend,
}

impl Agent {
    /// Starts on a configuration file; one that isn't there is an empty one, and is written when something is set up.
    ///
    /// # Errors
    /// The configuration can't be read, the store can't be opened (full disk, made by a newer version), or another
    /// agent runs on it.
    pub async fn start(config_file: PathBuf) -> Result<Self, Problem> {
        let config = Config::load_or_default(&config_file)
            .map_err(|error| Problem::of_config(&error, &config_file))?;
        Self::start_with(config, config_file, Keychain::system()).await
    }

    /// Starts on a configuration that was read already.
    ///
    /// # Errors
    /// As [`Agent::start`].
    pub async fn start_with(
        config: Config,
        config_file: PathBuf,
        keychain: Keychain,
    ) -> Result<Self, Problem> {
        Self::start_observed(config, config_file, keychain).await.map(|(agent, _events)| agent)
    }

    /// As [`Agent::start_with`], with a stream of events that misses none from the very first.
    ///
    /// # Errors
    /// As [`Agent::start`].
    pub async fn start_observed(
        config: Config,
        config_file: PathBuf,
        keychain: Keychain,
    ) -> Result<(Self, broadcast::Receiver<AgentEvent>), Problem> {
        Self::start_managed(config, config_file, keychain, Managed::of_this_computer()?).await
    }

    /// As [`Agent::start_observed`], under another policy than the one that is laid down on this computer.
    ///
    /// # Errors
    /// As [`Agent::start`].
    pub async fn start_managed(
        config: Config,
        config_file: PathBuf,
        keychain: Keychain,
        managed: Managed,
    ) -> Result<(Self, broadcast::Receiver<AgentEvent>), Problem> {
        let folder = data_folder(&config)?;
        let lock = lock(&folder)?;
        let store_file = folder.join("answerback.db");
        let storage =
            Storage::open(&store_file).await.map_err(|error| Problem::of_store(&error, &store_file))?;
        let context =
            Arc::new(Context::new(config.clone(), config_file, store_file, keychain, storage, managed));
        context.load_sends().await.map_err(|error| Problem::of_store(&error, &context.store_file))?;
        pause::restore(&context).await;
        let events = context.events();
        let mut tasks = Tasks::default();
        tasks.start_clock(&context);
        tasks.start_power(&context);
        tasks.start_network(&context);
        if let Some(destination) = config.destination() {
            tasks.start_backend(&context, destination).await;
        }
        for account in config.accounts {
            tasks.start_account(&context, account).await;
        }
        let tasks = Arc::new(Mutex::new(tasks));
        Ok((Self { context, tasks, sign_ins: Arc::default(), _lock: Arc::new(lock) }, events))
    }

    /// A stream of changes. A slow reader loses old ones and sees that it did.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.context.changes()
    }

    /// A stream of what happens. A slow reader loses old events and sees that it did.
    pub fn events(&self) -> broadcast::Receiver<AgentEvent> {
        self.context.events()
    }

    /// What the administrator has laid down on this computer.
    pub fn organisation(&self) -> OrganisationView {
        self.context.managed.view()
    }

    /// Checks every part and says what to do about each.
    pub async fn doctor(&self) -> Vec<Check> {
        crate::doctor::check_all(&self.context).await
    }

    /// Makes every connection anew at once, also those that wait for somebody.
    pub fn try_again(&self) {
        self.context.hurry.send_modify(|count| *count += 1);
    }

    /// Whether starting anew would lose nothing but connections: nobody is pairing or signing in, and no first scan runs.
    pub async fn is_at_rest(&self) -> bool {
        let pairing = self.pairing().is_some_and(|pairing| pairing.state == PairingState::Waiting);
        let scanning = self.context.live().accounts.values().any(|live| live.state == AccountState::Scanning);
        !pairing && !scanning && self.sign_ins.lock().await.is_empty()
    }

    /// Stops everything; what is decided is on disk when this returns, within five seconds.
    pub async fn shutdown(&self) {
        self.tasks.lock().await.stop_all().await;
    }
}

/// The folder of the store, made if it isn't there, for its owner only.
fn data_folder(config: &Config) -> Result<PathBuf, Problem> {
    let Some(folder) = config.data_dir.clone().or_else(config::data_dir) else {
        return Err(Problem::new(
            "store_unavailable",
            "",
            "There is no home folder to keep data in.",
            "Set data_dir in the configuration.",
        ));
    };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder).map_err(|error| unavailable(&folder, &error))?;
    Ok(folder)
}

pub(crate) fn lock(folder: &Path) -> Result<File, Problem> {
    let path = folder.join("answerback.lock");
    let file = File::create(&path).map_err(|error| unavailable(folder, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Problem::new(
            "already_running",
            &folder.display().to_string(),
            format!("Another Answerback is running on {}.", folder.display()),
            "Use that one, or quit it first.",
        )),
        Err(std::fs::TryLockError::Error(error)) => Err(unavailable(folder, &error)),
    }
}

fn unavailable(folder: &Path, error: &std::io::Error) -> Problem {
    let about = folder.display().to_string();
    if error.kind() == std::io::ErrorKind::StorageFull {
        return Problem::of_store(&answerback_store::Error::DiskFull, folder);
    }
    Problem::new(
        "store_unavailable",
        &about,
        format!("The data folder {about} can't be used: {error}."),
        "Check that it exists and may be written to, or choose another with data_dir.",
    )
}
