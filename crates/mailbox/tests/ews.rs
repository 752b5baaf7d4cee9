//! A mailbox over EWS, against the simulated one: what it finds, what it survives, what it leaves untouched.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what the tests share may panic like the tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use answerback_mailbox::ews::{self, EwsSettings, Place};
use answerback_mailbox::imap::TestStepKind;
use answerback_mailbox::{
    Credential, Cursor, Error, ErrorKind, Event, FolderRole, FoundMessage, Mailbox as _, Proxy, ProxyChoice,
    WatchOptions,
};
use answerback_reply::Message;
use answerback_testkit::ews::{EwsServer, Fault, SignIn};
use answerback_testkit::exchange::Language;
use answerback_testkit::proxy::{ProxyRules, ProxyServer};
use jiff::Timestamp;
use zeroize::Zeroizing;

const REP: &str = "rep@sales.example";
const PASSWORD: &str = "mcp-4711";

/// What an owner keeps.
struct Owner {
    server: EwsServer,
    credential: Credential,
    cursors: BTreeMap<String, Cursor>,
    seen: Vec<FoundMessage>,
    covered: Option<Timestamp>,
}

fn mail(n: usize) -> Vec<u8> {
    format!(
        "From: Kevin <k@flynn.example>\r\nTo: rep@sales.example\r\nMessage-ID: <m{n}@x>\r\nIn-Reply-To: <s1@sales.example>\r\n\
         Subject: number {n} \u{1b}[1m & <more>\r\nDate: Wed, 18 Nov 2026 08:00:00 +0000\r\n\r\nHello {n}\r\n"
    )
    .into_bytes()
}

impl Owner {
    async fn new() -> Self {
        Self::of(EwsServer::start(REP, PASSWORD).await.unwrap())
    }

    async fn german() -> Self {
        Self::of(EwsServer::start_with(Language::German, SignIn::Basic, REP, PASSWORD).await.unwrap())
    }

    async fn by(sign_in: SignIn) -> Self {
        Self::of(EwsServer::start_with(Language::English, sign_in, REP, PASSWORD).await.unwrap())
    }

    fn of(server: EwsServer) -> Self {
        let credential = Credential::from(PASSWORD);
        Self { server, credential, cursors: BTreeMap::new(), seen: Vec::new(), covered: None }
    }

    fn settings(&self) -> EwsSettings {
        EwsSettings {
            place: Place::Url(self.server.url()),
            address: REP.to_owned(),
            username: REP.to_owned(),
            ca_file: self.server.ca_file(),
            proxy: ProxyChoice::System,
        }
    }

    /// Reads until nothing is left to read and all of it is covered.
    async fn catch_up(&mut self) -> Result<(), Error> {
        self.catch_up_with(&self.settings()).await
    }

    async fn catch_up_with(&mut self, settings: &EwsSettings) -> Result<(), Error> {
        let since = Timestamp::now() - Duration::from_secs(30 * 86_400);
        let options =
            WatchOptions { since: Some(since), exclude: vec!["Private".into()], ..WatchOptions::default() };
        let cursors = self.cursors.values().cloned().collect();
        let mut mailbox = ews::connect(settings, &self.credential, options, cursors).await?;
        loop {
            match mailbox.next().await? {
                Event::Batch(batch) => {
                    self.cursors.insert(batch.cursor.folder.clone(), batch.cursor);
                    self.seen.extend(batch.messages);
                }
                Event::CheckedUpTo { time, .. } => self.covered = Some(time),
                Event::Idle => return Ok(()),
                Event::Connected { .. } | Event::Scanned { .. } => {}
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
    let mut owner = Owner::german().await;
    let mailbox = owner.server.mailbox();
    let folders = [
        "inbox",
        "junkemail",
        "deleteditems",
        "archive",
        "Posteingang/Kunden/Nord",
        "Private",
        "drafts",
        "outbox",
    ];
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
    assert!(owner.covered.is_some());
    assert_eq!(mailbox.snapshot(), untouched);
    let read = |name: &String| ["Get", "Sync", "Subscribe"].iter().any(|verb| name.starts_with(verb));
    assert!(owner.server.seen().iter().all(read), "{:?}", owner.server.seen());
    let found = owner.seen.first().unwrap();
    let message = Message::from_header(&found.header);
    assert_eq!(message.in_reply_to.len(), 1);
    assert!(message.thread_index.is_some() && found.thread_ids.iter().any(|id| id.starts_with("ews:")));
}

#[tokio::test]
async fn a_scan_of_many_pages_survives_every_fault_and_hands_over_each_once_committed() {
    let mut owner = Owner::new().await;
    let mailbox = owner.server.mailbox();
    for n in 0..700 {
        mailbox.deliver("inbox", &mail(n));
    }
    for fault in [
        Fault::CutAt(2000),
        Fault::Busy(Duration::from_millis(500)),
        Fault::Busy(Duration::from_secs(3600)),
        Fault::Html,
        Fault::Redirect("https://elsewhere.example/".into()),
    ] {
        owner.server.fault_once("GetItem", fault.clone());
        owner.server.fault_once("SyncFolderItems", fault.clone());
        owner.server.fault_once("SyncFolderHierarchy", fault);
        let before = owner.seen.len();
        owner.catch_up_at_last().await;
        owner.server.unscript();
        let new: BTreeSet<String> = owner.ids().into_iter().skip(before).collect();
        assert_eq!((new.len(), owner.seen.len() - before), (700, 700));
        // The next fault meets a scan from the beginning.
        owner.cursors.clear();
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
    assert_eq!(ids, ["<m2@x>", "<m3@x>"]);
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
async fn folders_that_come_go_or_get_another_name_are_noticed_while_watching() {
    let owner = Owner::new().await;
    let mailbox = owner.server.mailbox();
    mailbox.create_folder("Old");
    let since = Timestamp::now() - Duration::from_secs(86_400);
    let options = WatchOptions { since: Some(since), ..WatchOptions::default() };
    let mut watched = ews::connect(&owner.settings(), &owner.credential, options, Vec::new()).await.unwrap();
    while !matches!(watched.next().await.unwrap(), Event::Idle) {}
    mailbox.delete_folder("Old");
    mailbox.rename_folder("Archive", "Put away");
    mailbox.deliver("New", &mail(1));
    mailbox.deliver("Put away", &mail(2));
    let mut found = BTreeSet::new();
    while found.len() < 2 {
        let Event::Batch(batch) = watched.next().await.unwrap() else { continue };
        found.extend(batch.messages.into_iter().map(|message| message.at.folder));
    }
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["New", "Put away"]);
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
    let mut mailbox = ews::connect(&owner.settings(), &owner.credential, WatchOptions::default(), Vec::new())
        .await
        .unwrap();
    assert_eq!(mailbox.body(&found.at, 1 << 20).await.unwrap(), Some(mail(1)));
    assert_eq!(mailbox.body(&found.at, 10).await.unwrap().unwrap(), mail(1).get(..10).unwrap());
    owner.server.fault_once("GetItem", Fault::Refused("ErrorItemNotFound"));
    assert_eq!(mailbox.body(&found.at, 10).await.unwrap(), None);
    owner.server.fault_always("GetItem", Fault::CutAt(5));
    assert_eq!(mailbox.body(&found.at, 1000).await.unwrap_err().kind, ErrorKind::Lost);
}

#[tokio::test]
async fn of_a_big_message_only_the_beginning_is_read() {
    let owner = Owner::new().await;
    let big = [mail(1), vec![b'x'; 3 << 20]].concat();
    owner.server.mailbox().deliver("inbox", &big);
    let since = Timestamp::now() - Duration::from_secs(86_400);
    let options = WatchOptions { since: Some(since), ..WatchOptions::default() };
    let mut mailbox = ews::connect(&owner.settings(), &owner.credential, options, Vec::new()).await.unwrap();
    let at = loop {
        if let Event::Batch(batch) = mailbox.next().await.unwrap()
            && let Some(found) = batch.messages.into_iter().next()
        {
            break found.at;
        }
    };
    // The connection would break before the end of it.
    owner.server.fault_once("GetItem", Fault::CutAt(2 << 20));
    let beginning = mailbox.body(&at, 256 * 1024).await.unwrap().unwrap();
    assert_eq!(Some(beginning.as_slice()), big.get(..256 * 1024));
}

#[tokio::test]
async fn mail_is_told_of_at_once_and_found_by_asking_where_that_can_not_be_had() {
    // Notifications come on a second connection, which has to be signed in as well.
    let owner = Owner::by(SignIn::NtlmExtended).await;
    let since = Timestamp::now() - Duration::from_secs(86_400);
    let options = WatchOptions { since: Some(since), ..WatchOptions::default() };
    let mut mailbox = ews::connect(&owner.settings(), &owner.credential, options, Vec::new()).await.unwrap();
    let mut find = async |n: usize| {
        loop {
            let Event::Batch(batch) = mailbox.next().await.unwrap() else { continue };
            if batch
                .messages
                .iter()
                .any(|found| found.header.windows(3).any(|w| w == format!("<m{n}").as_bytes()))
            {
                return;
            }
        }
    };
    let server = &owner.server;
    let count = |name: &str| server.seen().iter().filter(|seen| *seen == name).count();
    let deliver_later = |n: usize| async move {
        // Until the mailbox rests.
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.mailbox().deliver("inbox", &mail(n));
    };
    tokio::join!(find(1), deliver_later(1));
    assert_eq!(count("GetStreamingEvents"), 1);
    server.fault_always("Subscribe", Fault::Refused("ErrorAccessDenied"));
    server.end_streams();
    tokio::join!(find(2), deliver_later(2));
}

#[tokio::test]
async fn each_refusal_has_its_own_kind() {
    let mut owner = Owner::new().await;
    for (fault, kind) in [
        (Fault::Refused("ErrorAccessDenied"), ErrorKind::ConsentMissing),
        (Fault::Refused("ErrorNonExistentMailbox"), ErrorKind::Unsupported),
        (Fault::Busy(Duration::from_secs(600)), ErrorKind::Throttled),
        (Fault::SignedOut, ErrorKind::WrongPassword),
        (Fault::Html, ErrorKind::Protocol),
        (Fault::Redirect("https://elsewhere.example".into()), ErrorKind::Tls),
        (Fault::CutAt(3), ErrorKind::Lost),
    ] {
        owner.server.fault_always("GetFolder", fault);
        let error = owner.catch_up().await.unwrap_err();
        owner.server.unscript();
        assert_eq!(error.kind, kind);
        let asked = matches!(kind, ErrorKind::Throttled).then(|| Duration::from_secs(600));
        assert_eq!(error.retry_after, asked);
    }
    let nobody =
        EwsSettings { place: Place::Url("http://127.0.0.1:1/EWS/Exchange.asmx".into()), ..owner.settings() };
    let error =
        ews::connect(&nobody, &owner.credential, WatchOptions::default(), Vec::new()).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Refused);
}

#[tokio::test]
async fn one_signs_in_by_password_or_token_and_a_server_that_takes_neither_is_told_apart() {
    let token = Credential::AccessToken(Zeroizing::new("a-token".to_owned()));
    let bearer = EwsServer::start_with(Language::English, SignIn::Bearer, REP, "a-token").await.unwrap();
    let mut owner = Owner { credential: token, ..Owner::of(bearer) };
    owner.catch_up().await.unwrap();
    owner.server.set_secret("another");
    assert_eq!(owner.catch_up().await.unwrap_err().kind, ErrorKind::WrongToken);
    let error = Owner::by(SignIn::Kerberos).await.catch_up().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.detail.contains("Kerberos"), "{error}");
    let by_token = Credential::AccessToken(Zeroizing::new(PASSWORD.to_owned()));
    let mut owner = Owner { credential: by_token, ..Owner::by(SignIn::Ntlm).await };
    assert_eq!(owner.catch_up().await.unwrap_err().kind, ErrorKind::WrongToken);
    let mut owner = Owner { credential: Credential::from("wrong"), ..Owner::new().await };
    assert_eq!(owner.catch_up().await.unwrap_err().kind, ErrorKind::WrongPassword);
}

#[tokio::test]
async fn the_connection_is_signed_in_by_ntlm_under_either_form_of_the_name() {
    for sign_in in [SignIn::Ntlm, SignIn::NtlmExtended] {
        let mut owner = Owner::by(sign_in).await;
        owner.server.mailbox().deliver("inbox", &mail(1));
        for username in [REP, "SALES\\rep"] {
            let settings = EwsSettings { username: username.to_owned(), ..owner.settings() };
            owner.cursors.clear();
            owner.catch_up_with(&settings).await.unwrap();
            assert_eq!(std::mem::take(&mut owner.seen).len(), 1, "{username}");
        }
        for (username, password) in [(REP, "wrong"), ("OTHER\\rep", PASSWORD), ("", PASSWORD)] {
            let settings = EwsSettings { username: username.to_owned(), ..owner.settings() };
            owner.credential = Credential::from(password);
            assert_eq!(owner.catch_up_with(&settings).await.unwrap_err().kind, ErrorKind::WrongPassword);
        }
    }
}

#[tokio::test]
async fn ntlm_is_preferred_to_sending_the_password() {
    for (sign_in, method) in [
        (SignIn::Basic, "password (Basic)"),
        (SignIn::NtlmOrBasic, "password (NTLM)"),
        (SignIn::NtlmExtended, "password (NTLM)"),
    ] {
        let owner = Owner::by(sign_in).await;
        let steps = ews::test_connection(&owner.settings(), &owner.credential).await;
        let said = steps.into_iter().find(|step| step.kind == TestStepKind::SignIn).unwrap();
        assert_eq!(said.outcome.unwrap(), method);
    }
}

#[tokio::test]
async fn a_connection_that_is_signed_out_signs_in_again_once() {
    let mut owner = Owner::by(SignIn::Ntlm).await;
    for n in 0..3 {
        owner.server.mailbox().deliver("inbox", &mail(n));
    }
    for operation in ["SyncFolderHierarchy", "SyncFolderItems", "GetItem"] {
        owner.server.fault_once(operation, Fault::SignedOut);
    }
    owner.catch_up().await.unwrap();
    assert_eq!(owner.ids().len(), 3);
    owner.server.fault_always("SyncFolderItems", Fault::SignedOut);
    assert_eq!(owner.catch_up().await.unwrap_err().kind, ErrorKind::WrongPassword);
}

#[tokio::test]
async fn a_connection_that_is_cut_is_made_and_signed_in_anew() {
    let mut owner = Owner::by(SignIn::NtlmExtended).await;
    for n in 0..300 {
        owner.server.mailbox().deliver("inbox", &mail(n));
    }
    owner.server.fault_once("GetItem", Fault::CutAt(2000));
    owner.server.fault_once("SyncFolderItems", Fault::CutAt(20));
    owner.catch_up_at_last().await;
    assert_eq!(owner.ids().into_iter().collect::<BTreeSet<_>>().len(), 300);
}

#[tokio::test]
async fn a_server_is_signed_in_to_through_either_proxy() {
    for sign_in in [SignIn::Basic, SignIn::NtlmExtended] {
        let mut owner = Owner::by(sign_in).await;
        owner.server.mailbox().deliver("inbox", &mail(1));
        for scheme in ["http", "socks5"] {
            let rules = ProxyRules { login: Some(("rep", "proxy-password")), refuses: false };
            let server = match scheme {
                "http" => ProxyServer::http(rules).await.unwrap(),
                _ => ProxyServer::socks5(rules).await.unwrap(),
            };
            let mut proxy = Proxy::parse(&format!("{scheme}://127.0.0.1:{}", server.port())).unwrap();
            proxy.login = Some(("rep".to_owned(), Zeroizing::new("proxy-password".to_owned())));
            let settings = EwsSettings { proxy: ProxyChoice::Through(proxy.clone()), ..owner.settings() };
            owner.cursors.clear();
            owner.catch_up_with(&settings).await.unwrap();
            assert_eq!(std::mem::take(&mut owner.seen).len(), 1, "{scheme}");
            assert!(server.connected().iter().all(|host| host.starts_with("localhost:")));
            proxy.login = None;
            let settings = EwsSettings { proxy: ProxyChoice::Through(proxy), ..owner.settings() };
            assert_eq!(owner.catch_up_with(&settings).await.unwrap_err().kind, ErrorKind::Proxy);
        }
    }
}

#[tokio::test]
async fn the_steps_of_a_test_say_which_one_fails() {
    let owner = Owner::german().await;
    let good = ews::test_connection(&owner.settings(), &owner.credential).await;
    assert!(good.len() == 4 && good.iter().all(|step| step.outcome.is_ok()), "{good:?}");
    let refused = ews::test_connection(&owner.settings(), &Credential::from("wrong")).await;
    let last = refused.last().unwrap();
    assert_eq!((refused.len(), last.kind), (3, TestStepKind::SignIn));
    assert_eq!(last.outcome.as_ref().unwrap_err().kind, ErrorKind::WrongPassword);
}

#[tokio::test]
async fn the_folders_have_their_roles_whatever_they_are_called() {
    let owner = Owner::german().await;
    let mut mailbox = ews::connect(&owner.settings(), &owner.credential, WatchOptions::default(), Vec::new())
        .await
        .unwrap();
    let Event::Connected { folders, .. } = mailbox.next().await.unwrap() else { panic!("not connected") };
    let role = |name: &str| folders.iter().find(|folder| folder.name == name).map(|folder| folder.role);
    assert_eq!(role("Posteingang"), Some(FolderRole::Inbox));
    assert_eq!(role("Gesendete Elemente"), Some(FolderRole::Sent));
    assert_eq!(role("Junk-E-Mail"), Some(FolderRole::Junk));
    assert_eq!(role("Entwürfe"), None);
    assert_eq!(role("Postausgang"), None);
}

#[tokio::test]
async fn the_server_is_found_by_autodiscover_and_nobody_is_sent_elsewhere() {
    for sign_in in [SignIn::Basic, SignIn::NtlmExtended] {
        let owner = Owner::by(sign_in).await;
        for place in [owner.server.autodiscover_url(), owner.server.soap_autodiscover_url()] {
            let settings =
                EwsSettings { place: Place::Autodiscover(Some(place.clone())), ..owner.settings() };
            let steps = async |credential| ews::test_connection(&settings, &credential).await;
            let good = steps(Credential::from(PASSWORD)).await;
            assert!(good.len() == 4 && good.iter().all(|step| step.outcome.is_ok()), "{good:?}");
            let kind = |steps: Vec<answerback_mailbox::imap::TestStep>| {
                steps.into_iter().find_map(|step| step.outcome.err()).unwrap().kind
            };
            assert_eq!(kind(steps(Credential::from("wrong")).await), ErrorKind::WrongPassword);
            for (fault, expected) in [
                (Fault::Redirect("https://elsewhere.example/autodiscover/x.xml".into()), ErrorKind::Settings),
                (Fault::Redirect(place), ErrorKind::Settings),
                (Fault::Html, ErrorKind::Settings),
                (Fault::Unavailable, ErrorKind::Throttled),
            ] {
                owner.server.fault_always("Autodiscover", fault);
                assert_eq!(kind(steps(Credential::from(PASSWORD)).await), expected);
                owner.server.unscript();
            }
        }
    }
}

#[tokio::test]
async fn autodiscover_is_asked_in_soap_first_and_then_in_plain_xml() {
    let owner = Owner::new().await;
    let base = owner.server.autodiscover_url().trim_end_matches(".xml").to_owned();
    let settings = EwsSettings { place: Place::Autodiscover(Some(base)), ..owner.settings() };
    let asked = async || {
        let before = owner.server.seen().len();
        ews::test_connection(&settings, &owner.credential).await;
        let seen = owner.server.seen().split_off(before);
        seen.into_iter().filter(|name| name.starts_with("Autodiscover")).collect::<Vec<_>>()
    };
    assert_eq!(asked().await, ["AutodiscoverSoap"]);
    owner.server.fault_once("AutodiscoverSoap", Fault::Html);
    assert_eq!(asked().await, ["AutodiscoverSoap", "Autodiscover"]);
    owner.server.fault_once("AutodiscoverSoap", Fault::Redirect("https://elsewhere.example/x.svc".into()));
    assert_eq!(asked().await, ["AutodiscoverSoap", "Autodiscover"]);
    owner.server.fault_once("AutodiscoverSoap", Fault::Redirect(owner.server.autodiscover_url()));
    assert_eq!(asked().await, ["AutodiscoverSoap", "Autodiscover"]);
}
