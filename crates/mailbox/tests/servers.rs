//! Against the scripted server with the ways of known providers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers may panic like the test")]

mod common;

use std::time::Duration;

use answerback_mailbox::{ErrorKind, Event, Mailbox, Security};
use answerback_testkit::imap::{Fault, ImapServer, Profile};
use common::{Owner, PASSWORD, REP, mail, settings};

fn local(server: &ImapServer) -> answerback_mailbox::ImapSettings {
    settings(server.port(), Security::None, server.ca_file())
}

#[tokio::test]
async fn every_known_provider_is_read_whole_and_left_untouched() {
    let started = std::time::Instant::now();
    for profile in Profile::ALL {
        println!("{} {:?}", profile.name, started.elapsed());
        let server = ImapServer::start_as(profile.clone()).await.unwrap();
        let account = server.add_account(REP, PASSWORD);
        let spam =
            profile.folders.iter().find(|(name, role)| *role == Some("\\Junk") || *name == "Junk").unwrap().0;
        let (old, recent) =
            ("2026-01-01T00:00:00Z".parse().unwrap(), "2026-11-20T00:00:00Z".parse().unwrap());
        for n in 0..260 {
            account.append("INBOX", &mail(&format!("old-{n}")), &[], old);
        }
        let bulk = if profile.offers("X-GM-EXT-1") { "[Gmail]/All Mail" } else { "INBOX" };
        for n in 0..260 {
            account.append(bulk, &mail(&format!("new-{n}")), &["\\Seen"], recent);
        }
        account.append(spam, &mail("spam"), &[], recent);
        let before = account.snapshot();

        let mut owner = Owner::since("2026-11-01T00:00:00Z");
        let mut mailbox = owner.connect(&local(&server), PASSWORD).await.unwrap();
        owner.until_idle(&mut mailbox).await.unwrap();
        let mut subjects = owner.subjects(bulk);
        subjects.sort_unstable();
        subjects.dedup();
        assert_eq!(subjects.len(), 260, "{}", profile.name);
        assert_eq!(owner.subjects(spam), ["spam"], "{}", profile.name);
        assert!(!owner.seen.iter().any(|(_, subject)| subject.starts_with("old")), "{}", profile.name);
        // Where a folder is listed and never opens, coverage waits until it has been given up.
        while owner.covered.is_empty() {
            let event = tokio::time::timeout(Duration::from_secs(150), mailbox.next()).await;
            owner.take(event.expect(profile.name).unwrap());
        }
        assert_eq!(account.snapshot(), before, "{}", profile.name);

        if profile.offers("IDLE") {
            account.deliver("INBOX", &mail("live"));
            owner.until_idle(&mut mailbox).await.unwrap();
            assert_eq!(owner.subjects("INBOX").last(), Some(&"live"), "{}", profile.name);
        }
        assert!(server.seen().iter().all(|seen| !seen.line.contains(":*")), "{}", profile.name);
        mailbox.close().await;
    }
}

#[tokio::test]
async fn gmail_thread_ids_are_kept() {
    let server = ImapServer::start_as(Profile::GMAIL).await.unwrap();
    let account = server.add_account(REP, PASSWORD);
    account.deliver("[Gmail]/All Mail", &mail("one"));
    let mut owner = Owner::since("2026-01-01T00:00:00Z");
    let mut mailbox = owner.connect(&local(&server), PASSWORD).await.unwrap();
    owner.until_idle(&mut mailbox).await.unwrap();
    assert!(owner.found[0].thread_ids[0].starts_with("gm:"), "{:?}", owner.found[0].thread_ids);
}

/// Cuts the connection after every possible number of bytes of each answer in turn; what is committed before the
/// cut and read after it must be everything, once.
#[tokio::test]
async fn a_cut_at_any_byte_loses_and_doubles_nothing() {
    let server = ImapServer::start().await.unwrap();
    let account = server.add_account(REP, PASSWORD);
    let mut expected = 0;
    let mut owner = Owner::since("2026-01-01T00:00:00Z");
    for command in [
        "GREETING",
        "LOGIN",
        "AUTHENTICATE",
        "ID",
        "LIST",
        "EXAMINE",
        "UID SEARCH",
        "UID FETCH",
        "IDLE",
        "NOOP",
    ] {
        for bytes in (0..400).step_by(7) {
            account.deliver("INBOX", &mail(&format!("n{expected}")));
            expected += 1;
            server.fault_once(command, Fault::CutAt(bytes));
            // The first connection is cut somewhere, or runs past the fault; the second one must finish the work.
            for attempt in 0..2 {
                let Ok(mut mailbox) = owner.connect(&local(&server), PASSWORD).await else { continue };
                let result = owner.until_idle(&mut mailbox).await;
                assert!(attempt == 0 || result.is_ok() || command != "IDLE", "{command} {bytes}: {result:?}");
            }
        }
        let mut mailbox = owner.connect(&local(&server), PASSWORD).await;
        while mailbox.is_err() {
            mailbox = owner.connect(&local(&server), PASSWORD).await;
        }
        let _ = owner.until_idle(&mut mailbox.unwrap()).await;
    }
    let mut mailbox = owner.connect(&local(&server), PASSWORD).await.unwrap();
    while owner.until_idle(&mut mailbox).await.is_err() {
        mailbox = owner.connect(&local(&server), PASSWORD).await.unwrap();
    }
    let mut subjects = owner.subjects("INBOX");
    let handed_over = subjects.len();
    subjects.sort_unstable();
    subjects.dedup();
    assert_eq!((subjects.len(), handed_over), (expected, expected));
}

#[tokio::test]
async fn throttling_is_told_with_its_time() {
    let server = ImapServer::start_as(Profile::MICROSOFT_365).await.unwrap();
    server.add_account(REP, PASSWORD);
    let throttled = "Request is throttled. Suggested Backoff Time: 12000 milliseconds";
    server.fault_once("EXAMINE", Fault::No(throttled.to_owned()));
    let mut owner = Owner::default();
    let mut mailbox = owner.connect(&local(&server), PASSWORD).await.unwrap();
    let error = owner.until_idle(&mut mailbox).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after.unwrap().as_secs()), (ErrorKind::Throttled, 12));
    // After an error the mailbox is of no more use, and says so.
    assert!(mailbox.next().await.is_err());
}

#[tokio::test]
async fn a_folder_that_appears_later_is_watched() {
    let server = ImapServer::start().await.unwrap();
    let account = server.add_account(REP, PASSWORD);
    let mut owner = Owner::since("2026-01-01T00:00:00Z");
    let mut mailbox = owner.connect(&local(&server), PASSWORD).await.unwrap();
    loop {
        match mailbox.next().await.unwrap() {
            Event::CheckedUpTo { .. } => break,
            event => owner.take(event),
        }
    }
    drop(mailbox);
    account.create_folder("New", None);
    account.deliver("New", &mail("in-a-new-folder"));
    let mut mailbox = owner.connect(&local(&server), PASSWORD).await.unwrap();
    owner.until_idle(&mut mailbox).await.unwrap();
    assert_eq!(owner.subjects("New"), ["in-a-new-folder"]);
}

#[tokio::test]
async fn starttls_refuses_data_that_was_put_in_before_the_handshake_and_a_missing_offer() {
    let server = ImapServer::start_as(Profile::NETEASE).await.unwrap();
    server.add_account(REP, PASSWORD);
    let starttls = settings(server.port(), Security::StartTls, server.ca_file());
    server.fault_once(
        "STARTTLS",
        Fault::Replace(b"{tag} OK go\r\n* OK [CAPABILITY IMAP4rev1] injected\r\n".to_vec()),
    );
    let error = Owner::default().connect(&starttls, PASSWORD).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Protocol);
    // STRIPTLS: the offer was taken out.
    let server =
        ImapServer::start_as(Profile { before_login: &["IMAP4rev1"], ..Profile::STANDARD }).await.unwrap();
    server.add_account(REP, PASSWORD);
    let starttls = settings(server.port(), Security::StartTls, server.ca_file());
    let error = Owner::default().connect(&starttls, PASSWORD).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(server.seen().iter().all(|seen| !seen.command.starts_with("LOGIN")));
}

#[tokio::test]
async fn a_scan_of_many_messages_survives_cuts_and_hands_over_each_once_committed() {
    let server = ImapServer::start().await.unwrap();
    let account = server.add_account(REP, PASSWORD);
    for n in 0..620 {
        let at = jiff::Timestamp::from_second(1_794_000_000 + n).unwrap();
        account.append("INBOX", &mail(&format!("m{n}")), &[], at);
    }
    let mut owner = Owner::since("2026-01-01T00:00:00Z");
    // Three events a connection: connected, scans of nothing, one batch.
    for _ in 0..12 {
        let mut mailbox = owner.connect(&local(&server), PASSWORD).await.unwrap();
        for _ in 0..5 {
            match mailbox.next().await.unwrap() {
                Event::Idle => break,
                event => owner.take(event),
            }
        }
    }
    let mut mailbox = owner.connect(&local(&server), PASSWORD).await.unwrap();
    owner.until_idle(&mut mailbox).await.unwrap();
    let mut subjects = owner.subjects("INBOX");
    assert_eq!(subjects.len(), 620);
    subjects.sort_unstable();
    subjects.dedup();
    assert_eq!(subjects.len(), 620);
}
