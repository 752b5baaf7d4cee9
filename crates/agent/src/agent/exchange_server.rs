//! Where the Exchange server of an address is, before anything is kept.

use answerback_mailbox::{Credential, ews};

use super::{Agent, draft};
use crate::config::{Server, host_of};
use crate::view::{ExchangeServer, MailboxDraft, Problem};

impl Agent {
    /// Asks Autodiscover. `agreed` are hosts outside of the mail domain to which the rep agrees to send the password.
    ///
    /// # Errors
    /// The draft is of no Exchange server or makes no sense, Autodiscover can't be asked or refuses the password, or it doesn't
    /// know the address.
    pub async fn find_exchange(
        &self,
        draft: MailboxDraft,
        agreed: Vec<String>,
    ) -> Result<ExchangeServer, Problem> {
        let account = draft::account_of(&draft)?;
        let proxy = self.context.credentials.proxy(&self.context.config().network).await?;
        let Server::Ews(ews) = account.server() else {
            return Err(Problem::new(
                "settings",
                &account.address,
                format!("{} is not on an Exchange server.", account.address),
                "Choose how the mailbox is reached.",
            ));
        };
        let settings = ews.settings(&account.address, proxy);
        let credential = Credential::from(draft.password.as_str());
        let found = ews::find_server(&settings, &credential, &agreed).await;
        Ok(
            match found
                .map_err(|error| Problem::of_server(&error, account.server(), &account.server_name()))?
            {
                ews::Found::Elsewhere(host) => ExchangeServer::Elsewhere { host },
                ews::Found::Server(url) => {
                    let host = host_of(&url).to_owned();
                    let leaves_domain = !agreed.contains(&host) && !ews::is_of_domain(&url, &account.address);
                    ExchangeServer::Server { host, leaves_domain, url }
                }
            },
        )
    }
}
