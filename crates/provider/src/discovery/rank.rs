//! Which of several answers is the best one.

use answerback_mailbox::Security;

use super::Server;

/// Where an answer comes from, the most trustworthy first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Our own table of providers.
    Table,
    /// The domain's own server, by https.
    Own,
    /// The domain's SRV records.
    Service,
    /// Mozilla's database, by https.
    Database,
    /// A provider that receives the domain's mail.
    Exchanger,
    /// The domain's Autodiscover service.
    Autodiscover,
    /// A usual name that exists.
    Guess,
}

/// The best first, each server once. An answer of DNS that leads to somebody else's host counts less: it isn't signed,
/// and a network can say what it likes. The rep is asked about each host that is not the mail domain's own.
pub(super) fn ranked(mut found: Vec<Server>, domain: &str) -> Vec<Server> {
    for server in &mut found {
        server.leaves_domain = server.source != Source::Table && !same_owner(&server.host, domain);
    }
    found.sort_by_key(|server| {
        let doubtful = server.source == Source::Service && server.leaves_domain;
        let source = if doubtful { Source::Exchanger } else { server.source };
        (source, doubtful, server.security != Security::Tls)
    });
    let mut ranked: Vec<Server> = Vec::new();
    for server in found {
        let same = |known: &Server| known.host == server.host && known.port == server.port;
        if !ranked.iter().any(same) {
            ranked.push(server);
        }
    }
    ranked
}

/// Whether two names were registered by the same owner: `imap.mail.sales.co.uk` and `sales.co.uk`.
fn same_owner(host: &str, domain: &str) -> bool {
    match (psl::domain_str(host), psl::domain_str(domain)) {
        (Some(host), Some(domain)) => host.eq_ignore_ascii_case(domain),
        _ => host.eq_ignore_ascii_case(domain),
    }
}

#[cfg(test)]
mod tests {
    use super::super::autoconfig::Told;
    use super::super::of_server;
    use super::*;

    fn server(host: &str, source: Source) -> Server {
        let told = Told { host: host.into(), port: 993, security: Security::Tls, username: "rep".into() };
        of_server(told, source)
    }

    #[test]
    fn what_the_domain_itself_says_comes_first_and_each_server_once() {
        let found = vec![
            server("imap.sales.co.uk", Source::Guess),
            server("imap.gmail.com", Source::Exchanger),
            server("imap.hosting.example", Source::Database),
            server("imap.sales.co.uk", Source::Service),
            server("mail.sales.co.uk", Source::Own),
        ];
        let ranked = ranked(found, "sales.co.uk");
        let shown: Vec<_> = ranked.iter().map(|s| (s.host.as_str(), s.source, s.leaves_domain)).collect();
        assert_eq!(
            shown,
            [
                ("mail.sales.co.uk", Source::Own, false),
                ("imap.sales.co.uk", Source::Service, false),
                ("imap.hosting.example", Source::Database, true),
                ("imap.gmail.com", Source::Exchanger, true),
            ]
        );
        assert_eq!(ranked[3].name, Some("Gmail"));
    }

    #[test]
    fn an_srv_record_that_leaves_the_domain_counts_less_than_what_was_signed() {
        let found = vec![
            server("imap.evil.example", Source::Service),
            server("imap.hosting.example", Source::Database),
            server("imap.gmail.com", Source::Exchanger),
        ];
        let hosts: Vec<_> = ranked(found, "sales.example").into_iter().map(|server| server.host).collect();
        assert_eq!(hosts, ["imap.hosting.example", "imap.gmail.com", "imap.evil.example"]);
    }

    #[test]
    fn another_customer_of_the_same_public_suffix_is_another_owner() {
        assert!(same_owner("imap.sales.co.uk", "sales.co.uk"));
        assert!(!same_owner("imap.other.co.uk", "sales.co.uk"));
        assert!(!same_owner("sales.example.evil.example", "sales.example"));
    }
}
