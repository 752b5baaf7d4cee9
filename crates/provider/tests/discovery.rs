//! Finding a mailbox's server, in a world of our own: a web server and a name server on this computer.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's helpers may panic like the test")]

use answerback_mailbox::Security;
use answerback_provider::discovery::{Places, Protocol, Source, discover};
use answerback_provider::{FirstStep, Provider};
use answerback_testkit::ews::EwsServer;
use answerback_testkit::name_server::NameServer;
use answerback_testkit::web_server::WebServer;

struct World {
    web: WebServer,
    names: NameServer,
}

impl World {
    async fn new() -> Self {
        Self { web: WebServer::start().await.unwrap(), names: NameServer::start().await.unwrap() }
    }

    fn places(&self) -> Places {
        let web = self.web.url();
        Places {
            own: vec![
                format!("{web}/autoconfig.{{domain}}/config-v1.1.xml?emailaddress={{address}}"),
                format!("{web}/{{domain}}/.well-known/autoconfig/mail/config-v1.1.xml"),
            ],
            database: format!("{web}/database/{{domain}}"),
            autodiscover: format!("{web}/autodiscover.{{domain}}"),
            name_server: Some(self.names.address()),
        }
    }

    /// Host and source of what is found for the rep.
    async fn found(&self) -> Vec<(String, Source)> {
        let found = discover("rep@sales.example", &self.places()).await;
        found.into_iter().map(|server| (server.host, server.source)).collect()
    }
}

fn file(host: &str) -> String {
    format!(
        "<clientConfig><emailProvider><incomingServer type=\"imap\"><hostname>{host}</hostname><port>993</port>\
         <socketType>SSL</socketType><username>%EMAILLOCALPART%</username></incomingServer></emailProvider></clientConfig>"
    )
}

#[tokio::test]
async fn nothing_known_gives_nothing() {
    let world = World::new().await;
    assert_eq!(world.found().await, []);
    assert_eq!(discover("no address", &world.places()).await, []);
}

#[tokio::test]
async fn the_domains_own_file_comes_first_and_only_that_server_is_told_the_address() {
    let world = World::new().await;
    world.web.page("/sales.example/.well-known/autoconfig/mail/config-v1.1.xml", &file("imap.sales.example"));
    world.web.page("/database/sales.example", &file("imap.hosting.example"));
    world.names.service("_imaps._tcp.sales.example", 0, 993, "mail.sales.example").unwrap();
    world.names.exchanger("sales.example", 10, "aspmx.l.google.com").unwrap();
    let found = discover("rep@sales.example", &world.places()).await;
    let hosts: Vec<_> = found.iter().map(|server| (server.host.as_str(), server.leaves_domain)).collect();
    assert_eq!(
        hosts,
        [
            ("imap.sales.example", false),
            ("mail.sales.example", false),
            ("imap.hosting.example", true),
            ("imap.gmail.com", true)
        ]
    );
    assert_eq!(found[0].username, "rep");
    let told: Vec<_> = world.web.asked().into_iter().filter(|asked| asked.contains("rep")).collect();
    assert_eq!(told, ["/autoconfig.sales.example/config-v1.1.xml?emailaddress=rep%40sales.example"]);
    assert!(world.names.asked().iter().all(|name| !name.contains("rep")), "{:?}", world.names.asked());
}

#[tokio::test]
async fn service_records_are_used_in_their_order_and_a_dot_means_none() {
    let world = World::new().await;
    world.names.service("_imaps._tcp.sales.example", 20, 993, "second.sales.example").unwrap();
    world.names.service("_imaps._tcp.sales.example", 10, 9993, "first.sales.example").unwrap();
    world.names.service("_imap._tcp.sales.example", 0, 143, "").unwrap();
    let found = discover("rep@sales.example", &world.places()).await;
    let shown: Vec<_> = found.iter().map(|s| (s.host.as_str(), s.port, s.security)).collect();
    assert_eq!(
        shown,
        [("first.sales.example", 9993, Security::Tls), ("second.sales.example", 993, Security::Tls)]
    );
}

#[tokio::test]
async fn an_organisation_at_a_big_provider_is_known_by_who_takes_its_mail() {
    let world = World::new().await;
    world.names.exchanger("sales.example", 0, "sales-example.mail.protection.outlook.com").unwrap();
    let found = discover("rep@sales.example", &world.places()).await;
    assert_eq!((found[0].host.as_str(), found[0].name), ("outlook.office365.com", Some("Microsoft 365")));
    assert_eq!((found[0].first, found[0].oauth.clone()), (FirstStep::Browser, Some(Provider::Microsoft)));
    assert!(found[0].leaves_domain, "the rep is asked");
}

#[tokio::test]
async fn a_usual_name_that_exists_is_the_last_resort() {
    let world = World::new().await;
    world.names.host("imap.sales.example");
    assert_eq!(world.found().await, [("imap.sales.example".to_owned(), Source::Guess)]);
}

#[tokio::test]
async fn a_web_server_that_answers_everything_with_a_page_confuses_nobody() {
    let world = World::new().await;
    world.web.page("/sales.example/.well-known/autoconfig/mail/config-v1.1.xml", "<html>Welcome!<br></html>");
    world.names.service("_imaps._tcp.sales.example", 0, 993, "mail.sales.example").unwrap();
    assert_eq!(world.found().await, [("mail.sales.example".to_owned(), Source::Service)]);
}

#[tokio::test]
async fn an_organisation_at_microsoft_is_known_by_its_autodiscover_though_its_mail_passes_a_filter_first() {
    let world = World::new().await;
    world.names.exchanger("sales.example", 0, "eu-smtp-inbound-1.mimecast.com").unwrap();
    world.names.alias("autodiscover.sales.example", "autodiscover.outlook.com").unwrap();
    world.names.host("mail.sales.example");
    let found = discover("rep@sales.example", &world.places()).await;
    let shown: Vec<_> = found.iter().map(|server| (server.host.as_str(), server.source)).collect();
    assert_eq!(
        shown,
        [("outlook.office365.com", Source::Autodiscover), ("mail.sales.example", Source::Guess)]
    );
    assert_eq!(found[0].oauth, Some(Provider::Microsoft));
}

#[tokio::test]
async fn an_exchange_server_is_found_without_telling_it_who_asks() {
    let world = World::new().await;
    let exchange = EwsServer::start("rep@sales.example", "secret").await.unwrap();
    let places = Places { autodiscover: exchange.autodiscover_url(), ..world.places() };
    world.names.service("_autodiscover._tcp.sales.example", 0, 443, "mail.hosting.example").unwrap();
    world.names.host("mail.sales.example");
    let found = discover("rep@sales.example", &places).await;
    let shown: Vec<_> = found.iter().map(|s| (s.protocol, s.host.as_str(), s.leaves_domain)).collect();
    assert_eq!(
        shown,
        [
            (Protocol::Exchange, "autodiscover.sales.example", false),
            (Protocol::Exchange, "mail.hosting.example", true),
            (Protocol::Imap, "mail.sales.example", false),
        ]
    );
    // A page that anybody may read is no Exchange server's.
    world.web.page("/autodiscover.sales.example", "<Autodiscover/>");
    world.names.service("_imaps._tcp.sales.example", 0, 993, "mail.sales.example").unwrap();
    let found = discover("rep@sales.example", &world.places()).await;
    assert_eq!((found[0].protocol, found[0].source), (Protocol::Imap, Source::Service));
    assert!(found.iter().all(|server| server.host != "autodiscover.sales.example"));
}
