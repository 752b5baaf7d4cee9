//! The server's settings: from the command line, else from the environment, else from a TOML file, else as they are here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use answerback_backend::{hubspot, salesforce};
use anyhow::Context;
use serde::Deserialize;

use crate::rate::Rate;
use crate::server::{Config, Limits};
use crate::webhook::Networks;

/// What is asked for nowhere.
pub const DATABASE: &str = "sqlite:answerback-backend.db";
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8787);

/// Settings as one source gives them. Those of the command line and of the environment come as one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where to listen.
    pub listen: Option<SocketAddr>,
    /// `sqlite:PATH` or `postgres://…`.
    pub database: Option<String>,
    /// Connections to PostgreSQL at most.
    pub database_connections: Option<u32>,
    /// Where people and laptops reach it.
    pub public_url: Option<String>,
    /// Whether a proxy in front says in `X-Forwarded-For` who asks.
    pub behind_proxy: Option<bool>,
    /// Where webhooks may go.
    pub webhook_networks: Option<Networks>,
    /// What is older than so many days is forgotten by itself.
    pub forget_after_days: Option<u16>,
    /// Organisations whose events are written into their Salesforce.
    #[serde(default)]
    pub salesforce: BTreeMap<String, salesforce::Settings>,
    /// Organisations whose events are written into their HubSpot.
    #[serde(default)]
    pub hubspot: BTreeMap<String, hubspot::Settings>,
    /// How many requests are taken.
    #[serde(default)]
    pub limits: LimitSettings,
}

/// How many requests are taken.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    /// Of each laptop's token.
    pub laptop: Option<Rate>,
    /// Of each platform's token.
    pub platform: Option<Rate>,
    /// Of each address that pairs a laptop or signs in.
    pub stranger: Option<Rate>,
}

impl Settings {
    /// Reads a file. An unknown name is an error: it would be a setting that does nothing.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
        // Not the error itself: it quotes the line, which may hold the database's password.
        toml::from_str(&text).map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            anyhow::anyhow!("{}, line {line}: {}", path.display(), error.message())
        })
    }

    /// These, and where they say nothing, `others`.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            listen: self.listen.or(others.listen),
            database: self.database.or(others.database),
            database_connections: self.database_connections.or(others.database_connections),
            public_url: self.public_url.or(others.public_url),
            behind_proxy: self.behind_proxy.or(others.behind_proxy),
            webhook_networks: self.webhook_networks.or(others.webhook_networks),
            forget_after_days: self.forget_after_days.or(others.forget_after_days),
            salesforce: if self.salesforce.is_empty() { others.salesforce } else { self.salesforce },
            hubspot: if self.hubspot.is_empty() { others.hubspot } else { self.hubspot },
            limits: LimitSettings {
                laptop: self.limits.laptop.or(others.limits.laptop),
                platform: self.limits.platform.or(others.limits.platform),
                stranger: self.limits.stranger.or(others.limits.stranger),
            },
        }
    }

    /// The database, whatever else is set.
    pub fn database(&self) -> &str {
        self.database.as_deref().unwrap_or(DATABASE)
    }

    /// Checks them and fills in what is set nowhere.
    pub fn config(self) -> anyhow::Result<Config> {
        let database = self.database().to_owned();
        let defaults = Config::local(database);
        for (name, rate) in [
            ("laptop", self.limits.laptop),
            ("platform", self.limits.platform),
            ("stranger", self.limits.stranger),
        ] {
            if rate.is_some_and(|r| !(r.per_second > 0.0 && r.burst >= 1.0)) {
                anyhow::bail!("limits.{name}: per_second must be above 0 and burst at least 1");
            }
        }
        if self
            .public_url
            .as_ref()
            .is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://"))
        {
            anyhow::bail!("public_url must begin with https://");
        }
        if self.database_connections == Some(0) || self.forget_after_days == Some(0) {
            anyhow::bail!("database_connections and forget_after_days must be above 0");
        }
        Ok(Config {
            listen: self.listen.unwrap_or(LISTEN),
            database_connections: self.database_connections.unwrap_or(defaults.database_connections),
            public_url: self.public_url,
            behind_proxy: self.behind_proxy.unwrap_or_default(),
            webhook_networks: self.webhook_networks.unwrap_or_default(),
            forget_after_days: self.forget_after_days,
            salesforce: self.salesforce,
            hubspot: self.hubspot,
            limits: Limits {
                laptop: self.limits.laptop.unwrap_or(defaults.limits.laptop),
                platform: self.limits.platform.unwrap_or(defaults.limits.platform),
                stranger: self.limits.stranger.unwrap_or(defaults.limits.stranger),
            },
            ..defaults
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> anyhow::Result<Settings> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), text)?;
        Settings::read(file.path())
    }

    #[test]
    fn every_setting_can_stand_in_the_file() {
        let settings = file(
            "listen = \"0.0.0.0:80\"\ndatabase = \"postgres://db/answerback\"\ndatabase_connections = 40\n\
             public_url = \"https://answerback.example.com\"\nbehind_proxy = true\nwebhook_networks = \"private\"\n\
             forget_after_days = 400\n[limits]\nlaptop = { per_second = 5, burst = 50 }\n",
        );
        let config = settings.unwrap().config().unwrap();
        assert_eq!((config.listen.port(), config.database_connections), (80, 40));
        assert_eq!((config.behind_proxy, config.forget_after_days), (true, Some(400)));
        assert_eq!(config.webhook_networks, Networks::Private);
        assert_eq!(config.limits.laptop, Rate { per_second: 5.0, burst: 50.0 });
        assert_eq!(config.limits.platform, Limits::default().platform);
    }

    #[test]
    fn the_command_line_goes_before_the_file() {
        let file = file("listen = \"0.0.0.0:80\"\npublic_url = \"https://a.example\"").unwrap();
        let given = Settings { listen: Some(([127, 0, 0, 1], 9).into()), ..Settings::default() };
        let config = given.or(file).config().unwrap();
        assert_eq!((config.listen.port(), config.public_url.as_deref()), (9, Some("https://a.example")));
        assert_eq!(config.database, DATABASE);
    }

    #[test]
    fn a_mistake_in_the_file_is_named_by_its_line_and_shows_no_password() {
        let unknown = file("listen = \"0.0.0.0:80\"\nlisten_on = 1\n").unwrap_err().to_string();
        assert!(unknown.contains("line 2") && unknown.contains("listen_on"), "{unknown}");
        let broken = file("database = \"postgres://u:secret@db/x\nlisten = 1").unwrap_err();
        assert!(!format!("{broken:#}").contains("secret"), "{broken:#}");
        for bad in [
            "limits.laptop = { per_second = 0, burst = 5 }",
            "public_url = \"answerback.example\"",
            "forget_after_days = 0",
        ] {
            assert!(file(bad).unwrap().config().is_err(), "{bad}");
        }
    }
}
