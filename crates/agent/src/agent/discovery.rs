//! From an address to the settings of its mailbox.

use std::collections::BTreeSet;

use answerback_provider::discovery::{Places, Protocol, Server, discover};
use answerback_provider::{FirstStep, Provider, preset};

use super::Agent;
use crate::view::{Door, MailboxSecurity, ServerView, SignIn};

impl Agent {
    /// The servers that the mailbox of an address may be on, best first. Asks the domain's servers and name servers, and
    /// for an unknown domain Mozilla's database; takes ten seconds at most.
    pub async fn discover(&self, address: String) -> Vec<ServerView> {
        let found = discover(&address, &Places::default()).await;
        let (config, organisation) = (self.context.config(), self.context.organisation());
        let local = self.context.managed.oauth.keys().chain(config.oauth.keys());
        let clients: BTreeSet<&str> = local.chain(organisation.oauth.keys()).map(String::as_str).collect();
        found.into_iter().map(|server| shown(server, &clients)).collect()
    }

    /// The page on which a known provider's passwords are made or IMAP is switched on.
    pub fn provider_page(host: &str) -> Option<&'static str> {
        preset::PRESETS.iter().find(|preset| preset.host.eq_ignore_ascii_case(host))?.page
    }
}

/// The browser is offered only where somebody has named a client id.
fn shown(server: Server, clients: &BTreeSet<&str>) -> ServerView {
    let door = match (server.protocol, &server.oauth) {
        (Protocol::Exchange, _) => Door::Ews,
        (Protocol::Imap, Some(Provider::Microsoft)) => Door::Graph,
        (Protocol::Imap, _) => Door::Imap,
    };
    let provider = server.oauth.map(|provider| provider.to_string());
    let ready = provider.filter(|name| clients.contains(name.as_str()));
    ServerView {
        door,
        name: server.name.map_or_else(|| server.host.clone(), str::to_owned),
        host: server.host,
        port: server.port,
        security: match server.security {
            answerback_mailbox::Security::Tls => MailboxSecurity::Tls,
            answerback_mailbox::Security::StartTls => MailboxSecurity::StartTls,
            answerback_mailbox::Security::None => MailboxSecurity::None,
        },
        username: server.username,
        sign_in: match server.first {
            _ if ready.is_some() => SignIn::Browser,
            FirstStep::Password => SignIn::Password,
            FirstStep::AppPassword => SignIn::AppPassword,
            FirstStep::SwitchedOn => SignIn::SwitchedOn,
            FirstStep::Browser => SignIn::NoClientId,
            FirstStep::Bridge => SignIn::Bridge,
        },
        page: server.page.map(str::to_owned),
        // Microsoft's own page is the only place where the rep types anything.
        leaves_domain: server.leaves_domain && door != Door::Graph,
        provider: ready,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_browser_is_offered_where_there_is_a_client_id() {
        let nowhere = Places::nowhere();
        let ask = async |address: &str, clients: &[&str]| {
            let found = discover(address, &nowhere).await;
            found.into_iter().map(|server| shown(server, &clients.iter().copied().collect())).next().unwrap()
        };
        let gmail = ask("rep@gmail.com", &[]).await;
        assert_eq!((gmail.sign_in, gmail.provider), (SignIn::AppPassword, None));
        let gmail = ask("rep@gmail.com", &["google"]).await;
        assert_eq!((gmail.sign_in, gmail.provider.as_deref()), (SignIn::Browser, Some("google")));
        let outlook = ask("rep@outlook.com", &["google"]).await;
        assert_eq!((outlook.sign_in, outlook.door), (SignIn::NoClientId, Door::Graph));
        assert_eq!(ask("rep@gmx.de", &[]).await.sign_in, SignIn::SwitchedOn);
        assert!(Agent::provider_page("imap.gmail.com").is_some());
        assert!(Agent::provider_page("imap.sales.example").is_none());
    }
}
