//! Adding and removing mailboxes and the backend.

use answerback_keychain::{KeychainError, Secret, SecretSource};
use answerback_mailbox::Credential;

use super::Agent;
use crate::config::{AccountConfig, BackendConfig, Config, ImapConfig, Security, SignInSource};
use crate::credentials::grant_key;
use crate::doctor;
use crate::view::{AccountView, BackendDraft, BackendView, Check, MailboxDraft, MailboxSecurity, Problem};

impl Agent {
    /// Tries a mailbox without keeping anything.
    pub async fn test_mailbox(&self, draft: MailboxDraft) -> Vec<Check> {
        let tried = async {
            let proxy = self.context.credentials.proxy(&self.context.config().network).await?;
            Ok::<_, Problem>((account_of(&draft)?, proxy))
        };
        match tried.await {
            Ok((account, proxy)) => {
                doctor::check_mailbox(&account, &Credential::from(draft.password.as_str()), proxy).await
            }
            Err(problem) => vec![Check::failed("server_found", &draft.host, problem)],
        }
    }

    /// Puts the password into the keychain, saves the mailbox and watches it.
    ///
    /// # Errors
    /// The settings make no sense, the mailbox is there already, the keychain or the configuration can't be written.
    pub async fn add_mailbox(&self, draft: MailboxDraft) -> Result<AccountView, Problem> {
        let account = account_of(&draft)?;
        self.context.managed.allows(&account)?;
        let id = account.id();
        let mut tasks = self.tasks.lock().await;
        let mut config = self.context.config();
        if config.accounts.iter().any(|known| known.id() == id) {
            return Err(already_there(&account));
        }
        self.keep_secret(&password_of(&account.address), draft.password, &account.address).await?;
        config.accounts.push(account.clone());
        self.save(config).await?;
        tasks.start_account(&self.context, account).await;
        drop(tasks);
        self.account(&id).await
    }

    /// A new password for a mailbox that is there.
    ///
    /// # Errors
    /// The mailbox isn't there, or the keychain can't be written.
    pub async fn set_password(&self, account_id: String, password: String) -> Result<AccountView, Problem> {
        let mut tasks = self.tasks.lock().await;
        let mut config = self.context.config();
        let Some(account) = config.accounts.iter_mut().find(|account| account.id() == account_id) else {
            return Err(no_such_account(&account_id));
        };
        let source = password_of(&account.address);
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
        *place = Some(source.clone());
        *oauth = None;
        let account = account.clone();
        self.keep_secret(&source, password, &account.address).await?;
        self.save(config).await?;
        tasks.start_account(&self.context, account).await;
        drop(tasks);
        self.account(&account_id).await
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
        let secret = match account.sign_in() {
            SignInSource::Password(source) | SignInSource::Token(source) => source.clone(),
            SignInSource::Browser(_) => SecretSource::Keychain(grant_key(&account.address)),
        };
        self.context.credentials.forget(&account_id);
        self.forget_secret(&secret, &account.address).await?;
        self.store(move |store| store.forget_account(&account_id)).await
    }

    /// Tries a backend without keeping anything.
    pub async fn test_backend(&self, draft: BackendDraft) -> Vec<Check> {
        let ca_file = self.context.config().backend.and_then(|backend| backend.ca_file);
        doctor::check_backend_with(draft.url.trim(), &draft.token, ca_file.as_deref()).await
    }

    /// Puts the token into the keychain, saves the backend and keeps it in step.
    ///
    /// # Errors
    /// The URL makes no sense, or keychain, configuration or store can't be written.
    pub async fn connect_backend(&self, draft: BackendDraft) -> Result<BackendView, Problem> {
        let url = draft.url.trim().trim_end_matches('/').to_owned();
        self.adopt_backend(url, draft.token, false).await
    }

    pub(super) async fn adopt_backend(
        &self,
        url: String,
        secret: String,
        paired: bool,
    ) -> Result<BackendView, Problem> {
        let mut tasks = self.tasks.lock().await;
        let mut config = self.context.config();
        let before = config.backend.take();
        let another = before.as_ref().is_some_and(|before| before.url != url);
        let backend = BackendConfig {
            token: SecretSource::Keychain(format!("backend/{url}")),
            paired,
            ca_file: before.as_ref().and_then(|before| before.ca_file.clone()),
            url,
        };
        config.backend = Some(backend.clone());
        config.validate().map_err(|wrong| {
            Problem::new("backend_url", &backend.url, wrong, "Correct the backend's URL.")
        })?;
        // First: a paired backend that still runs would put its own next token over the new one.
        tasks.stop_backend(&self.context).await;
        let kept = match self.keep_secret(&backend.token, secret, &backend.url).await {
            Ok(()) => self.save(config).await,
            Err(problem) => Err(problem),
        };
        if let Err(problem) = kept {
            if let Some(before) = before {
                tasks.start_backend(&self.context, before).await;
            }
            return Err(problem);
        }
        if another {
            // Its sends are others, and our cursor means nothing to it.
            self.store(|store| store.forget_sends_cursor()).await?;
            self.context.sends_known.send_replace(false);
        }
        tasks.start_backend(&self.context, backend).await;
        drop(tasks);
        self.backend().await
    }

    /// Forgets the backend's token. Events that wait are kept until one is connected again.
    ///
    /// # Errors
    /// Configuration or keychain can't be written.
    pub async fn disconnect_backend(&self) -> Result<BackendView, Problem> {
        let mut tasks = self.tasks.lock().await;
        let mut config = self.context.config();
        if let Some(backend) = config.backend.take() {
            self.save(config).await?;
            tasks.stop_backend(&self.context).await;
            self.forget_secret(&backend.token, &backend.url).await?;
        }
        drop(tasks);
        self.backend().await
    }

    pub(super) async fn account(&self, id: &str) -> Result<AccountView, Problem> {
        let found = self.accounts().await?.into_iter().find(|account| account.id == id);
        found.ok_or_else(|| no_such_account(id))
    }

    async fn keep_secret(&self, source: &SecretSource, secret: String, about: &str) -> Result<(), Problem> {
        let secret = Secret::from(secret);
        let SecretSource::Keychain(key) = source.clone() else { return Ok(()) };
        let keychain = self.context.keychain.clone();
        let kept = tokio::task::spawn_blocking(move || keychain.set(&key, &secret)).await;
        match kept {
            Ok(Err(error)) => Err(Problem::of_keychain(&error, about)),
            _ => Ok(()),
        }
    }

    async fn forget_secret(&self, source: &SecretSource, about: &str) -> Result<(), Problem> {
        let SecretSource::Keychain(key) = source.clone() else { return Ok(()) };
        let keychain = self.context.keychain.clone();
        match tokio::task::spawn_blocking(move || keychain.delete(&key)).await {
            Ok(Err(error)) if !matches!(error, KeychainError::NotFound(_)) => {
                Err(Problem::of_keychain(&error, about))
            }
            _ => Ok(()),
        }
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

/// The account that a draft describes.
pub(super) fn account_of(draft: &MailboxDraft) -> Result<AccountConfig, Problem> {
    let address = draft.address.trim().to_owned();
    let username = draft.username.trim();
    let account = AccountConfig {
        aliases: clean(&draft.aliases),
        colleagues: clean(&draft.colleagues),
        exclude_folders: Vec::new(),
        imap: Some(ImapConfig {
            host: draft.host.trim().to_owned(),
            port: Some(draft.port),
            security: match draft.security {
                MailboxSecurity::Tls => Security::Tls,
                MailboxSecurity::StartTls => Security::StartTls,
                MailboxSecurity::None => Security::None,
            },
            username: (!username.is_empty() && username != address).then(|| username.to_owned()),
            password: Some(password_of(&address)),
            oauth: None,
            ca_file: draft.ca_file.as_deref().filter(|path| !path.is_empty()).map(Into::into),
        }),
        graph: None,
        ews: None,
        address,
    };
    account.validate().map_err(|wrong| {
        Problem::new("settings", &account.address, wrong, "Correct the mailbox's settings.")
    })?;
    Ok(account)
}

fn password_of(address: &str) -> SecretSource {
    SecretSource::Keychain(format!("account/{}", address.to_lowercase()))
}

pub(super) fn already_there(account: &AccountConfig) -> Problem {
    Problem::new(
        "account_exists",
        &account.address,
        format!("{} is watched already.", account.address),
        "Change how it signs in on the Mailboxes page instead.",
    )
}

/// What was typed, without blanks around it and without empty entries.
pub(super) fn clean(list: &[String]) -> Vec<String> {
    list.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

pub(super) fn no_such_account(id: &str) -> Problem {
    Problem::new("not_found", id, "That mailbox is no longer there.", "Reload the page.")
}
