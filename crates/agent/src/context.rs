//! What the agent's tasks share.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use answerback_backend::{LogLevel, OrganisationPolicy};
use answerback_keychain::Keychain;
use answerback_mailbox::Power;
use answerback_reply::{Identity, Policy, SendIndex};
use answerback_store::Learned;
use tokio::sync::{Notify, broadcast, watch};

use crate::agent::pairing::PairingUnderWay;
use crate::config::{Config, SalesforceConfig};
use crate::credentials::Credentials;
use crate::event::AgentEvent;
use crate::link::Link;
use crate::live::{Live, LiveAccount};
use crate::managed::Managed;
use crate::storage::Storage;
use crate::view::Problem;
use crate::{Change, problem::fingerprint};

/// What the agent's tasks share. Locks are held for a moment only, never over an await.
#[derive(Debug)]
pub struct Context {
    /// Where the configuration is.
    pub config_file: PathBuf,
    /// Where the store is.
    pub store_file: PathBuf,
    /// The secrets.
    pub keychain: Keychain,
    /// What each account signs in with.
    pub credentials: Credentials,
    /// What the administrator has laid down on this computer.
    pub managed: Managed,
    /// The store.
    pub storage: Storage,
    config: RwLock<Config>,
    organisation: RwLock<OrganisationPolicy>,
    sends: RwLock<SendIndex>,
    live: Mutex<Live>,
    link: Mutex<Option<Link>>,
    /// A pairing with a backend.
    pub pairing: PairingUnderWay,
    events: broadcast::Sender<AgentEvent>,
    changes: broadcast::Sender<Change>,
    /// Whether the laptop runs on its battery.
    pub power: Power,
    /// There is something to push.
    pub outbox: Notify,
    /// The tracked sends are known: from the store, or from the backend's first answer.
    pub sends_known: watch::Sender<bool>,
    /// Counts up when an account should look for a rescan that is due.
    pub rescans: watch::Sender<u64>,
    /// Counts up when every connection should be made anew at once: a wake-up, or the rep pressed "try again".
    pub hurry: watch::Sender<u64>,
    /// Whether the rep has paused watching.
    pub paused: watch::Sender<bool>,
}

/// What a judgement depends on beside the sends.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Whose mailboxes they are, all accounts together: an alias of one is the rep's in another as well.
    pub me: Identity,
    /// What is done about what, the organisation's pins applied.
    pub policy: Policy,
    /// How much of a reply is sent to the backend.
    pub log_level: LogLevel,
}

impl Context {
    /// Nothing runs yet.
    pub fn new(
        config: Config,
        config_file: PathBuf,
        store_file: PathBuf,
        keychain: Keychain,
        storage: Storage,
        managed: Managed,
    ) -> Self {
        Self {
            organisation: RwLock::new(managed.over(OrganisationPolicy::default())),
            managed,
            config_file,
            store_file,
            credentials: Credentials::new(keychain.clone()),
            keychain,
            storage,
            config: RwLock::new(config),
            sends: RwLock::default(),
            live: Mutex::default(),
            link: Mutex::default(),
            pairing: PairingUnderWay::default(),
            events: broadcast::channel(1024).0,
            changes: broadcast::channel(256).0,
            power: Power::default(),
            outbox: Notify::new(),
            sends_known: watch::Sender::new(false),
            rescans: watch::Sender::new(0),
            hurry: watch::Sender::new(0),
            paused: watch::Sender::new(false),
        }
    }

    /// A copy of the configuration.
    pub fn config(&self) -> Config {
        self.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The Salesforce that is connected, with what the organisation has laid down over it.
    pub fn salesforce(&self) -> Option<SalesforceConfig> {
        self.config().salesforce.map(|salesforce| self.managed.over_salesforce(salesforce))
    }

    /// Replaces the configuration in memory; the caller has saved it.
    pub fn set_config(&self, config: Config) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
    }

    /// The backend's pins; those of this computer stay over them.
    pub fn set_organisation(&self, policy: OrganisationPolicy) {
        *self.organisation.write().unwrap_or_else(PoisonError::into_inner) = self.managed.over(policy);
    }

    /// A copy of the organisation's pins.
    pub fn organisation(&self) -> OrganisationPolicy {
        self.organisation.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The rules of this moment.
    pub fn rules(&self) -> Rules {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        let organisation = self.organisation.read().unwrap_or_else(PoisonError::into_inner);
        let mut me = Identity::default();
        for account in &config.accounts {
            let identity = account.identity();
            me.addresses.extend(identity.addresses);
            me.colleagues.extend(identity.colleagues);
        }
        Rules {
            me,
            policy: organisation.apply(config.policy.clone()),
            log_level: organisation.log_level(config.log_level),
        }
    }

    /// Looks at the tracked sends.
    pub fn with_sends<T>(&self, look: impl FnOnce(&SendIndex) -> T) -> T {
        look(&self.sends.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the tracked sends; what is on disk is changed first.
    pub fn change_sends<T>(&self, change: impl FnOnce(&mut SendIndex) -> T) -> T {
        change(&mut self.sends.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// What everything is doing.
    pub fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what an account is doing, if it is still there, and tells the window.
    pub fn update_account(&self, id: &str, update: impl FnOnce(&mut LiveAccount)) {
        if let Some(account) = self.live().accounts.get_mut(id) {
            update(account);
        }
        self.changed(Change::Accounts);
    }

    /// Changes what the backend connection is doing, and tells the window.
    pub fn update_backend(&self, update: impl FnOnce(&mut crate::live::LiveBackend)) {
        update(&mut self.live().backend);
        self.changed(Change::Backend);
    }

    /// The way to what is kept in step: its token must be renewed in one place only.
    pub fn link(&self) -> Option<Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps the way for whoever else asks the other side something, or drops it.
    pub fn set_link(&self, link: Option<Link>) {
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = link;
    }

    /// Tells the command line. Nobody may be listening.
    pub fn tell(&self, event: AgentEvent) {
        let _ = self.events.send(event);
    }

    /// Tells the window. Nobody may be listening.
    pub fn changed(&self, change: Change) {
        let _ = self.changes.send(change);
    }

    /// A problem, once: a repetition of the one that is shown already is not told again. Logged without secrets.
    pub fn tell_problem(&self, about: &str, before: Option<&Problem>, problem: &Problem) {
        if before.map(fingerprint) != Some(fingerprint(problem)) {
            tracing::warn!(code = problem.code, about, "{}", problem.summary);
            self.tell(AgentEvent::Problem { account: about.to_owned(), problem: problem.clone() });
        }
    }

    /// What happens from now on.
    pub fn events(&self) -> broadcast::Receiver<AgentEvent> {
        self.events.subscribe()
    }

    /// What changes from now on.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Reads the tracked sends, and what was learned of them, from the store.
    ///
    /// # Errors
    /// The store failed.
    pub async fn load_sends(&self) -> Result<(), answerback_store::Error> {
        let (index, unreadable, known) = self
            .storage
            .call(|store| {
                let mut index = SendIndex::new();
                let unreadable = store.each_send(|send| index.insert(&send))?;
                store.each_learned(|send_id, learned| teach(&mut index, send_id, &learned))?;
                Ok((index, unreadable, store.sends_cursor()?.is_some()))
            })
            .await?;
        if !unreadable.is_empty() {
            tracing::warn!(count = unreadable.len(), "Some tracked sends in the store can't be read.");
        }
        self.change_sends(|sends| *sends = index);
        if known {
            self.sends_known.send_replace(true);
        }
        Ok(())
    }
}

/// Adds to the index what the store has learned.
pub fn teach(index: &mut SendIndex, send_id: &str, learned: &Learned) {
    match learned {
        Learned::Id(id) => {
            if let Some(id) = answerback_reply::MessageId::new(id) {
                index.learn_id(send_id, &id);
            }
        }
        Learned::Thread(thread) => index.learn_thread(send_id, thread),
        Learned::Text(hashes) => {
            if let Ok(text) = serde_json::from_str(hashes) {
                index.learn_text(send_id, &text);
            }
        }
        Learned::Chain(id) => {
            if let Some(id) = answerback_reply::MessageId::new(id) {
                index.learn_chain(send_id, &id);
            }
        }
    }
}

/// Takes out of the index what an answer taught that is none.
pub fn unteach(index: &mut SendIndex, send_id: &str, learned: &Learned) {
    if let Learned::Chain(id) = learned
        && let Some(id) = answerback_reply::MessageId::new(id)
    {
        index.forget_chain(send_id, &id);
    }
}
