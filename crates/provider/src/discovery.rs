//! From a rep's address to the server of its mailbox.
//!
//! What is asked, and of whom: a well-known domain is answered from the table, and nobody is asked. Otherwise all of
//! these at once, by https and DNS, with the domain only, except that the domain's own server is told the address:
//!
//! 1. the domain's own `autoconfig` (draft-ietf-mailmaint-autoconfig),
//! 2. its SRV records (RFC 6186, RFC 8314),
//! 3. Mozilla's database,
//! 4. its mail exchangers, which tell a provider that is in the table,
//! 5. its Autodiscover service, which tells Microsoft 365 or an Exchange server of the organisation's own; nothing is told
//!    there but that somebody asks,
//! 6. whether `imap.` or `mail.` and the domain exist.

mod autoconfig;
mod autodiscover;
mod dns;
mod rank;

use std::net::SocketAddr;
use std::time::Duration;

use answerback_mailbox::Security;
use reqwest::redirect::Policy;
use tokio::time::timeout;

pub use rank::Source;

use crate::http;
use crate::oauth::Provider;
use crate::preset::{self, FirstStep, Preset};
use dns::Dns;

/// Whoever doesn't answer by then is left out: the rep waits.
const LIMIT: Duration = Duration::from_secs(10);

/// A server that the mailbox may be on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// What it speaks.
    pub protocol: Protocol,
    /// Its name; of an Exchange server, that of the Autodiscover service which knows where it is.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub security: Security,
    /// The login name there.
    pub username: String,
    /// Where this comes from.
    pub source: Source,
    /// The host belongs to somebody else than the mail domain, and only an answer that nobody signed says that it is the
    /// right one: the rep has to agree before a password is sent there.
    pub leaves_domain: bool,
    /// The provider's name, where it is known.
    pub name: Option<&'static str>,
    /// What the rep has to do first.
    pub first: FirstStep,
    /// The provider's page to do it on.
    pub page: Option<&'static str>,
    /// The sign-in page, where there is one.
    pub oauth: Option<Provider>,
}

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// IMAP.
    Imap,
    /// Exchange Web Services.
    Exchange,
}

/// Where to ask. The default is the world; tests have a small one of their own.
#[derive(Clone, Debug)]
pub struct Places {
    /// The domain's own files, best first; `{domain}` and `{address}` are filled in.
    pub own: Vec<String>,
    /// The database of providers.
    pub database: String,
    /// The domain's Autodiscover service.
    pub autodiscover: String,
    /// The name server; the system's if it isn't set.
    pub name_server: Option<SocketAddr>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            own: vec![
                "https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={address}".to_owned(),
                "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml".to_owned(),
            ],
            database: "https://autoconfig.thunderbird.net/v1.1/{domain}".to_owned(),
            autodiscover: "https://autodiscover.{domain}/autodiscover/autodiscover.xml".to_owned(),
            name_server: None,
        }
    }
}

impl Places {
    /// Asks nobody but the system's name server.
    pub fn nowhere() -> Self {
        Self { own: vec![], database: String::new(), autodiscover: String::new(), name_server: None }
    }
}

/// The servers that the mailbox of `address` may be on, best first; empty when nothing is known, or nobody could be
/// asked.
pub async fn discover(address: &str, places: &Places) -> Vec<Server> {
    let Some((local, domain)) = address.trim().rsplit_once('@') else { return Vec::new() };
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    if local.is_empty() || !is_domain(&domain) {
        return Vec::new();
    }
    let address = format!("{local}@{domain}");
    if let Some(preset) = preset::of_domain(&domain) {
        return vec![of_preset(preset, &address, Source::Table)];
    }
    let dns = Dns::new(places.name_server);
    let (own, database, services, exchangers, autodiscover, guesses) = tokio::join!(
        first_file(&places.own, &domain, &address),
        file(&places.database, &domain, &address),
        within(dns.services(&domain)),
        within(dns.exchangers(&domain)),
        timeout(LIMIT, autodiscover::ask(&dns, &places.autodiscover, &domain)),
        within(dns.guesses(&domain)),
    );
    let mut found: Vec<Server> = Vec::new();
    let told = |source| move |told: autoconfig::Told| of_server(told, source);
    found.extend(own.unwrap_or_default().into_iter().map(told(Source::Own)));
    found.extend(database.unwrap_or_default().into_iter().map(told(Source::Database)));
    for service in services {
        let told = autoconfig::Told {
            host: service.host,
            port: service.port,
            security: if service.tls { Security::Tls } else { Security::StartTls },
            username: address.clone(),
        };
        found.push(of_server(told, Source::Service));
    }
    let provider = exchangers.iter().find_map(|host| preset::of_exchanger(host));
    found.extend(provider.map(|preset| of_preset(preset, &address, Source::Exchanger)));
    let autodiscover = autodiscover.unwrap_or_default();
    found.extend(autodiscover.provider.map(|preset| of_preset(preset, &address, Source::Autodiscover)));
    found.extend(autodiscover.hosts.into_iter().map(|host| of_exchange(host, &address)));
    for host in guesses {
        let told = autoconfig::Told { host, port: 993, security: Security::Tls, username: address.clone() };
        found.push(of_server(told, Source::Guess));
    }
    rank::ranked(found, &domain)
}

/// A name that can stand in a URL and in DNS as it is.
fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
    };
    domain.len() <= 253 && domain.contains('.') && domain.split('.').all(label)
}

fn of_preset(preset: &'static Preset, address: &str, source: Source) -> Server {
    let bridge = preset.first == FirstStep::Bridge;
    Server {
        protocol: Protocol::Imap,
        host: preset.host.to_owned(),
        port: if bridge { 1143 } else { 993 },
        security: if bridge { Security::StartTls } else { Security::Tls },
        username: address.to_owned(),
        source,
        leaves_domain: false,
        name: Some(preset.name),
        first: preset.first,
        page: preset.page,
        oauth: preset.oauth.and_then(|name| name.parse().ok()),
    }
}

/// Where a server that was told is a known provider's, what is known of that one counts as well.
fn of_server(told: autoconfig::Told, source: Source) -> Server {
    let known = preset::of_server(&told.host);
    Server {
        protocol: Protocol::Imap,
        host: told.host,
        port: told.port,
        security: told.security,
        username: told.username,
        source,
        leaves_domain: false,
        name: known.map(|preset| preset.name),
        first: known.map_or(FirstStep::Password, |preset| preset.first),
        page: known.and_then(|preset| preset.page),
        oauth: known.and_then(|preset| preset.oauth?.parse().ok()),
    }
}

fn of_exchange(host: String, address: &str) -> Server {
    Server {
        protocol: Protocol::Exchange,
        host,
        port: 443,
        security: Security::Tls,
        username: address.to_owned(),
        source: Source::Autodiscover,
        leaves_domain: false,
        name: None,
        first: FirstStep::Password,
        page: None,
        oauth: None,
    }
}

async fn within<T>(asked: impl Future<Output = Vec<T>>) -> Vec<T> {
    timeout(LIMIT, asked).await.unwrap_or_default()
}

/// The first of some files that is there.
async fn first_file(templates: &[String], domain: &str, address: &str) -> Option<Vec<autoconfig::Told>> {
    let mut asked = tokio::task::JoinSet::new();
    for (at, template) in templates.iter().enumerate() {
        let (template, domain, address) = (template.clone(), domain.to_owned(), address.to_owned());
        asked.spawn(async move { (at, file(&template, &domain, &address).await) });
    }
    let answers = asked.join_all().await;
    answers
        .into_iter()
        .filter_map(|(at, told)| Some((at, told?)))
        .min_by_key(|(at, _)| *at)
        .map(|(_, told)| told)
}

async fn file(template: &str, domain: &str, address: &str) -> Option<Vec<autoconfig::Told>> {
    let text = template.replace("{domain}", domain).replace("{address}", "");
    let mut url = reqwest::Url::parse(&text).ok()?;
    if template.contains("{address}") {
        url.set_query(None);
        url.query_pairs_mut().append_pair("emailaddress", address);
    }
    let text = timeout(LIMIT, fetch(url)).await.ok()??;
    let told = autoconfig::read(&text, address);
    (!told.is_empty()).then_some(told)
}

/// A redirect may lead to the provider's server, and never from https to plain http.
async fn fetch(url: reqwest::Url) -> Option<String> {
    let safe = Policy::custom(|attempt| {
        if attempt.previous().len() < 5 && http::is_safe(attempt.url()) {
            attempt.follow()
        } else {
            attempt.stop()
        }
    });
    let answer = http::client(None, safe).ok()?.get(url).send().await.ok()?;
    if !answer.status().is_success() {
        return None;
    }
    String::from_utf8(http::body(answer).await.ok()??).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_well_known_domain_is_answered_from_the_table() {
        let nowhere = Places { name_server: Some(([127, 0, 0, 1], 9).into()), ..Places::nowhere() };
        let found = discover(" rep@GMail.com ", &nowhere).await;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].host.as_str(), found[0].username.as_str()), ("imap.gmail.com", "rep@gmail.com"));
        assert_eq!(found[0].oauth, Some(Provider::Google));
        let bridge = discover("rep@proton.me", &nowhere).await;
        assert_eq!((bridge[0].port, bridge[0].security), (1143, Security::StartTls));
    }

    #[test]
    fn only_domains_are_looked_up() {
        for good in ["sales.example", "mail.sales-team.example", "büro.example"] {
            assert!(is_domain(good), "{good}");
        }
        for bad in
            ["localhost", "sales..example", "sales.example/x", "a b.example", "-x.example", "[127.0.0.1]", ""]
        {
            assert!(!is_domain(bad), "{bad}");
        }
    }
}
