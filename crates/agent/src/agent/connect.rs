//! Connecting the backend with a token, and disconnecting it.

use answerback_keychain::SecretSource;

use super::Agent;
use super::salesforce::secret_of;
use crate::config::{BackendConfig, Destination};
use crate::doctor;
use crate::view::{BackendDraft, BackendView, Check, Problem};

impl Agent {
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
        let before = config.destination();
        let another = before.as_ref().is_some_and(|before| before.url() != url);
        let ca_file = config.backend.take().and_then(|before| before.ca_file);
        config.salesforce = None;
        let backend =
            BackendConfig { token: SecretSource::Keychain(format!("backend/{url}")), paired, ca_file, url };
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
        tasks.start_backend(&self.context, Destination::Backend(backend)).await;
        drop(tasks);
        self.backend().await
    }

    /// Forgets the backend's token, or the sign-in to Salesforce. Events that wait are kept until one is connected again.
    ///
    /// # Errors
    /// Configuration or keychain can't be written.
    pub async fn disconnect_backend(&self) -> Result<BackendView, Problem> {
        let mut tasks = self.tasks.lock().await;
        let mut config = self.context.config();
        if let Some(before) = config.destination() {
            (config.backend, config.salesforce) = (None, None);
            self.save(config).await?;
            tasks.stop_backend(&self.context).await;
            self.context.credentials.forget_link(Some(&before));
            let (secret, url) = secret_of(before);
            self.forget_secret(&secret, &url).await?;
        }
        drop(tasks);
        self.backend().await
    }
}
