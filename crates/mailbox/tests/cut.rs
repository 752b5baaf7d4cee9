//! A session cut after any byte that the server sends: the next one goes on, every message is handed over, and coverage is
//! claimed only when all of them were.
//!
//! The offsets are a sample; all of them with `ANSWERBACK_CUTS=all cargo test -p answerback-mailbox --test cut`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers may panic like the test")]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use answerback_mailbox::{Error, ErrorKind, Event, ImapMailbox, ImapSettings, Mailbox, Security};
use answerback_testkit::bad_network::{Proxy, Trouble};
use answerback_testkit::imap::{Account, ImapServer};
use common::{Owner, PASSWORD, mail, settings};

/// A prime, so that the sample falls everywhere into lines and literals.
const STEP: usize = 61;
const OLD: [(&str, &str); 5] =
    [("INBOX", "a"), ("INBOX", "b"), ("Sent", "c"), ("Junk", "d"), ("Kunden/Zürich", "e")];

#[tokio::test]
async fn wherever_a_session_is_cut_nothing_is_lost_and_coverage_does_not_lie() {
    let server = ImapServer::start().await.unwrap();
    let proxy = Proxy::start(server.port()).await.unwrap();
    story(&server, &proxy, 0, None).await;
    let length = proxy.passed();
    let all = std::env::var("ANSWERBACK_CUTS").is_ok_and(|cuts| cuts == "all");
    let offsets: Vec<u64> = (0..=length).step_by(if all { 1 } else { STEP }).collect();
    println!("A session of {length} bytes, cut at {} offsets.", offsets.len());
    for (n, offset) in offsets.into_iter().enumerate() {
        story(&server, &proxy, n + 1, Some(offset)).await;
    }
}

/// One mailbox, and connections to it until all is done; the first of them is cut after so many bytes.
async fn story(server: &ImapServer, proxy: &Proxy, n: usize, cut: Option<u64>) {
    // As long as any other, so that the session is.
    let user = format!("rep-{n:06}@sales.example");
    let account = server.add_account(&user, PASSWORD);
    for (folder, subject) in OLD {
        account.append(folder, &mail(subject), &[], "2026-11-20T00:00:00Z".parse().unwrap());
    }
    let mut first = true;
    proxy.plan(move |_| {
        let troubles = cut.filter(|_| first).map(Trouble::CutAfter);
        first = false;
        troubles.into_iter().collect()
    });
    let settings =
        ImapSettings { username: user, ..settings(proxy.port(), Security::None, server.ca_file()) };
    let mut watch =
        Watch { owner: Owner::since("2026-11-01T00:00:00Z"), account, told: BTreeSet::new(), live: false };
    for attempt in 0.. {
        match watch.connect(&settings).await {
            Ok(()) => break,
            Err(error) => {
                let broken = matches!(error.kind, ErrorKind::Lost | ErrorKind::TimedOut);
                assert!(broken && attempt == 0, "cut after {cut:?}: {error:?}");
            }
        }
    }
    let expected: BTreeSet<String> =
        OLD.iter().map(|(_, subject)| (*subject).to_owned()).chain(["live".into()]).collect();
    assert_eq!(watch.told, expected, "cut after {cut:?}");
}

struct Watch {
    owner: Owner,
    account: Account,
    /// What was handed over and committed; a message that comes again is known by its key.
    told: BTreeSet<String>,
    /// New mail has come.
    live: bool,
}

impl Watch {
    /// One connection: reads what is there, waits for new mail, reads a body and says good-bye.
    async fn connect(&mut self, settings: &ImapSettings) -> Result<(), Error> {
        let mut mailbox = self.owner.connect(settings, PASSWORD).await?;
        let before = self.account.snapshot();
        while !matches!(self.next(&mut mailbox).await?, Event::Idle) {}
        assert_eq!(self.account.snapshot(), before);
        if !std::mem::replace(&mut self.live, true) {
            self.account.deliver("INBOX", &mail("live"));
        }
        while !self.told.contains("live") {
            self.next(&mut mailbox).await?;
        }
        let newest = self.owner.found.last().expect("a message").at.clone();
        let body = mailbox.body(&newest, 4096).await?.expect("it is there");
        assert!(body.ends_with(b"Hello\r\n"));
        mailbox.close().await;
        Ok(())
    }

    async fn next(&mut self, mailbox: &mut ImapMailbox) -> Result<Event, Error> {
        let event =
            tokio::time::timeout(Duration::from_secs(30), mailbox.next()).await.expect("nothing for 30 s")?;
        self.owner.take(event.clone());
        match &event {
            Event::Batch(_) => self.told.extend(self.owner.seen.iter().map(|(_, subject)| subject.clone())),
            Event::CheckedUpTo { .. } => {
                assert!(self.told.len() >= OLD.len() + usize::from(self.live), "{:?}", self.told);
            }
            _ => {}
        }
        Ok(event)
    }
}
