//! Adding, changing and removing mailboxes.

use answerback_keychain::SecretSource;
use answerback_mailbox::Credential;

use super::{Agent, draft};
use crate::config::{AccountConfig, Config, password_key};
use crate::doctor;
use crate::tasks::Tasks;
use crate::view::{AccountView, Check, MailboxDraft, Problem, ServerDraft};

impl Agent {
    /// Tries a mailbox that takes a password, without keeping anything.
    pub async fn test_mailbox(&self, draft: MailboxDraft) -> Vec<Check> {
        let tried = async {
            let proxy = self.context.credentials.proxy(&self.context.config().network).await?;
            Ok::<_, Problem>((draft::account_of(&draft)?, proxy))
        };
        match tried.await {
            Ok((account, proxy)) => {
                doctor::check_mailbox(&account, &Credential::from(draft.password.as_str()), proxy).await
            }
            Err(problem) => vec![Check::failed("server_found", &draft.address, problem)],
        }
    }

    /// Puts the password into the keychain, saves the mailbox and watches it.
    ///
    /// # Errors
    /// The settings make no sense, the mailbox is there already, the keychain or the configuration can't be written.
    pub async fn add_mailbox(&self, draft: MailboxDraft) -> Result<AccountView, Problem> {
        self.keep_mailbox(draft, None).await
    }

    /// Reaches a mailbox that is there with another server or password from now on. What else belongs to it stays.
    ///
    /// # Errors
    /// The mailbox isn't there, the settings make no sense, the keychain or the configuration can't be written.
    pub async fn change_server(
        &self,
        account_id: String,
        draft: MailboxDraft,
    ) -> Result<AccountView, Problem> {
        self.keep_mailbox(draft, Some(&account_id)).await
    }

    async fn keep_mailbox(
        &self,
        draft: MailboxDraft,
        replaces: Option<&str>,
    ) -> Result<AccountView, Problem> {
        let mut tasks = self.tasks.lock().await;
        let account = self.drafted(draft::account_of(&draft)?, replaces)?;
        let source = SecretSource::Keychain(password_key(&account.address));
        self.keep_secret(&source, draft.password, &account.address).await?;
        self.adopt_mailbox(&mut tasks, account).await
    }

    /// How a mailbox that is there is reached, to be changed.
    ///
    /// # Errors
    /// The mailbox isn't there.
    pub fn mailbox_server(&self, account_id: &str) -> Result<ServerDraft, Problem> {
        self.known(account_id).map(|account| draft::server_of(&account))
    }

    /// A new password for a mailbox that is there.
    ///
    /// # Errors
    /// The mailbox isn't there or takes none, or the keychain can't be written.
    pub async fn set_password(&self, account_id: String, password: String) -> Result<AccountView, Problem> {
        let mut tasks = self.tasks.lock().await;
        let mut account = self.known(&account_id)?;
        let source = SecretSource::Keychain(password_key(&account.address));
        let (place, oauth) = if let Some(imap) = account.imap.as_mut() {
            (&mut imap.password, &mut imap.oauth)
        } else if let Some(ews) = account.ews.as_mut() {
            (&mut ews.password, &mut ews.oauth)
        } else {
            return Err(Problem::new(
                "settings",
                &account.address,
                format!("{} is read through Microsoft 365, which takes no password.", account.address),
                "Sign in through the browser instead.",
            ));
        };
        (*place, *oauth) = (Some(source.clone()), None);
        self.keep_secret(&source, password, &account.address).await?;
        self.adopt_mailbox(&mut tasks, account).await
    }

    /// Stops watching; deletes its password and its cursors. What was reported stays reported.
    ///
    /// # Errors
    /// The mailbox isn't there, or configuration, keychain or store can't be written.
    pub async fn remove_mailbox(&self, account_id: String) -> Result<(), Problem> {
        let mut tasks = self.tasks.lock().await;
        let mut config = self.context.config();
        let Some(at) = config.accounts.iter().position(|account| account.id() == account_id) else {
            return Err(no_such_account(&account_id));
        };
        let account = config.accounts.remove(at);
        self.save(config).await?;
        tasks.stop_account(&self.context, &account_id).await;
        self.forget_sign_in(&account).await?;
        self.store(move |store| store.forget_account(&account_id)).await
    }

    /// The account that a draft describes: a new one, or one that is there and is reached otherwise from now on.
    pub(super) fn drafted(
        &self,
        account: AccountConfig,
        replaces: Option<&str>,
    ) -> Result<AccountConfig, Problem> {
        self.context.managed.allows(&account)?;
        match (self.known(&account.id()), replaces) {
            (Ok(known), Some(id)) if known.id() == id => {
                Ok(AccountConfig { imap: account.imap, graph: account.graph, ews: account.ews, ..known })
            }
            (Ok(_), _) => Err(already_there(&account)),
            (Err(_), Some(id)) => Err(no_such_account(id)),
            (Err(_), None) => Ok(account),
        }
    }

    /// Saves an account, in the place of the one with its id where there is one, and watches it. What it signs in with is in
    /// the keychain already; what the one before signed in with goes.
    pub(super) async fn adopt_mailbox(
        &self,
        tasks: &mut Tasks,
        account: AccountConfig,
    ) -> Result<AccountView, Problem> {
        let id = account.id();
        let mut config = self.context.config();
        let before = match config.accounts.iter_mut().find(|known| known.id() == id) {
            Some(known) => Some(std::mem::replace(known, account.clone())),
            None => {
                config.accounts.push(account.clone());
                None
            }
        };
        self.save(config).await?;
        if before.as_ref().is_some_and(|before| !same_place(before, &account)) {
            // How far the folders were read there means nothing here.
            tasks.stop_account(&self.context, &id).await;
            let owner = id.clone();
            self.store(move |store| store.forget_account(&owner)).await?;
        }
        tasks.start_account(&self.context, account).await;
        if let Some(before) = before {
            self.forget_sign_in(&before).await?;
        }
        self.account(&id).await
    }

    pub(super) fn known(&self, id: &str) -> Result<AccountConfig, Problem> {
        let found = self.context.config().accounts.into_iter().find(|account| account.id() == id);
        found.ok_or_else(|| no_such_account(id))
    }

    pub(super) async fn account(&self, id: &str) -> Result<AccountView, Problem> {
        let found = self.accounts().await?.into_iter().find(|account| account.id == id);
        found.ok_or_else(|| no_such_account(id))
    }

    /// On disk first: what runs is what a restart would run.
    pub(super) async fn save(&self, config: Config) -> Result<(), Problem> {
        let (path, to_save) = (self.context.config_file.clone(), config.clone());
        let saved = tokio::task::spawn_blocking(move || to_save.save(&path)).await;
        if let Ok(Err(error)) = saved {
            return Err(Problem::of_config(&error, &self.context.config_file));
        }
        self.context.set_config(config);
        Ok(())
    }
}

/// The same door of the same server.
fn same_place(one: &AccountConfig, other: &AccountConfig) -> bool {
    let door = |account: &AccountConfig| (account.imap.is_some(), account.ews.is_some());
    door(one) == door(other) && one.host() == other.host()
}

fn already_there(account: &AccountConfig) -> Problem {
    Problem::new(
        "account_exists",
        &account.address,
        format!("{} is watched already.", account.address),
        "Change how it signs in on the Mailboxes page instead.",
    )
}

pub(super) fn no_such_account(id: &str) -> Problem {
    Problem::new("not_found", id, "That mailbox is no longer there.", "Reload the page.")
}
