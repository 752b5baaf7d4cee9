//! Through proxies of our own to a real Dovecot.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers may panic like the test")]

mod common;

use answerback_mailbox::imap::{TestStepKind, test_connection};
use answerback_mailbox::{Credential, ErrorKind, ImapSettings, Proxy, ProxyChoice, Security};
use answerback_testkit::dovecot::Dovecot;
use answerback_testkit::proxy::{ProxyRules, ProxyServer};
use common::{PASSWORD, settings};
use zeroize::Zeroizing;

const LOGIN: (&str, &str) = ("rep", "proxy-password");

async fn proxy(scheme: &str, rules: ProxyRules) -> (ProxyServer, Proxy) {
    let server = match scheme {
        "http" => ProxyServer::http(rules).await.unwrap(),
        _ => ProxyServer::socks5(rules).await.unwrap(),
    };
    let proxy = Proxy::parse(&format!("{scheme}://127.0.0.1:{}", server.port())).unwrap();
    (server, proxy)
}

fn through(settings: &ImapSettings, proxy: Proxy) -> ImapSettings {
    ImapSettings { proxy: ProxyChoice::Through(proxy), ..settings.clone() }
}

#[tokio::test]
async fn a_mailbox_is_reached_through_either_proxy_with_tls_to_the_end() {
    let dovecot = Dovecot::start(PASSWORD).await.unwrap();
    for (port, security) in [(dovecot.tls_port(), Security::Tls), (dovecot.port(), Security::StartTls)] {
        let straight = settings(port, security, dovecot.ca_file());
        for scheme in ["http", "socks5"] {
            for login in [None, Some(LOGIN)] {
                let (server, mut proxy) = proxy(scheme, ProxyRules { login, refuses: false }).await;
                proxy.login =
                    login.map(|(user, password)| (user.to_owned(), Zeroizing::new(password.to_owned())));
                let steps = test_connection(&through(&straight, proxy), &Credential::from(PASSWORD)).await;
                assert!(steps.iter().all(|step| step.outcome.is_ok()), "{scheme} {login:?} {steps:?}");
                assert_eq!(server.connected(), [format!("localhost:{port}")], "the proxy looks the name up");
            }
        }
    }
}

#[tokio::test]
async fn a_proxy_that_will_not_have_it_is_named_and_never_gone_around() {
    let dovecot = Dovecot::start(PASSWORD).await.unwrap();
    let straight = settings(dovecot.tls_port(), Security::Tls, dovecot.ca_file());
    for scheme in ["http", "socks5"] {
        for (rules, words) in [
            (ProxyRules { login: Some(LOGIN), refuses: false }, "user name and password"),
            (ProxyRules { login: None, refuses: true }, "does not connect"),
        ] {
            let (server, mut proxy) = proxy(scheme, rules).await;
            proxy.login = rules.login.map(|(user, _)| (user.to_owned(), Zeroizing::new("wrong".to_owned())));
            let steps = test_connection(&through(&straight, proxy), &Credential::from(PASSWORD)).await;
            let last = steps.last().unwrap();
            let error = last.outcome.as_ref().unwrap_err();
            assert_eq!((last.kind, error.kind), (TestStepKind::Server, ErrorKind::Proxy), "{scheme}");
            assert!(error.to_string().contains(words) && !error.to_string().contains("wrong"), "{error}");
            assert!(server.connected().is_empty());
        }
    }
    let closed = Proxy::parse("http://127.0.0.1:1").unwrap();
    let steps = test_connection(&through(&straight, closed), &Credential::from(PASSWORD)).await;
    assert_eq!(steps[0].outcome.as_ref().unwrap_err().kind, ErrorKind::Proxy);
}
