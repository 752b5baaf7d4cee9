//! Signing in through the browser, for the window: begun, waited for, and called off.

use answerback_keychain::Keychain;
use answerback_provider::SignIn;
use tokio_util::sync::CancellationToken;

use super::{Agent, draft};
use crate::config::{AccountConfig, OauthConfig, SalesforceConfig};
use crate::show;
use crate::sign_in::{self, Begun};
use crate::view::{BrowserSignIn, MailboxDraft, Problem, SignInOutcome};

/// What is signed in to.
#[derive(Debug)]
pub(super) enum Work {
    /// A mailbox.
    Mailbox(Box<MailboxWork>),
    /// Salesforce.
    Salesforce(Box<(SalesforceConfig, SignIn)>),
}

/// A sign-in that was begun.
#[derive(Debug)]
pub(super) struct Pending {
    /// Taken by whoever waits for it.
    work: Option<Work>,
    url: String,
    stop: CancellationToken,
}

#[derive(Debug)]
pub(super) struct MailboxWork {
    account: AccountConfig,
    begun: Begun,
    /// Why the door before this one stayed shut: the rep is told of that one, should this one stay shut as well.
    before: Option<Problem>,
    /// Another door may be tried: the mailbox is not there yet, or is to be reached otherwise.
    free: bool,
}

impl Agent {
    /// Begins to sign in to a mailbox that is not there yet, or in place of the one that is there with the id `replaces`; the
    /// draft's password is not looked at. `provider` is `google`, `microsoft`, `yahoo` or an issuer's URL. Open the URL, then
    /// call [`Agent::finish_sign_in`].
    ///
    /// # Errors
    /// The settings make no sense, the mailbox is there already, no client id is known, or the provider can't be reached.
    pub async fn begin_sign_in(
        &self,
        draft: MailboxDraft,
        provider: String,
        replaces: Option<String>,
    ) -> Result<BrowserSignIn, Problem> {
        let mut account = draft::account_of(&draft)?;
        let config = self.context.config();
        if let Some(imap) = account.imap.as_mut() {
            (imap.password, imap.oauth) = (None, Some(OauthConfig { provider }));
        } else {
            let client = sign_in::registration(&config, &self.context.managed, &provider);
            account = sign_in::first_door(account, client);
        }
        let account = self.drafted(account, replaces.as_deref())?;
        self.begin(account, None, true).await
    }

    /// The same for a mailbox that is there and has to be signed in to again.
    ///
    /// # Errors
    /// The mailbox isn't there or takes a password, no client id is known, or the provider can't be reached.
    pub async fn begin_sign_in_again(&self, account_id: String) -> Result<BrowserSignIn, Problem> {
        self.begin(self.known(&account_id)?, None, false).await
    }

    async fn begin(
        &self,
        account: AccountConfig,
        before: Option<Problem>,
        free: bool,
    ) -> Result<BrowserSignIn, Problem> {
        let keychain: &Keychain = &self.context.keychain;
        let (config, organisation) = (self.context.config(), self.context.organisation());
        let begun = sign_in::begin(&config, &self.context.managed, &organisation, &account, keychain).await?;
        let shown = BrowserSignIn {
            id: uuid::Uuid::new_v4().to_string(),
            url: begun.sign_in.url().to_owned(),
            door: show::door(&account),
            admin_page: begun.client.page.clone(),
        };
        let work = Work::Mailbox(Box::new(MailboxWork { account, begun, before, free }));
        self.wait_for_browser(shown.id.clone(), shown.url.clone(), work).await;
        Ok(shown)
    }

    /// Keeps a sign-in until the browser comes back.
    pub(super) async fn wait_for_browser(&self, id: String, url: String, work: Work) {
        let pending = Pending { work: Some(work), url, stop: CancellationToken::new() };
        self.sign_ins.lock().await.insert(id, pending);
    }

    /// What waits under this id, for the one who waits for it.
    pub(super) async fn take_sign_in(&self, id: &str) -> Result<(Work, CancellationToken), Problem> {
        let mut sign_ins = self.sign_ins.lock().await;
        let pending = sign_ins.get_mut(id).ok_or_else(called_off)?;
        Ok((pending.work.take().ok_or_else(called_off)?, pending.stop.clone()))
    }

    /// Waits for the browser, at most ten minutes; then keeps the sign-in, saves the mailbox and watches it.
    ///
    /// # Errors
    /// The rep or the organisation said no, nobody came back, it was called off, or keychain or configuration can't be written.
    pub async fn finish_sign_in(&self, id: String) -> Result<SignInOutcome, Problem> {
        let proxy = self.context.credentials.proxy(&self.context.config().network).await?;
        let (work, stop) = self.take_sign_in(&id).await?;
        let Work::Mailbox(work) = work else { return Err(called_off()) };
        let MailboxWork { account, begun, before, free } = *work;
        let finished = tokio::select! {
            () = stop.cancelled() => Err(called_off()),
            finished = sign_in::finish(&account, proxy, begun) => finished,
        };
        self.sign_ins.lock().await.remove(&id);
        let trouble = match &finished {
            Ok((_, _, checks)) => sign_in::trouble(checks),
            Err(problem) => Some(problem),
        };
        if let Some(trouble) = trouble.filter(|_| free)
            && let Some(other) = self.next_door(&account, trouble)
        {
            return Ok(SignInOutcome::Next {
                sign_in: self.begin(other, Some(trouble.clone()), free).await?,
            });
        }
        let (grant, token, checks) = match (finished, before) {
            (Ok(brought), _) => brought,
            (Err(problem), Some(before)) if problem.code != "sign_in_cancelled" => return Err(before),
            (Err(problem), _) => return Err(problem),
        };
        if sign_in::trouble(&checks).is_some() {
            return Ok(SignInOutcome::Unreadable { checks });
        }
        let mut tasks = self.tasks.lock().await;
        sign_in::keep(&self.context.credentials, &account, &grant, token).await?;
        let account = self.adopt_mailbox(&mut tasks, account).await?;
        Ok(SignInOutcome::Watched { account: Box::new(account), checks })
    }

    fn next_door(&self, account: &AccountConfig, problem: &Problem) -> Option<AccountConfig> {
        let config = self.context.config();
        let client = sign_in::registration(&config, &self.context.managed, "microsoft");
        sign_in::next_door(account, problem, client)
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

pub(super) fn called_off() -> Problem {
    Problem::new("sign_in_cancelled", "", "The sign-in was called off.", "Begin again when you like.")
}
