//! Connecting Salesforce in place of a backend, and trying it, for the window.

use answerback_keychain::SecretSource;

use super::Agent;
use super::browser::{Work, called_off};
use crate::config::{Destination, SalesforceConfig, salesforce_key};
use crate::link::Link;
use crate::view::{
    BackendView, Check, Problem, SalesforceDraft, SalesforceMapping, SalesforceMappingView, SalesforceSignIn,
};
use crate::{doctor, sign_in};

impl Agent {
    /// Begins to sign in to Salesforce as it was typed in, or as the organisation's policy has it. Open the URL, then call
    /// [`Agent::finish_salesforce`]. What is connected stays so until then.
    ///
    /// # Errors
    /// The address makes no sense, or this computer can't listen for the browser.
    pub async fn begin_salesforce(&self, draft: SalesforceDraft) -> Result<SalesforceSignIn, Problem> {
        let url = draft.url.trim().trim_end_matches('/').to_owned();
        let known = self.context.config().salesforce.filter(|known| known.url == url);
        let mut salesforce = known.unwrap_or_else(|| SalesforceConfig::new(url.clone(), String::new()));
        salesforce.client_id = draft.client_id.trim().to_owned();
        salesforce.validate().map_err(|wrong| {
            Problem::new("settings", &url, wrong, "Correct the address and the client id.")
        })?;
        let sign_in = sign_in::begin_salesforce(&salesforce).await?;
        let shown = SalesforceSignIn { id: uuid::Uuid::new_v4().to_string(), url: sign_in.url().to_owned() };
        self.wait_for_browser(
            shown.id.clone(),
            shown.url.clone(),
            Work::Salesforce(Box::new((salesforce, sign_in))),
        )
        .await;
        Ok(shown)
    }

    /// Waits for the browser, at most ten minutes; then keeps the sign-in, saves the configuration, and reads and writes there in place of
    /// what was connected before.
    ///
    /// # Errors
    /// The rep or the organisation said no, nobody came back, it was called off, or keychain or configuration can't be written.
    pub async fn finish_salesforce(&self, id: String) -> Result<BackendView, Problem> {
        let (work, stop) = self.take_sign_in(&id).await?;
        let Work::Salesforce(work) = work else { return Err(called_off()) };
        let (salesforce, sign_in) = *work;
        let finished = tokio::select! {
            () = stop.cancelled() => Err(called_off()),
            finished = sign_in::finish_salesforce(&salesforce, &self.context.credentials, sign_in) => finished,
        };
        self.sign_ins.lock().await.remove(&id);
        finished?;
        let mut tasks = self.tasks.lock().await;
        let mut config = self.context.config();
        let before = config.destination();
        (config.backend, config.salesforce) = (None, Some(salesforce.clone()));
        self.save(config).await?;
        tasks.stop_backend(&self.context).await;
        if before.as_ref().is_none_or(|before| before.url() != salesforce.url) {
            self.context.credentials.forget_link(before.as_ref());
            if let Some(before) = before {
                let (secret, url) = secret_of(before);
                self.forget_secret(&secret, &url).await?;
            }
            // Its sends are others, and our cursor means nothing to it.
            self.store(|store| store.forget_sends_cursor()).await?;
            self.context.sends_known.send_replace(false);
        }
        tasks.start_backend(&self.context, Destination::Salesforce(salesforce)).await;
        drop(tasks);
        self.backend().await
    }

    /// What may be done in the Salesforce that is connected.
    pub async fn check_salesforce(&self) -> Vec<Check> {
        let config = self.context.config();
        match self.context.salesforce() {
            Some(salesforce) => {
                doctor::check_salesforce(&config, &salesforce, &self.context.credentials).await
            }
            None => Vec::new(),
        }
    }

    /// Logs an answer of whoever has this address in Salesforce and removes it again; tells which objects were written.
    ///
    /// # Errors
    /// Salesforce is not connected, nobody there has the address, or the entry could not be written or removed.
    pub async fn try_salesforce(&self, address: String) -> Result<Vec<String>, Problem> {
        match self.context.link() {
            Some(Link::Salesforce(direct)) => direct.trial(&address).await,
            _ => Err(not_connected()),
        }
    }

    /// What becomes what in the Salesforce that is connected; `None` where none is.
    pub fn salesforce_mapping(&self) -> Option<SalesforceMappingView> {
        let salesforce = self.context.salesforce()?;
        let fixed = self.context.managed.salesforce_mapping().is_some();
        Some(SalesforceMappingView { mapping: SalesforceMapping::of(&salesforce.mapping), fixed })
    }

    /// Changes what becomes what from the next event on; what was written stays as it is.
    ///
    /// # Errors
    /// Salesforce is not connected, the organisation has laid the mapping down, a name can't be a field's, or the configuration can't
    /// be written.
    pub async fn set_salesforce_mapping(&self, mapping: SalesforceMapping) -> Result<(), Problem> {
        if self.context.managed.salesforce_mapping().is_some() {
            let remedy = "Ask your administrator, who can change it for every laptop.";
            return Err(Problem::new("pinned", "", "Your organisation has laid the mapping down.", remedy));
        }
        let mut tasks = self.tasks.lock().await;
        let mut config = self.context.config();
        let Some(salesforce) = config.salesforce.as_mut() else { return Err(not_connected()) };
        salesforce.mapping = mapping.over(&salesforce.mapping);
        let salesforce = salesforce.clone();
        salesforce.validate().map_err(|wrong| {
            Problem::new("settings", &salesforce.url, wrong, "Correct what becomes what in Salesforce.")
        })?;
        self.save(config).await?;
        tasks.start_backend(&self.context, Destination::Salesforce(salesforce)).await;
        Ok(())
    }
}

fn not_connected() -> Problem {
    Problem::new("not_found", "", "Salesforce is not connected.", "Connect it first.")
}

/// Where the keychain has what a destination is opened with, and its address.
pub(super) fn secret_of(destination: Destination) -> (SecretSource, String) {
    match destination {
        Destination::Backend(backend) => (backend.token, backend.url),
        Destination::Salesforce(salesforce) => {
            (SecretSource::Keychain(salesforce_key(&salesforce.url)), salesforce.url)
        }
    }
}
