//! Signing in through the browser, for the window: begun, waited for, and called off.

use answerback_keychain::Keychain;
use answerback_provider::SignIn;
use tokio_util::sync::CancellationToken;

use super::Agent;
use super::setup::{account_of, already_there, no_such_account};
use crate::config::{AccountConfig, OauthConfig};
use crate::sign_in;
use crate::view::{AccountView, BrowserSignIn, MailboxDraft, Problem};

/// A sign-in that was begun.
#[derive(Debug)]
pub(super) struct Pending {
    /// Taken by whoever waits for it.
    work: Option<(AccountConfig, SignIn)>,
    url: String,
    stop: CancellationToken,
}

impl Agent {
    /// Begins to sign in to a mailbox that is not there yet; the draft's password is not looked at. `provider` is
    /// `google`, `microsoft`, `yahoo` or an issuer's URL. Open the URL, then call [`Agent::finish_sign_in`].
    ///
    /// # Errors
    /// The settings make no sense, the mailbox is there already, no client id is known, or the provider can't be reached.
    pub async fn begin_sign_in(
        &self,
        draft: MailboxDraft,
        provider: String,
    ) -> Result<BrowserSignIn, Problem> {
        let mut account = account_of(&draft)?;
        if let Some(imap) = account.imap.as_mut() {
            imap.password = None;
            imap.oauth = Some(OauthConfig { provider });
        }
        self.context.managed.allows(&account)?;
        if self.context.config().accounts.iter().any(|known| known.id() == account.id()) {
            return Err(already_there(&account));
        }
        self.begin(account).await
    }

    /// The same for a mailbox that is there and has to be signed in to again.
    ///
    /// # Errors
    /// The mailbox isn't there or takes a password, no client id is known, or the provider can't be reached.
    pub async fn begin_sign_in_again(&self, account_id: String) -> Result<BrowserSignIn, Problem> {
        let account = self.context.config().accounts.into_iter().find(|account| account.id() == account_id);
        self.begin(account.ok_or_else(|| no_such_account(&account_id))?).await
    }

    async fn begin(&self, account: AccountConfig) -> Result<BrowserSignIn, Problem> {
        let keychain: &Keychain = &self.context.keychain;
        let (config, organisation) = (self.context.config(), self.context.organisation());
        let sign_in =
            sign_in::begin(&config, &self.context.managed, &organisation, &account, keychain).await?;
        let shown = BrowserSignIn { id: uuid::Uuid::new_v4().to_string(), url: sign_in.url().to_owned() };
        let url = shown.url.clone();
        let pending = Pending { work: Some((account, sign_in)), url, stop: CancellationToken::new() };
        self.sign_ins.lock().await.insert(shown.id.clone(), pending);
        Ok(shown)
    }

    /// Waits for the browser, at most ten minutes; then keeps the sign-in, saves the mailbox and watches it.
    ///
    /// # Errors
    /// The rep or the organisation said no, nobody came back, it was called off, the mail server refuses the account, or
    /// keychain or configuration can't be written.
    pub async fn finish_sign_in(&self, id: String) -> Result<AccountView, Problem> {
        let proxy = self.context.credentials.proxy(&self.context.config().network).await?;
        let taken = {
            let mut sign_ins = self.sign_ins.lock().await;
            sign_ins.get_mut(&id).and_then(|pending| Some((pending.work.take()?, pending.stop.clone())))
        };
        let Some(((account, sign_in), stop)) = taken else { return Err(called_off()) };
        let finished = tokio::select! {
            () = stop.cancelled() => Err(called_off()),
            finished = sign_in::finish(&account, proxy, sign_in) => finished,
        };
        self.sign_ins.lock().await.remove(&id);
        let (grant, token) = finished?;
        let account_id = account.id();
        let mut tasks = self.tasks.lock().await;
        let mut config = self.context.config();
        let known = config.accounts.iter().any(|known| known.id() == account_id);
        sign_in::keep(&self.context.credentials, &account, &grant, token).await?;
        if !known {
            config.accounts.push(account.clone());
            self.save(config).await?;
        }
        tasks.start_account(&self.context, account).await;
        drop(tasks);
        self.account(&account_id).await
    }

    /// The URL of a sign-in that waits, to open it once more.
    pub async fn sign_in_url(&self, id: &str) -> Option<String> {
        self.sign_ins.lock().await.get(id).map(|pending| pending.url.clone())
    }

    /// Calls a sign-in off; whoever waits for it is told so.
    pub async fn cancel_sign_in(&self, id: String) {
        if let Some(pending) = self.sign_ins.lock().await.remove(&id) {
            pending.stop.cancel();
        }
    }
}

fn called_off() -> Problem {
    Problem::new("sign_in_cancelled", "", "The sign-in was called off.", "Begin again when you like.")
}
