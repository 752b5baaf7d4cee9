//! What is logged, in a program of its own because the log is the program's.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers may panic like the test")]

mod common;

use answerback_mailbox::ews::{self, EwsSettings, Place};
use answerback_mailbox::{Mailbox, ProxyChoice, Security};
use answerback_testkit::dovecot::Dovecot;
use answerback_testkit::ews::{EwsServer, SignIn};
use answerback_testkit::exchange::Language;
use common::{Owner, PASSWORD, REP, mail, settings};
use jiff::Timestamp;

#[tokio::test]
async fn neither_credentials_nor_mail_are_ever_logged() {
    let written = Written::default();
    let log = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer({
            let written = written.clone();
            move || written.clone()
        })
        .finish();
    tracing::subscriber::set_global_default(log).unwrap();
    let dovecot = Dovecot::start(PASSWORD).await.unwrap();
    dovecot.append(REP, "INBOX", &mail("Space-Paranoids"), &[], Timestamp::now()).await.unwrap();
    let settings = settings(dovecot.tls_port(), Security::Tls, dovecot.ca_file());
    let mut owner = Owner::since("2026-01-01T00:00:00Z");
    let mut mailbox = owner.connect(&settings, PASSWORD).await.unwrap();
    owner.until_idle(&mut mailbox).await.unwrap();
    mailbox.body(&owner.found[0].at, 1000).await.unwrap();
    assert!(owner.connect(&settings, "Wrong-Horse-8").await.is_err());
    for sign_in in [SignIn::NtlmExtended, SignIn::Basic] {
        let exchange = EwsServer::start_with(Language::English, sign_in, REP, PASSWORD).await.unwrap();
        exchange.mailbox().deliver("inbox", &mail("Space-Paranoids"));
        let settings = EwsSettings {
            place: Place::Autodiscover(Some(exchange.soap_autodiscover_url())),
            address: REP.to_owned(),
            username: REP.to_owned(),
            ca_file: exchange.ca_file(),
            proxy: ProxyChoice::System,
        };
        for password in [PASSWORD, "Wrong-Horse-8"] {
            let steps = ews::test_connection(&settings, &password.into()).await;
            assert_eq!(steps.iter().all(|step| step.outcome.is_ok()), password == PASSWORD, "{steps:?}");
        }
    }
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("UID FETCH"), "{text}");
    for secret in [PASSWORD, "Wrong-Horse-8", "Space-Paranoids", "flynnsarcade", "Hello"] {
        assert!(!text.contains(secret), "{secret} was logged");
    }
}

/// What a log wrote.
#[derive(Clone, Default)]
struct Written(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
