//! Against a real Dovecot.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers may panic like the test")]

mod common;

use std::time::Duration;

use answerback_mailbox::imap::{TestStepKind, test_connection};
use answerback_mailbox::{Credential, ErrorKind, Event, FolderRole, Mailbox, Security};
use answerback_testkit::dovecot::{Dovecot, Setup};
use common::{Owner, PASSWORD, REP, mail, settings};
use jiff::Timestamp;

async fn dovecot() -> Dovecot {
    Dovecot::start(PASSWORD).await.unwrap()
}

fn tls(dovecot: &Dovecot) -> answerback_mailbox::ImapSettings {
    settings(dovecot.tls_port(), Security::Tls, dovecot.ca_file())
}

#[tokio::test]
async fn old_and_new_mail_is_found_in_every_folder_and_the_mailbox_stays_untouched() {
    let dovecot = dovecot().await;
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    dovecot.append(REP, "INBOX", &mail("too-old"), &[], at("2026-10-01T00:00:00Z")).await.unwrap();
    dovecot
        .append(REP, "INBOX", &mail("read-elsewhere"), &["\\Seen"], at("2026-11-10T00:00:00Z"))
        .await
        .unwrap();
    dovecot
        .append(REP, "Archive", &mail("archived"), &["\\Flagged"], at("2026-11-11T00:00:00Z"))
        .await
        .unwrap();
    dovecot.append(REP, "Junk", &mail("spam"), &[], at("2026-11-12T00:00:00Z")).await.unwrap();
    dovecot.append(REP, "Drafts", &mail("draft"), &[], at("2026-11-12T00:00:00Z")).await.unwrap();
    dovecot.create_folder(REP, "Kunden/Zürich").await.unwrap();
    // Dovecot makes these by itself when they are first looked at.
    for folder in ["Sent", "Trash"] {
        dovecot.append(REP, folder, &mail("own"), &[], at("2026-10-01T00:00:00Z")).await.unwrap();
    }
    let before = dovecot.snapshot(REP).await.unwrap();

    let mut owner = Owner::since("2026-11-01T00:00:00Z");
    let mut mailbox = owner.connect(&tls(&dovecot), PASSWORD).await.unwrap();
    let Event::Connected { folders, security } = mailbox.next().await.unwrap() else { panic!() };
    assert_eq!(security, "TLS 1.3");
    assert!(folders.iter().any(|f| f.name == "Kunden/Zürich" && f.role == FolderRole::Other), "{folders:?}");
    assert!(folders.iter().all(|f| f.role != FolderRole::Drafts));
    owner.until_idle(&mut mailbox).await.unwrap();
    let mut subjects: Vec<&str> = owner.seen.iter().map(|(_, subject)| subject.as_str()).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["archived", "read-elsewhere", "spam"]);
    let body = mailbox.body(&owner.found[0].at, 40).await.unwrap().unwrap();
    assert_eq!(body.len(), 40);
    let whole = mailbox.body(&owner.found[0].at, 4000).await.unwrap().unwrap();
    assert!(whole.ends_with(b"Hello\r\n"));
    assert_eq!(dovecot.snapshot(REP).await.unwrap(), before);
    mailbox.close().await;
}

#[tokio::test]
async fn idle_reports_new_mail_and_a_new_connection_reports_nothing_twice() {
    let dovecot = dovecot().await;
    let mut owner = Owner::default();
    let mut mailbox = owner.connect(&tls(&dovecot), PASSWORD).await.unwrap();
    owner.until_idle(&mut mailbox).await.unwrap();
    for n in 0..3 {
        dovecot.deliver(REP, &mail(&format!("live-{n}"))).await.unwrap();
        owner.until_idle(&mut mailbox).await.unwrap();
    }
    assert_eq!(owner.subjects("INBOX"), ["live-0", "live-1", "live-2"]);
    drop(mailbox);
    dovecot.deliver(REP, &mail("while-away")).await.unwrap();
    dovecot.deliver_into(REP, "Replies", &mail("filed-by-a-rule")).await.unwrap();
    let mut mailbox = owner.connect(&tls(&dovecot), PASSWORD).await.unwrap();
    owner.until_idle(&mut mailbox).await.unwrap();
    assert!(owner.subjects("INBOX").ends_with(&["while-away"]));
    assert_eq!(owner.subjects("Replies"), ["filed-by-a-rule"]);
    assert!(owner.covered.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", owner.covered);
    mailbox.close().await;
}

#[tokio::test]
async fn a_message_that_is_moved_or_deleted_is_no_trouble() {
    let dovecot = dovecot().await;
    let mut owner = Owner::default();
    let mut mailbox = owner.connect(&tls(&dovecot), PASSWORD).await.unwrap();
    owner.until_idle(&mut mailbox).await.unwrap();
    dovecot.deliver(REP, &mail("moved")).await.unwrap();
    owner.until_idle(&mut mailbox).await.unwrap();
    let at = owner.found[0].at.clone();
    dovecot.move_messages(REP, "INBOX", "all", "Archive").await.unwrap();
    assert_eq!(mailbox.body(&at, 1000).await.unwrap(), None);
    dovecot.deliver(REP, &mail("next")).await.unwrap();
    owner.until_idle(&mut mailbox).await.unwrap();
    assert_eq!(owner.subjects("INBOX"), ["moved", "next"]);
    // The owner knows it by its id when the other folder shows it.
    mailbox.close().await;
    let mut mailbox = owner.connect(&tls(&dovecot), PASSWORD).await.unwrap();
    owner.until_idle(&mut mailbox).await.unwrap();
    assert_eq!(owner.subjects("Archive"), ["moved"]);
}

#[tokio::test]
async fn dropping_a_wait_is_harmless_and_the_body_can_be_read_then() {
    let dovecot = dovecot().await;
    let mut owner = Owner::since("2026-01-01T00:00:00Z");
    dovecot.append(REP, "Archive", &mail("one"), &[], Timestamp::now()).await.unwrap();
    let mut mailbox = owner.connect(&tls(&dovecot), PASSWORD).await.unwrap();
    owner.until_idle(&mut mailbox).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(300), mailbox.next()).await.is_err());
    assert!(mailbox.body(&owner.found[0].at, 1000).await.unwrap().is_some());
    dovecot.deliver(REP, &mail("two")).await.unwrap();
    owner.until_idle(&mut mailbox).await.unwrap();
    assert_eq!(owner.subjects("INBOX"), ["two"]);
}

#[tokio::test]
async fn mail_filed_into_another_folder_is_reported_at_once() {
    let dovecot = dovecot().await;
    let mut owner = Owner::default();
    dovecot.create_folder(REP, "Replies").await.unwrap();
    let mut mailbox = owner.connect(&tls(&dovecot), PASSWORD).await.unwrap();
    owner.until_idle(&mut mailbox).await.unwrap();
    dovecot.deliver_into(REP, "Replies", &mail("filed")).await.unwrap();
    // Long before the next round.
    owner.until_idle(&mut mailbox).await.unwrap();
    assert_eq!(owner.subjects("Replies"), ["filed"]);
}

#[tokio::test]
async fn starttls_works_and_its_security_is_told() {
    let dovecot = dovecot().await;
    let settings = settings(dovecot.port(), Security::StartTls, dovecot.ca_file());
    let steps = test_connection(&settings, &Credential::from(PASSWORD)).await;
    let kinds: Vec<_> = steps.iter().map(|step| step.kind).collect();
    assert_eq!(
        kinds,
        [TestStepKind::Server, TestStepKind::Security, TestStepKind::SignIn, TestStepKind::Folders]
    );
    assert!(steps.iter().all(|step| step.outcome.is_ok()), "{steps:?}");
    assert_eq!(steps[1].outcome.as_ref().unwrap(), "TLS 1.3");
}

#[tokio::test]
async fn every_way_to_sign_in_with_a_password_works_and_a_wrong_one_is_told() {
    for mechanisms in [&["scram-sha-256"][..], &["scram-sha-256", "plain"], &["plain"], &["login"]] {
        let setup = Setup { mechanisms: mechanisms.to_vec(), ..Setup::default() };
        let dovecot = Dovecot::start_as(PASSWORD, setup).await.unwrap();
        let steps = test_connection(&tls(&dovecot), &Credential::from(PASSWORD)).await;
        assert!(steps.iter().all(|step| step.outcome.is_ok()), "{mechanisms:?} {steps:?}");
        let used = mechanisms[0].to_uppercase();
        assert!(dovecot.log().contains(&format!("method={used}")), "{mechanisms:?} {}", dovecot.log());
        let steps = test_connection(&tls(&dovecot), &Credential::from("wrong")).await;
        let error = steps.last().unwrap().outcome.as_ref().unwrap_err();
        assert_eq!(error.kind, ErrorKind::WrongPassword, "{mechanisms:?}");
    }
}

#[tokio::test]
async fn each_failure_has_its_name_and_a_sentence() {
    let dovecot = dovecot().await;
    let good = tls(&dovecot);
    let mut no_root = good.clone();
    no_root.ca_file = None;
    let mut other_name = good.clone();
    other_name.host = "127.0.0.2".to_owned();
    let mut no_host = good.clone();
    no_host.host = "imap.answerback.invalid".to_owned();
    let mut closed = good.clone();
    closed.port = 1;
    let mut plaintext_port = good.clone();
    plaintext_port.port = dovecot.port();
    let mut no_file = good.clone();
    no_file.ca_file = Some("/nonexistent.pem".into());
    for (settings, password, step, kinds) in [
        (&good, "wrong", TestStepKind::SignIn, &[ErrorKind::WrongPassword][..]),
        (&no_root, PASSWORD, TestStepKind::Security, &[ErrorKind::Certificate]),
        (&plaintext_port, PASSWORD, TestStepKind::Security, &[ErrorKind::Tls]),
        (&no_file, PASSWORD, TestStepKind::Security, &[ErrorKind::Settings]),
        (&closed, PASSWORD, TestStepKind::Server, &[ErrorKind::Refused]),
        // Without a network nobody can tell that the name doesn't exist.
        (&no_host, PASSWORD, TestStepKind::Server, &[ErrorKind::UnknownHost, ErrorKind::NoNetwork]),
        (&other_name, PASSWORD, TestStepKind::Server, &[ErrorKind::Refused]),
    ] {
        let steps = test_connection(settings, &Credential::from(password)).await;
        let last = steps.last().unwrap();
        let error = last.outcome.as_ref().unwrap_err();
        assert!(last.kind == step && kinds.contains(&error.kind), "{:?} {error:?}", last.kind);
        assert!(!error.to_string().contains(password), "{error}");
        println!("{error}");
    }
}
