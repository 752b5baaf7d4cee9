//! Settings that read well and make no sense.

use std::collections::HashSet;

use super::{AccountConfig, Config, EwsConfig, GraphConfig, ImapConfig, Security};

impl Config {
    /// Says what makes no sense, for a person.
    pub(crate) fn validate(&self) -> Result<(), String> {
        if let Some(backend) = &self.backend {
            check_url(&backend.url, "the backend")?;
        }
        if let Some(salesforce) = &self.salesforce {
            if self.backend.is_some() {
                return Err(
                    "a laptop reports to [backend] or to [salesforce], not both: take one of them out"
                        .to_owned(),
                );
            }
            salesforce.validate()?;
        }
        if self.network.choice().is_none() {
            return Err(
                "network.proxy is `system`, `none`, or a URL such as http://user@proxy.sales.example:3128 or \
                 socks5://127.0.0.1:1080; its password stands in proxy_password"
                    .to_owned(),
            );
        }
        for (provider, client) in &self.oauth {
            check_provider(provider)?;
            if client.client_id.trim().is_empty() {
                return Err(format!("oauth.{provider} has an empty client_id"));
            }
            client.authority.as_deref().map_or(Ok(()), |url| check_url(url, "the sign-in service"))?;
            client.graph_url.as_deref().map_or(Ok(()), |url| check_url(url, "Microsoft Graph"))?;
        }
        let mut seen = HashSet::new();
        for account in &self.accounts {
            account.validate()?;
            if !seen.insert(account.id()) {
                return Err(format!("the account {} is there twice", account.address));
            }
        }
        Ok(())
    }
}

impl AccountConfig {
    /// Says what makes no sense, for a person.
    pub(crate) fn validate(&self) -> Result<(), String> {
        for address in std::iter::once(&self.address).chain(&self.aliases) {
            if !is_address(address) {
                return Err(format!("`{address}` is no e-mail address"));
            }
        }
        match (&self.imap, &self.graph, &self.ews) {
            (Some(imap), None, None) => imap.validate(&self.address),
            (None, Some(graph), None) => graph.validate(&self.address),
            (None, None, Some(ews)) => ews.validate(&self.address),
            _ => Err(format!(
                "the account {} needs one of [account.imap], [account.graph] and [account.ews]",
                self.address
            )),
        }
    }
}

impl ImapConfig {
    fn validate(&self, address: &str) -> Result<(), String> {
        if self.host.trim().is_empty() || self.host.contains(['/', ' ', '@']) {
            return Err(format!("`{}` is no host name; write it like imap.sales.example", self.host));
        }
        match (&self.password, &self.oauth) {
            (Some(_), None) => {}
            (None, Some(oauth)) => check_provider(&oauth.provider)?,
            _ => {
                return Err(format!(
                    "the account {} needs `password` or `oauth` in its [account.imap], and not both",
                    address
                ));
            }
        }
        if self.security == Security::None && !is_loopback(&self.host) {
            return Err(format!("security = \"none\" is allowed to loopback only, not to {}", self.host));
        }
        Ok(())
    }
}

impl EwsConfig {
    fn validate(&self, address: &str) -> Result<(), String> {
        match (&self.password, &self.oauth) {
            (Some(_), None) => {}
            (None, Some(oauth)) => check_provider(&oauth.provider)?,
            _ => {
                return Err(format!(
                    "the account {address} needs `password` or `oauth` in its [account.ews], and not both"
                ));
            }
        }
        if self.url.is_some() && self.autodiscover.is_some() {
            return Err(format!(
                "the account {address} needs `url` or `autodiscover` in its [account.ews], or neither"
            ));
        }
        if self.url.is_none() && self.oauth.is_some() {
            // What the browser is asked for is for one server.
            return Err(format!(
                "the account {address} signs in through the browser: its [account.ews] needs its `url`"
            ));
        }
        self.url.as_deref().map_or(Ok(()), |url| check_url(url, "the Exchange server"))?;
        self.autodiscover.as_deref().map_or(Ok(()), |url| check_url(url, "the Autodiscover service"))
    }
}

impl GraphConfig {
    fn validate(&self, address: &str) -> Result<(), String> {
        match (&self.token, &self.oauth) {
            (Some(_), None) => {}
            (None, Some(oauth)) => check_provider(&oauth.provider)?,
            _ => {
                return Err(format!(
                    "the account {address} needs `oauth` or `token` in its [account.graph], and not both"
                ));
            }
        }
        self.url.as_deref().map_or(Ok(()), |url| check_url(url, "Microsoft Graph"))
    }
}

fn check_provider(name: &str) -> Result<(), String> {
    name.parse::<answerback_provider::Provider>().map(|_| ()).map_err(|_| {
        format!("`{name}` is no sign-in provider: write google, microsoft, yahoo, or an issuer's URL with https://")
    })
}

fn is_address(text: &str) -> bool {
    let parts = text.rsplit_once('@');
    parts.is_some_and(|(left, domain)| !left.is_empty() && !domain.is_empty())
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '<' || c == '>')
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// `https`, or `http` to loopback.
pub(super) fn check_url(url: &str, whose: &str) -> Result<(), String> {
    if url.starts_with("https://") {
        return Ok(());
    }
    let Some(rest) = url.strip_prefix("http://") else {
        return Err(format!("{whose}'s URL `{url}` must start with https://"));
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    if is_loopback(host) {
        Ok(())
    } else {
        Err(format!("{whose}'s URL must be https; plain http is for loopback only, not {host}"))
    }
}
