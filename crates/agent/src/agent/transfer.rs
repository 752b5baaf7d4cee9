//! Taking the configuration to another laptop, and taking one in. A secret is never in it.

use super::Agent;
use crate::config::{Config, Destination};
use crate::view::{ImportView, Problem};

impl Agent {
    /// The configuration as a file's text, without what belongs to this laptop only.
    ///
    /// # Errors
    /// It can't be written down.
    pub fn export_config(&self) -> Result<String, Problem> {
        let config = Config { data_dir: None, ..self.context.config() };
        toml::to_string_pretty(&config).map_err(|error| {
            Problem::new(
                "config_unwritable",
                "",
                format!("The configuration can't be written down: {error}."),
                "Please report this.",
            )
        })
    }

    /// What a configuration would bring, without taking it in.
    ///
    /// # Errors
    /// It is not a configuration.
    pub fn read_import(&self, text: &str) -> Result<ImportView, Problem> {
        let (theirs, ours) = (read(text)?, self.context.config());
        let known = |id: &String| ours.accounts.iter().any(|account| account.id() == *id);
        let (known, new): (Vec<_>, Vec<_>) = theirs
            .accounts
            .iter()
            .map(|account| (account.id(), account.address.clone()))
            .partition(|(id, _)| known(id));
        let addresses = |list: Vec<(String, String)>| list.into_iter().map(|(_, address)| address).collect();
        Ok(ImportView {
            new_mailboxes: addresses(new),
            known_mailboxes: addresses(known),
            backend: theirs
                .destination()
                .filter(|_| ours.destination().is_none())
                .map(|to| to.url().to_owned()),
            rules_differ: theirs.policy != ours.policy || theirs.log_level != ours.log_level,
        })
    }

    /// Takes in mailboxes that are new here, rules and log level, and the backend or Salesforce where neither is connected. What is there
    /// already stays. Passwords are not in a configuration: each new mailbox asks for its own.
    ///
    /// # Errors
    /// It is not a configuration, or it can't be saved.
    pub async fn import_config(&self, text: &str) -> Result<(), Problem> {
        let theirs = read(text)?;
        let destination = theirs.destination();
        let mut tasks = self.tasks.lock().await;
        let mut config = self.context.config();
        let known: Vec<String> = config.accounts.iter().map(crate::config::AccountConfig::id).collect();
        let new: Vec<_> =
            theirs.accounts.into_iter().filter(|account| !known.contains(&account.id())).collect();
        for account in &new {
            self.context.managed.allows(account)?;
        }
        config.accounts.extend(new.iter().cloned());
        config.policy = theirs.policy;
        config.log_level = theirs.log_level;
        let destination = destination.filter(|_| config.destination().is_none());
        match destination.clone() {
            Some(Destination::Backend(backend)) => config.backend = Some(backend),
            Some(Destination::Salesforce(salesforce)) => config.salesforce = Some(salesforce),
            None => {}
        }
        self.save(config).await?;
        for account in new {
            tasks.start_account(&self.context, account).await;
        }
        if let Some(destination) = destination {
            tasks.start_backend(&self.context, destination).await;
        }
        Ok(())
    }
}

fn read(text: &str) -> Result<Config, Problem> {
    Config::read(text).map_err(|wrong| {
        Problem::new(
            "import_wrong",
            "",
            format!("This is not a configuration of Answerback: {wrong}."),
            "Choose a file that was exported on the Mailboxes page.",
        )
    })
}
