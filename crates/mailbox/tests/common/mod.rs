//! What the tests against servers share.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers may panic like the test")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use answerback_mailbox::imap::connect;
use answerback_mailbox::{
    Compression, Credential, Cursor, Error, Event, FoundMessage, ImapMailbox, ImapSettings, Mailbox,
    ProxyChoice, Security, WatchOptions,
};
use answerback_testkit::bad_network::Trouble;
use jiff::Timestamp;

pub const REP: &str = "rep@sales.example";
pub const PASSWORD: &str = "Correct-Horse-7";

pub fn settings(port: u16, security: Security, ca_file: PathBuf) -> ImapSettings {
    ImapSettings {
        host: "localhost".to_owned(),
        port,
        security,
        username: REP.to_owned(),
        ca_file: Some(ca_file),
        proxy: ProxyChoice::default(),
    }
}

pub fn mail(subject: &str) -> Vec<u8> {
    format!("From: Flynn <flynn@flynnsarcade.com>\r\nTo: {REP}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x>\r\n\r\nHello\r\n")
        .into_bytes()
}

/// 2.4 Mbit/s.
pub const SLOW: Trouble = Trouble::Slow(300_000);

/// So many long threads take more than four seconds over a slow link: two must be waiting, also where the test gets little processor time.
pub const LONG_THREADS: usize = 60;

/// A message of a thread whose header fields are long.
pub fn long_thread(n: usize) -> Vec<u8> {
    let thread = "<an.earlier.message.of.this.thread@flynnsarcade.com>\r\n ".repeat(400);
    [format!("References: {thread}<last@x>\r\n").into_bytes(), mail(&format!("m{n}"))].concat()
}

/// An owner that commits at once and remembers over connections.
#[derive(Default)]
pub struct Owner {
    pub cursors: BTreeMap<String, Cursor>,
    /// Folder and subject of each message, in the order of arrival.
    pub seen: Vec<(String, String)>,
    pub found: Vec<FoundMessage>,
    pub covered: Vec<Timestamp>,
    pub scanned: Vec<(String, u64)>,
    pub since: Option<Timestamp>,
    pub exclude: Vec<String>,
    pub compression: Compression,
}

impl Owner {
    pub fn since(since: &str) -> Self {
        Self { since: Some(since.parse().unwrap()), ..Self::default() }
    }

    pub async fn connect(&self, settings: &ImapSettings, password: &str) -> Result<ImapMailbox, Error> {
        let options = WatchOptions {
            since: self.since,
            exclude: self.exclude.clone(),
            compression: self.compression.clone(),
            ..WatchOptions::default()
        };
        connect(settings, &Credential::from(password), options, self.cursors.values().cloned().collect())
            .await
    }

    pub fn take(&mut self, event: Event) {
        match event {
            Event::Batch(batch) => {
                for message in batch.messages {
                    let header = String::from_utf8_lossy(&message.header).into_owned();
                    let subject = header.lines().find_map(|line| line.strip_prefix("Subject: "));
                    self.seen.push((batch.folder.name.clone(), subject.unwrap_or("?").to_owned()));
                    self.found.push(message);
                }
                self.cursors.insert(batch.cursor.folder.clone(), batch.cursor);
            }
            Event::CheckedUpTo { time, .. } => self.covered.push(time),
            Event::Scanned { folder, messages, .. } => self.scanned.push((folder, messages)),
            _ => {}
        }
    }

    /// Takes events up to the next time that the mailbox falls idle.
    pub async fn until_idle(&mut self, mailbox: &mut ImapMailbox) -> Result<(), Error> {
        loop {
            match tokio::time::timeout(Duration::from_secs(30), mailbox.next())
                .await
                .expect("nothing for 30 s")?
            {
                Event::Idle => return Ok(()),
                event => self.take(event),
            }
        }
    }

    pub fn subjects(&self, folder: &str) -> Vec<&str> {
        self.seen.iter().filter(|(name, _)| name == folder).map(|(_, subject)| subject.as_str()).collect()
    }
}
