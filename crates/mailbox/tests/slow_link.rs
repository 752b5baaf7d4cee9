//! A first scan over a slow link to a real Dovecot: COMPRESS=DEFLATE (RFC 4978).
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers may panic like the test")]

mod common;

use answerback_mailbox::{ErrorKind, ImapSettings, Mailbox, Security};
use answerback_testkit::bad_network::{Proxy, Trouble};
use answerback_testkit::dovecot::Dovecot;
use answerback_testkit::mail_client::MailClient;
use common::{LONG_THREADS, Owner, PASSWORD, REP, SLOW, long_thread, settings};
use jiff::Timestamp;

/// Two folders: the first one shows that the link is slow.
async fn long_threads() -> (Dovecot, Proxy, ImapSettings) {
    let dovecot = Dovecot::start(PASSWORD).await.unwrap();
    dovecot.create_folder(REP, "Archive").await.unwrap();
    let mut phone = MailClient::sign_in(dovecot.port(), REP, PASSWORD).await.unwrap();
    for folder in ["INBOX", "Archive"] {
        for n in 0..LONG_THREADS {
            phone.append(folder, &long_thread(n), &[], Timestamp::now()).await.unwrap();
        }
    }
    let proxy = Proxy::start(dovecot.port()).await.unwrap();
    let settings = settings(proxy.port(), Security::None, dovecot.ca_file());
    (dovecot, proxy, settings)
}

fn assert_all_read_once(owner: &Owner) {
    for folder in ["INBOX", "Archive"] {
        let mut subjects = owner.subjects(folder);
        assert_eq!(subjects.len(), LONG_THREADS, "{folder}");
        subjects.sort_unstable();
        subjects.dedup();
        assert_eq!(subjects.len(), LONG_THREADS, "{folder}");
    }
}

#[tokio::test]
async fn a_slow_link_is_compressed_and_a_fast_one_is_not() {
    let (_dovecot, proxy, settings) = long_threads().await;
    for (troubles, compressed) in [(vec![SLOW], true), (Vec::new(), false)] {
        proxy.plan(move |_| troubles.clone());
        let before = proxy.passed();
        let mut owner = Owner::since("2026-11-01T00:00:00Z");
        let mut mailbox = owner.connect(&settings, PASSWORD).await.unwrap();
        owner.until_idle(&mut mailbox).await.unwrap();
        assert_all_read_once(&owner);
        let passed = proxy.passed() - before;
        let whole: usize = owner.found.iter().map(|found| found.header.len()).sum();
        assert_eq!(passed < whole as u64, compressed, "{passed} bytes of {whole}");
        // Bodies come over the same connection.
        let body = mailbox.body(&owner.found[0].at, 100_000).await.unwrap();
        assert!(body.unwrap().ends_with(b"\r\n\r\nHello\r\n"));
    }
}

#[tokio::test]
async fn compression_that_is_refused_is_done_without() {
    let (_dovecot, proxy, settings) = long_threads().await;
    let no = Trouble::Answer { command: "COMPRESS", nth: 0, with: "{tag} NO [COMPRESSIONACTIVE] no\r\n" };
    proxy.plan(move |_| vec![SLOW, no.clone()]);
    let mut owner = Owner::since("2026-11-01T00:00:00Z");
    let mut mailbox = owner.connect(&settings, PASSWORD).await.unwrap();
    owner.until_idle(&mut mailbox).await.unwrap();
    assert_all_read_once(&owner);
}

#[tokio::test]
async fn compression_that_is_broken_costs_one_connection_and_no_message() {
    let (_dovecot, proxy, settings) = long_threads().await;
    // A block type that deflate doesn't have.
    let nonsense = Trouble::Answer { command: "COMPRESS", nth: 0, with: "{tag} OK go on\r\n\u{7}\u{7}" };
    proxy.plan(move |_| vec![SLOW, nonsense.clone()]);
    let mut owner = Owner::since("2026-11-01T00:00:00Z");
    let mut mailbox = owner.connect(&settings, PASSWORD).await.unwrap();
    let error = owner.until_idle(&mut mailbox).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
    let mut mailbox = owner.connect(&settings, PASSWORD).await.unwrap();
    owner.until_idle(&mut mailbox).await.unwrap();
    assert_all_read_once(&owner);
}
