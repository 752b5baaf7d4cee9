//! Changing what belongs to a mailbox: the rep's other addresses, colleagues, folders that are left out.

use super::{Agent, draft, setup};
use crate::view::{AccountView, MailboxDetails, Problem};

impl Agent {
    /// Changes a mailbox that is there, and watches it anew.
    ///
    /// # Errors
    /// The mailbox isn't there, an address is none, or the configuration can't be written.
    pub async fn change_mailbox(
        &self,
        account_id: String,
        details: MailboxDetails,
    ) -> Result<AccountView, Problem> {
        let mut tasks = self.tasks.lock().await;
        let mut config = self.context.config();
        let Some(account) = config.accounts.iter_mut().find(|account| account.id() == account_id) else {
            return Err(setup::no_such_account(&account_id));
        };
        account.aliases = draft::clean(&details.aliases);
        account.colleagues = draft::clean(&details.colleagues);
        account.exclude_folders = details.exclude_folders;
        account.validate().map_err(|wrong| {
            Problem::new("settings", &account.address, wrong, "Correct the mailbox's settings.")
        })?;
        let account = account.clone();
        self.save(config).await?;
        tasks.start_account(&self.context, account).await;
        drop(tasks);
        self.account(&account_id).await
    }
}
