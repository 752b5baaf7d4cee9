//! The tasks that run, and how each is stopped.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{AccountConfig, Destination};
use crate::context::Context;
use crate::live::{LiveAccount, LiveBackend};
use crate::{Change, backend, network, power, wake, watch};

/// How long a task may take to say good-bye before it is dropped. What it has decided is on disk in any case.
const PATIENCE: Duration = Duration::from_secs(3);

/// The tasks that run.
#[derive(Debug, Default)]
pub struct Tasks {
    accounts: HashMap<String, Task>,
    backend: Option<Task>,
    clock: Option<Task>,
    power: Option<Task>,
    network: Option<Task>,
    pairing: Option<Task>,
}

#[derive(Debug)]
struct Task {
    stop: CancellationToken,
    handle: JoinHandle<()>,
}

impl Task {
    fn spawn<F: Future<Output = ()> + Send + 'static>(run: impl FnOnce(CancellationToken) -> F) -> Self {
        let stop = CancellationToken::new();
        Self { handle: tokio::spawn(run(stop.clone())), stop }
    }

    async fn end(mut self) {
        self.stop.cancel();
        if tokio::time::timeout(PATIENCE, &mut self.handle).await.is_err() {
            self.handle.abort();
            let _ = self.handle.await;
        }
    }
}

impl Tasks {
    /// Notices wake-ups.
    pub fn start_clock(&mut self, context: &Arc<Context>) {
        let context = Arc::clone(context);
        self.clock = Some(Task::spawn(|stop| async move { wake::watch_clock(&context, stop).await }));
    }

    /// Notices when the laptop runs on its battery.
    pub fn start_power(&mut self, context: &Arc<Context>) {
        let context = Arc::clone(context);
        self.power = Some(Task::spawn(|stop| async move { power::watch_power(&context, stop).await }));
    }

    /// Notices another network.
    pub fn start_network(&mut self, context: &Arc<Context>) {
        let context = Arc::clone(context);
        self.network = Some(Task::spawn(|stop| network::watch_network(context, stop)));
    }

    /// Watches an account; one that is watched already is watched anew.
    pub async fn start_account(&mut self, context: &Arc<Context>, account: AccountConfig) {
        let id = account.id();
        self.stop_account(context, &id).await;
        context.live().accounts.insert(id.clone(), LiveAccount::default());
        context.changed(Change::Accounts);
        let context = Arc::clone(context);
        self.accounts.insert(id, Task::spawn(|stop| watch::watch_account(context, account, stop)));
    }

    /// Stops watching an account.
    pub async fn stop_account(&mut self, context: &Context, id: &str) {
        if let Some(task) = self.accounts.remove(id) {
            task.end().await;
        }
        context.live().accounts.remove(id);
        context.changed(Change::Accounts);
    }

    /// Keeps a backend, or Salesforce, in step, instead of the one before.
    pub async fn start_backend(&mut self, context: &Arc<Context>, destination: Destination) {
        self.stop_backend(context).await;
        let context = Arc::clone(context);
        self.backend = Some(Task::spawn(|stop| backend::run(context, destination, stop)));
    }

    /// Stops talking to the backend.
    pub async fn stop_backend(&mut self, context: &Context) {
        if let Some(task) = self.backend.take() {
            task.end().await;
        }
        context.set_link(None);
        context.update_backend(|live| *live = LiveBackend::default());
    }

    /// Follows a pairing to its end.
    pub fn start_pairing<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        run: impl FnOnce(CancellationToken) -> F,
    ) {
        self.pairing = Some(Task::spawn(run));
    }

    /// Gives up the pairing that is under way.
    pub async fn stop_pairing(&mut self) {
        if let Some(task) = self.pairing.take() {
            task.end().await;
        }
    }

    /// Stops everything, side by side.
    pub async fn stop_all(&mut self) {
        let single = [
            self.backend.take(),
            self.clock.take(),
            self.power.take(),
            self.network.take(),
            self.pairing.take(),
        ];
        let all = self.accounts.drain().map(|(_, task)| task).chain(single.into_iter().flatten());
        let ends: Vec<_> = all.map(|task| tokio::spawn(task.end())).collect();
        for end in ends {
            let _ = end.await;
        }
    }
}
