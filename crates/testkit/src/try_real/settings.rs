//! What somebody says of the mailbox or organisation of theirs.

use std::path::Path;

use answerback_backend::{SecretSource, hubspot, salesforce};
use answerback_testkit::real_mailbox::{RealMailbox, Sender};
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// A file of settings, which is kept outside of the repository.
#[derive(Debug, Default)]
pub struct Settings {
    tables: Table,
}

/// The interfaces that a mailbox is reached by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Graph,
    Ews,
}

impl Door {
    fn table(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::Ews => "ews",
        }
    }
}

/// What is missing, each with what it is for.
pub type Missing = Vec<String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    subject: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    contact: String,
}

impl Settings {
    /// Reads the file.
    ///
    /// # Errors
    /// It can't be read, or is no TOML.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?;
        // Not the error as it is shown: that quotes the file, and somebody may have written a secret into it.
        let tables = text.parse::<Table>().map_err(|error| {
            let line = error.span().map_or(0, |at| text.get(..at.start).unwrap_or_default().lines().count());
            anyhow::anyhow!("{}, line {line}: {}", path.display(), error.message())
        })?;
        Ok(Self { tables })
    }

    /// The mailbox that is watched, and who writes to it.
    ///
    /// # Errors
    /// Something makes no sense.
    pub fn mailbox(&self, door: Door) -> Result<Result<RealMailbox, Missing>> {
        let mut missing = Missing::new();
        let mut lacks = |what: &str, why: &str| missing.push(format!("{what:<24} {why}"));
        let account = self.tables.get("account").and_then(Value::as_table).cloned().unwrap_or_default();
        let address = account.get("address").and_then(Value::as_str).unwrap_or_default().to_owned();
        if address.is_empty() {
            lacks("account.address", "the address of the mailbox that is watched");
        }
        let server = account.get(door.table()).and_then(Value::as_table);
        match (door, server) {
            (_, None) => lacks(
                &format!("account.{}", door.table()),
                "how the mailbox is reached, as in the agent's configuration",
            ),
            (Door::Graph, Some(graph)) => {
                if !graph.contains_key("token") && !graph.contains_key("oauth") {
                    lacks(
                        "account.graph.token",
                        "where an access token is: { env = \"NAME\" } or { file = \"PATH\" }; or oauth",
                    );
                }
            }
            (Door::Ews, Some(ews)) => {
                if !ews.contains_key("password") && !ews.contains_key("oauth") {
                    lacks(
                        "account.ews.password",
                        "where the password is: { env = \"NAME\" } or { file = \"PATH\" }; or oauth",
                    );
                }
            }
        }
        for (name, source) in server.into_iter().flatten() {
            if let Some(variable) = source.get("env").and_then(Value::as_str).filter(|name| !is_set(name)) {
                lacks(
                    &format!("${variable}"),
                    &format!("the environment variable that account.{}.{name} names", door.table()),
                );
            }
        }
        let sender = self.part::<Sender>("sender")?;
        match &sender {
            None => lacks("sender", "another account, from which answers are sent: address, host, password"),
            Some(sender) => {
                if let SecretSource::Env(variable) = &sender.password
                    && !is_set(variable)
                {
                    lacks(&format!("${variable}"), "the environment variable that sender.password names");
                }
                if sender.is_exposed() {
                    bail!(
                        "sender.security = \"none\" is for this computer only: the password would go in the clear"
                    );
                }
            }
        }
        let rule = self.part::<Rule>("rule")?.map(|rule| rule.subject);
        let Some(sender) = sender.filter(|_| missing.is_empty()) else { return Ok(Err(missing)) };
        let mut config = Table::from_iter([("account".to_owned(), Value::Array(vec![account.into()]))]);
        for name in ["oauth", "network"] {
            config.extend(self.tables.get(name).map(|table| (name.to_owned(), table.clone())));
        }
        Ok(Ok(RealMailbox { config, address, sender, rule }))
    }

    /// The Salesforce organisation, and the address of a contact or lead there.
    ///
    /// # Errors
    /// Something makes no sense.
    pub fn salesforce(&self) -> Result<Result<(salesforce::Settings, String), Missing>> {
        self.crm("salesforce", "the organisation: url, client_id, client_secret, as in docs/salesforce.md")
    }

    /// The HubSpot account, and the address of a contact there.
    ///
    /// # Errors
    /// Something makes no sense.
    pub fn hubspot(&self) -> Result<Result<(hubspot::Settings, String), Missing>> {
        self.crm("hubspot", "the account: token, as in docs/hubspot.md")
    }

    fn crm<T: DeserializeOwned>(&self, name: &str, what: &str) -> Result<Result<(T, String), Missing>> {
        let (crm, person) = (self.part::<T>(name)?, self.part::<Person>("person")?);
        let mut missing = Missing::new();
        if crm.is_none() {
            missing.push(format!("{name:<24} {what}"));
        }
        if person.is_none() {
            missing.push(format!(
                "{:<24} the address of a contact there whom you may write to",
                "person.contact"
            ));
        }
        for (key, source) in self.tables.get(name).and_then(Value::as_table).into_iter().flatten() {
            if let Some(variable) = source.get("env").and_then(Value::as_str).filter(|name| !is_set(name)) {
                missing.push(format!(
                    "{:<24} the environment variable that {name}.{key} names",
                    format!("${variable}")
                ));
            }
        }
        Ok(match (crm, person) {
            (Some(crm), Some(person)) if missing.is_empty() => Ok((crm, person.contact)),
            _ => Err(missing),
        })
    }

    fn part<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let part = self.tables.get(name).cloned().map(T::deserialize).transpose();
        part.map_err(|error| anyhow::anyhow!("[{name}]: {}", error.message()))
    }
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        Settings { tables: text.parse().unwrap() }
    }

    #[test]
    fn what_is_missing_is_named_and_no_secret_is_shown() {
        let missing = settings("").mailbox(Door::Graph).unwrap().unwrap_err().join("\n");
        for name in ["account.address", "account.graph", "sender"] {
            assert!(missing.contains(name), "{missing}");
        }
        let text = "[account]\naddress = 'rep@x'\news = { password = { env = 'ANSWERBACK_NO_SUCH' } }\n\
                    [sender]\naddress = 'a@x'\nhost = 'smtp.x'\npassword = { env = 'ANSWERBACK_NOR_THIS' }\n";
        let missing = settings(text).mailbox(Door::Ews).unwrap().unwrap_err().join("\n");
        assert!(
            missing.contains("$ANSWERBACK_NO_SUCH") && missing.contains("$ANSWERBACK_NOR_THIS"),
            "{missing}"
        );
        let missing = settings("").salesforce().unwrap().unwrap_err().join("\n");
        assert!(missing.contains("salesforce") && missing.contains("person.contact"), "{missing}");
        let written_down = "[sender]\naddress = 'a@x'\nhost = 'smtp.x'\npassword = 'hunter2'\n";
        let error = settings(written_down).mailbox(Door::Graph).unwrap_err().to_string();
        assert!(error.contains("sender") && !error.contains("hunter2"), "{error}");
        let in_the_clear =
            "[sender]\naddress = 'a@x'\nhost = 'smtp.x'\nsecurity = 'none'\npassword = { env = 'X' }\n";
        assert!(settings(in_the_clear).mailbox(Door::Graph).is_err());
    }
}
