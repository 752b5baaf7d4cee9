//! A mailbox over Microsoft Graph, against the simulated one: what it finds, what it survives, what it leaves untouched.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what the tests share may panic like the tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use answerback_mailbox::graph::{self, GraphMailbox, GraphSettings, TokenSource};
use answerback_mailbox::imap::TestStepKind;
use answerback_mailbox::{
    Cursor, Error, ErrorKind, Event, FolderRole, FoundMessage, Mailbox as _, ProxyChoice, WatchOptions,
};
use answerback_reply::Message;
use answerback_testkit::graph::{Fault, GraphServer, Language};
use jiff::Timestamp;
use zeroize::Zeroizing;

const TOKEN: &str = "first-token";

/// Gives the first token until it is refused, and then the second.
#[derive(Default)]
struct Tokens {
    renewed: AtomicUsize,
}

impl TokenSource for &Tokens {
    async fn token(&self, refused: Option<&str>) -> Result<Zeroizing<String>, Error> {
        if refused.is_some() {
            self.renewed.fetch_add(1, Ordering::SeqCst);
        }
        let token = if self.renewed.load(Ordering::SeqCst) == 0 { TOKEN } else { "second-token" };
        Ok(token.to_owned().into())
    }
}

/// What an owner keeps.
struct Owner {
    server: GraphServer,
    tokens: Tokens,
    cursors: BTreeMap<String, Cursor>,
    seen: Vec<FoundMessage>,
    covered: Option<Timestamp>,
    scanned: BTreeSet<String>,
}

fn mail(n: usize) -> Vec<u8> {
    format!(
        "From: Kevin <k@flynn.example>\r\nTo: rep@sales.example\r\nMessage-ID: <m{n}@x>\r\nIn-Reply-To: <s1@sales.example>\r\n\
         Subject: number {n}\r\nDate: Wed, 18 Nov 2026 08:00:00 +0000\r\n\r\nHello {n}\r\n"
    )
    .into_bytes()
}

impl Owner {
    async fn new() -> Self {
        Self::of(GraphServer::start("rep@sales.example", TOKEN).await.unwrap())
    }

    fn of(server: GraphServer) -> Self {
        Self {
            server,
            tokens: Tokens::default(),
            cursors: BTreeMap::new(),
            seen: Vec::new(),
            covered: None,
            scanned: BTreeSet::new(),
        }
    }

    fn settings(&self) -> GraphSettings {
        GraphSettings { url: self.server.url(), ca_file: None, proxy: ProxyChoice::System }
    }

    /// Reads until nothing is left to read and all of it is covered.
    async fn catch_up(&mut self) -> Result<(), Error> {
        let since = Timestamp::now() - Duration::from_secs(30 * 86_400);
        let options =
            WatchOptions { since: Some(since), exclude: vec!["Private".into()], ..WatchOptions::default() };
        let cursors = self.cursors.values().cloned().collect();
        let settings = self.settings();
        let mut mailbox = graph::connect(&settings, &self.tokens, options, cursors).await?;
        loop {
            match mailbox.next().await? {
                Event::Batch(batch) => {
                    self.cursors.insert(batch.cursor.folder.clone(), batch.cursor);
                    self.seen.extend(batch.messages);
                }
                Event::CheckedUpTo { time, .. } => self.covered = Some(time),
                Event::Scanned { folder, .. } => drop(self.scanned.insert(folder)),
                Event::Idle => return Ok(()),
                Event::Connected { .. } => {}
            }
        }
    }

    /// The same after every failure that passes, as the agent does.
    async fn catch_up_at_last(&mut self) {
        for _ in 0..50 {
            match self.catch_up().await {
                Ok(()) => return,
                Err(error) => assert!(error.kind.is_transient(), "{error:?}"),
            }
        }
        panic!("it never catches up");
    }

    fn ids(&self) -> Vec<String> {
        let id = |found: &FoundMessage| Message::from_header(&found.header).message_id;
        self.seen.iter().map(|found| id(found).unwrap().to_string()).collect()
    }
}

#[tokio::test]
async fn mail_is_found_in_every_folder_and_the_mailbox_stays_untouched() {
    let mut owner =
        Owner::of(GraphServer::start_in(Language::German, "rep@sales.example", TOKEN).await.unwrap());
    let mailbox = owner.server.mailbox();
    let folders =
        ["inbox", "junkemail", "deleteditems", "archive", "Posteingang/Kunden/Nord", "Private", "drafts"];
    for (n, folder) in folders.into_iter().enumerate() {
        mailbox.deliver(folder, &mail(n));
    }
    mailbox.hide_folder("Hidden");
    mailbox.deliver("Hidden", &mail(8));
    let old = Timestamp::now() - Duration::from_secs(90 * 86_400);
    mailbox.append("inbox", &mail(9), true, old);
    let untouched = mailbox.snapshot();
    owner.catch_up().await.unwrap();
    let mut ids = owner.ids();
    ids.sort();
    assert_eq!(ids, ["<m0@x>", "<m1@x>", "<m2@x>", "<m3@x>", "<m4@x>"]);
    assert!(owner.scanned.contains("Posteingang/Kunden/Nord"));
    assert!(owner.covered.is_some());
    assert_eq!(mailbox.snapshot(), untouched);
    assert!(owner.server.seen().iter().all(|seen| seen.method == "GET"));
    assert!(owner.server.most_at_once() <= 4);
    let found = owner.seen.first().unwrap();
    let message = Message::from_header(&found.header);
    assert_eq!(message.in_reply_to.len(), 1);
    assert!(message.thread_index.is_some() && found.thread_ids.iter().any(|id| id.starts_with("msgraph:")));
}

#[tokio::test]
async fn a_scan_of_many_pages_survives_every_fault_and_hands_over_each_once_committed() {
    let mut owner = Owner::new().await;
    let mailbox = owner.server.mailbox();
    for n in 0..450 {
        mailbox.deliver("inbox", &mail(n));
    }
    let delta = "/messages/delta";
    for fault in [
        Fault::CutAt(2000),
        Fault::Throttled(Duration::from_secs(1)),
        Fault::Throttled(Duration::from_secs(3600)),
        Fault::Html,
        Fault::Redirect("https://elsewhere.example/".into()),
    ] {
        owner.server.fault_once("skiptoken", fault.clone());
        owner.server.fault_once(delta, fault);
        let before = owner.seen.len();
        owner.catch_up_at_last().await;
        owner.server.unscript();
        let new: BTreeSet<String> = owner.ids().into_iter().skip(before).collect();
        assert_eq!(new.len(), owner.seen.len() - before);
        // The next fault meets a scan from the beginning.
        owner.cursors.clear();
        assert_eq!(owner.ids().into_iter().collect::<BTreeSet<_>>().len(), 450);
    }
}

#[tokio::test]
async fn new_mail_is_found_after_a_restart_and_old_mail_is_not_read_again() {
    let mut owner = Owner::new().await;
    let mailbox = owner.server.mailbox();
    let first = mailbox.deliver("inbox", &mail(1));
    owner.catch_up().await.unwrap();
    mailbox.mark_read(first);
    mailbox.deliver("inbox", &mail(2));
    let moved = mailbox.deliver("inbox", &mail(3));
    mailbox.move_message(moved, "Inbox/Prospects");
    let gone = mailbox.deliver("inbox", &mail(4));
    mailbox.delete(gone);
    owner.catch_up().await.unwrap();
    let mut ids = owner.ids().split_off(1);
    ids.sort();
    // The first is reported as changed, with its read state alone; it is asked for and known by its key.
    assert_eq!(ids, ["<m1@x>", "<m2@x>", "<m3@x>"]);
}

#[tokio::test]
async fn a_lost_sync_state_reads_the_window_again() {
    let mut owner = Owner::new().await;
    let mailbox = owner.server.mailbox();
    mailbox.deliver("inbox", &mail(1));
    owner.catch_up().await.unwrap();
    mailbox.expire_sync_state();
    mailbox.deliver("inbox", &mail(2));
    owner.catch_up().await.unwrap();
    let mut ids = owner.ids().split_off(1);
    ids.sort();
    assert_eq!(ids, ["<m1@x>", "<m2@x>"]);
}

#[tokio::test]
async fn the_rep_s_own_mail_is_read_without_its_header_fields_and_its_text_by_mime() {
    let mut owner = Owner::new().await;
    owner.server.mailbox().deliver("sentitems", &mail(1));
    owner.catch_up().await.unwrap();
    assert_eq!(owner.ids(), ["<m1@x>"]);
    let found = owner.seen.remove(0);
    let message = Message::from_header(&found.header);
    assert_eq!(message.from.as_deref(), Some("k@flynn.example"));
    assert_eq!(message.to, ["rep@sales.example"]);
    let settings = owner.settings();
    let mut mailbox: GraphMailbox<&Tokens> =
        graph::connect(&settings, &owner.tokens, WatchOptions::default(), Vec::new()).await.unwrap();
    assert_eq!(mailbox.body(&found.at, 1 << 20).await.unwrap(), Some(mail(1)));
    assert_eq!(mailbox.body(&found.at, 10).await.unwrap().unwrap(), mail(1).get(..10).unwrap());
    owner.server.fault_once("$value", Fault::NotFound);
    assert_eq!(mailbox.body(&found.at, 10).await.unwrap(), None);
    owner.server.fault_once("$value", Fault::CutAt(5));
    assert_eq!(mailbox.body(&found.at, 1000).await.unwrap_err().kind, ErrorKind::Lost);
    // A network's login page in its place: taken for the message, it would answer nothing and be lost.
    owner.server.fault_once("$value", Fault::Html);
    assert_eq!(mailbox.body(&found.at, 1000).await.unwrap_err().kind, ErrorKind::Protocol);
    owner.server.fault_once("$value", Fault::Redirect("https://elsewhere.example".into()));
    assert_eq!(mailbox.body(&found.at, 1000).await.unwrap_err().kind, ErrorKind::Tls);
}

#[tokio::test]
async fn an_expired_token_is_renewed_once_and_a_refused_one_waits_for_the_rep() {
    let mut owner = Owner::new().await;
    owner.server.mailbox().deliver("inbox", &mail(1));
    owner.server.set_token("second-token");
    owner.catch_up().await.unwrap();
    assert_eq!(owner.tokens.renewed.load(Ordering::SeqCst), 1);
    assert_eq!(owner.ids(), ["<m1@x>"]);
    owner.server.set_token("third-token");
    assert_eq!(owner.catch_up().await.unwrap_err().kind, ErrorKind::WrongToken);
}

#[tokio::test]
async fn each_refusal_has_its_own_kind() {
    let mut owner = Owner::new().await;
    for (fault, kind) in [
        (Fault::AccessDenied, ErrorKind::ConsentMissing),
        (Fault::Throttled(Duration::from_secs(600)), ErrorKind::Throttled),
        (Fault::Html, ErrorKind::Protocol),
        (Fault::Redirect("https://elsewhere.example".into()), ErrorKind::Tls),
        (Fault::CutAt(3), ErrorKind::Lost),
    ] {
        owner.server.fault_always("inbox?", fault);
        let error = owner.catch_up().await.unwrap_err();
        owner.server.unscript();
        assert_eq!(error.kind, kind);
        let asked = matches!(kind, ErrorKind::Throttled).then(|| Duration::from_secs(600));
        assert_eq!(error.retry_after, asked);
    }
    let nobody =
        GraphSettings { url: "http://127.0.0.1:1".into(), ca_file: None, proxy: ProxyChoice::System };
    let error =
        graph::connect(&nobody, &owner.tokens, WatchOptions::default(), Vec::new()).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Refused);
}

#[tokio::test]
async fn the_steps_of_a_test_say_which_one_fails() {
    let owner = Owner::new().await;
    let settings = owner.settings();
    let steps = async |tokens| graph::test_connection(&settings, tokens).await;
    let good = steps(&owner.tokens).await;
    assert!(good.len() == 4 && good.iter().all(|step| step.outcome.is_ok()), "{good:?}");
    owner.server.set_consent(false);
    let refused = steps(&owner.tokens).await;
    let last = refused.last().unwrap();
    assert_eq!((refused.len(), last.kind), (3, TestStepKind::SignIn));
    assert_eq!(last.outcome.as_ref().unwrap_err().kind, ErrorKind::ConsentMissing);
}

#[tokio::test]
async fn the_folders_have_their_roles_whatever_they_are_called() {
    let owner = Owner::of(GraphServer::start_in(Language::German, "rep@sales.example", TOKEN).await.unwrap());
    let settings = owner.settings();
    let mut mailbox =
        graph::connect(&settings, &owner.tokens, WatchOptions::default(), Vec::new()).await.unwrap();
    let Event::Connected { folders, .. } = mailbox.next().await.unwrap() else { panic!("not connected") };
    let role = |name: &str| folders.iter().find(|folder| folder.name == name).map(|folder| folder.role);
    assert_eq!(role("Posteingang"), Some(FolderRole::Inbox));
    assert_eq!(role("Gesendete Elemente"), Some(FolderRole::Sent));
    assert_eq!(role("Junk-E-Mail"), Some(FolderRole::Junk));
    assert_eq!(role("Entwürfe"), None);
    assert_eq!(role("Postausgang"), None);
}
