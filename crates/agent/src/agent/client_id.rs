//! This program's id at a provider, typed in by the rep where neither administrator nor backend names one.

use super::Agent;
use crate::config::OauthClientConfig;
use crate::sign_in;
use crate::view::Problem;

impl Agent {
    /// Keeps the client id that an administrator has told the rep, for signing in at `provider`. `tenant` is the organisation's
    /// Microsoft directory; empty where it is not known.
    ///
    /// # Errors
    /// The organisation has laid one down already, it is none, or the configuration can't be written.
    pub async fn set_client_id(
        &self,
        provider: String,
        client_id: String,
        tenant: String,
    ) -> Result<(), Problem> {
        let (client_id, tenant) = (client_id.trim().to_owned(), tenant.trim().to_owned());
        let wrong = |summary: &str| {
            Problem::new("settings", &provider, summary, "Ask your administrator for the client id.")
        };
        // Both become a part of a URL.
        let plain =
            |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
        if client_id.is_empty() || !plain(&client_id) || !plain(&tenant) {
            return Err(wrong("This is no client id."));
        }
        let _tasks = self.tasks.lock().await;
        let mut config = self.context.config();
        if self.context.managed.oauth.contains_key(&provider) {
            return Err(wrong("Your organisation has laid down a client id on this computer."));
        }
        let before = sign_in::registration(&config, &self.context.managed, &provider).cloned();
        let client = OauthClientConfig {
            client_id,
            client_secret: None,
            tenant: Some(tenant).filter(|tenant| !tenant.is_empty()),
            scopes: Vec::new(),
            authority: before.as_ref().and_then(|before| before.authority.clone()),
            graph_url: before.and_then(|before| before.graph_url),
        };
        config.oauth.insert(provider.clone(), client);
        config.validate().map_err(|text| wrong(&text))?;
        self.save(config).await
    }
}
