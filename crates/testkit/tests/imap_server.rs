//! The scripted IMAP server, as a client sees it.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a panic in a test is its report")]

use std::time::Duration;

use answerback_testkit::imap::{Fault, ImapServer, Profile};
use jiff::Timestamp;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

const MAIL: &[u8] = b"Message-ID: <r1@flynnsarcade.com>\r\nFrom: kevinf@flynnsarcade.com\r\n\
    Subject: Re: Space\r\n Paranoids\r\n\r\nYes!\r\n";

/// A client that speaks in lines.
struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    async fn connect(server: &ImapServer) -> Self {
        let stream = BufReader::new(TcpStream::connect(("127.0.0.1", server.port())).await.unwrap());
        let mut client = Self { stream };
        assert!(client.line().await.starts_with("* OK"));
        client
    }

    async fn sign_in(server: &ImapServer) -> Self {
        let mut client = Self::connect(server).await;
        assert!(client.run("LOGIN rep secret").await.ends_with("signed in\r\n"));
        client
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line);
        tokio::time::timeout(Duration::from_secs(5), read).await.expect("a line in time").unwrap();
        line
    }

    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Sends a command and gives everything up to its tagged line.
    async fn run(&mut self, command: &str) -> String {
        self.send(&format!("t {command}\r\n")).await;
        let mut answer = String::new();
        loop {
            let line = self.line().await;
            let end = line.is_empty() || line.starts_with("t ");
            answer += &line;
            if end {
                return answer;
            }
        }
    }

    async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        let read = self.stream.read_to_end(&mut rest);
        tokio::time::timeout(Duration::from_secs(5), read).await.expect("the end in time").unwrap();
        String::from_utf8(rest).unwrap()
    }
}

async fn start(profile: Profile) -> (ImapServer, answerback_testkit::imap::Account) {
    let server = ImapServer::start_as(profile).await.unwrap();
    let account = server.add_account("rep", "secret");
    (server, account)
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_sasl_plain_works_either_way() {
    let (server, _) = start(Profile::STANDARD).await;
    let mut client = Client::connect(&server).await;
    assert!(client.run("LOGIN rep wrong").await.contains("NO [AUTHENTICATIONFAILED]"));
    assert!(client.run("AUTHENTICATE PLAIN AHJlcAB3cm9uZw==").await.contains("NO [AUTHENTICATIONFAILED]"));
    assert!(client.run("LIST \"\" *").await.contains("t NO"));
    client.send("a AUTHENTICATE PLAIN\r\n").await;
    assert_eq!(client.line().await, "+ \r\n");
    client.send("AHJlcABzZWNyZXQ=\r\n").await;
    assert!(client.line().await.contains("a OK [CAPABILITY"));
    assert!(!server.seen().iter().any(|seen| seen.line.contains("secret")));
}

#[tokio::test]
async fn folders_are_listed_with_their_use_and_their_state() {
    let (server, account) = start(Profile::STANDARD).await;
    account.deliver("INBOX", MAIL);
    account.create_folder("Entwürfe & mehr", None);
    let mut client = Client::sign_in(&server).await;
    let list = client.run("LIST \"\" \"*\"").await;
    assert!(list.contains("* LIST (\\HasNoChildren \\Sent) \"/\" Sent\r\n"), "{list}");
    assert!(list.contains("\"Entw&APw-rfe &- mehr\""), "{list}");
    let list = client
        .run("LIST \"\" % RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))")
        .await;
    assert!(list.contains("* STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY "), "{list}");
    let status = client.run("STATUS \"Entw&APw-rfe &- mehr\" (MESSAGES)").await;
    assert!(status.contains("(MESSAGES 0)"), "{status}");
    assert!(client.run("STATUS Nowhere (MESSAGES)").await.contains("NO [NONEXISTENT]"));
}

#[tokio::test]
async fn peeking_leaves_no_trace_and_reading_does() {
    let (server, account) = start(Profile::STANDARD).await;
    let uid = account.append("INBOX", MAIL, &[], "2026-11-20T09:12:00Z".parse::<Timestamp>().unwrap());
    let before = account.snapshot();
    let mut client = Client::sign_in(&server).await;
    let examined = client.run("EXAMINE INBOX").await;
    assert!(
        examined.contains("* 1 EXISTS")
            && examined.contains("[UIDNEXT 2]")
            && examined.contains("[READ-ONLY]")
    );
    let fetched = client
        .run("UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT \"Message-ID\")])")
        .await;
    let header = "Message-ID: <r1@flynnsarcade.com>\r\nSubject: Re: Space\r\n Paranoids\r\n\r\n";
    let expected = format!(
        "* 1 FETCH (UID 1 FLAGS () INTERNALDATE \"20-Nov-2026 09:12:00 +0000\" RFC822.SIZE {} \
         BODY[HEADER.FIELDS (SUBJECT \"Message-ID\")] {{{}}}\r\n{header})\r\nt OK those\r\n",
        MAIL.len(),
        header.len(),
    );
    assert_eq!(fetched, expected);
    assert!(client.run("UID FETCH 1 BODY.PEEK[]<0.10>").await.contains("BODY[]<0> {10}\r\nMessage-ID)"));
    client.run("UID FETCH 1 (BODY[])").await;
    assert_eq!(account.snapshot(), before);
    client.run("SELECT INBOX").await;
    assert!(client.run("UID FETCH 1 (BODY[TEXT])").await.contains("Yes!"));
    assert_ne!(account.snapshot(), before);
    assert!(account.snapshot().flags("INBOX")[0].contains("\\Seen"));
    assert_eq!(uid, 1);
}

#[tokio::test]
async fn search_finds_by_date_uid_and_flag() {
    let (server, account) = start(Profile::STANDARD).await;
    for day in 1..=5 {
        let received_at = format!("2026-11-0{day}T12:00:00Z").parse().unwrap();
        account.append("INBOX", MAIL, if day == 3 { &["\\Seen"] } else { &[] }, received_at);
    }
    let mut client = Client::sign_in(&server).await;
    client.run("EXAMINE INBOX").await;
    for (criteria, found) in [
        ("ALL", " 1 2 3 4 5"),
        ("SINCE 4-Nov-2026", " 4 5"),
        ("BEFORE 2-Nov-2026", " 1"),
        ("UID 4:*", " 4 5"),
        ("UID 9:*", " 5"),
        ("SEEN", " 3"),
        ("UNSEEN 1:3", " 1 2"),
        ("OR SEEN ON 1-Nov-2026", " 1 3"),
        ("NOT SEEN SUBJECT nothing", ""),
        ("HEADER Message-ID r1@flynns", " 1 2 3 4 5"),
    ] {
        let answer = client.run(&format!("UID SEARCH {criteria}")).await;
        assert_eq!(answer, format!("* SEARCH{found}\r\nt OK those\r\n"), "{criteria}");
    }
}

#[tokio::test]
async fn idlers_hear_of_new_changed_and_expunged_mail() {
    let (server, account) = start(Profile::STANDARD).await;
    account.deliver("INBOX", MAIL);
    let mut client = Client::sign_in(&server).await;
    client.run("EXAMINE INBOX").await;
    client.send("i IDLE\r\n").await;
    assert_eq!(client.line().await, "+ idling\r\n");
    account.deliver("INBOX", MAIL);
    assert_eq!(client.line().await, "* 2 EXISTS\r\n");
    assert_eq!(client.line().await, "* 0 RECENT\r\n");
    account.set_flags("INBOX", 1, &["\\Seen"]);
    assert_eq!(client.line().await, "* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n");
    account.expunge("INBOX", 1);
    assert_eq!(client.line().await, "* 1 EXPUNGE\r\n");
    server.push(b"* OK Still here\r\n");
    assert_eq!(client.line().await, "* OK Still here\r\n");
    client.send("DONE\r\n").await;
    assert!(client.line().await.starts_with("i OK"));
    account.renumber("INBOX");
    assert!(client.run("NOOP").await.starts_with("* BYE"));
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn messages_are_appended_flagged_and_expunged_by_a_client_that_may() {
    let (server, account) = start(Profile::STANDARD).await;
    let mut client = Client::sign_in(&server).await;
    client.send("t APPEND Sent (\\Seen) {6}\r\n").await;
    assert!(client.line().await.starts_with('+'));
    client.send("a: b\r\n\r\n").await;
    assert!(client.line().await.contains("[APPENDUID "));
    assert!(account.snapshot().flags("Sent")[0].contains("\\Seen"));
    client.run("EXAMINE Sent").await;
    assert!(client.run("UID STORE 1 +FLAGS (\\Deleted)").await.contains("NO [READ-ONLY]"));
    client.run("SELECT Sent").await;
    assert!(client.run("UID STORE 1 +FLAGS (\\Deleted)").await.contains("\\Deleted"));
    assert!(client.run("EXPUNGE").await.contains("* 1 EXPUNGE"));
    assert_eq!(account.snapshot().count(), 0);
}

#[tokio::test]
async fn faults_happen_as_scripted() {
    let (server, account) = start(Profile::STANDARD).await;
    account.deliver("INBOX", MAIL);
    let mut client = Client::sign_in(&server).await;
    server.fault_once("NOOP", Fault::No("[UNAVAILABLE] later".into()));
    assert_eq!(client.run("NOOP").await, "t NO [UNAVAILABLE] later\r\n");
    server.script(|seen| if seen.line.contains("INBOX") { vec![Fault::CutAt(9)] } else { vec![] });
    assert!(client.run("NOOP").await.contains("t OK"));
    client.send("t EXAMINE INBOX\r\n").await;
    assert_eq!(client.rest().await, "* FLAGS (");
    server.unscript();
    server.fault_once("GREETING", Fault::Bye("too many connections".into()));
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
    let mut greeting = String::new();
    stream.read_to_string(&mut greeting).await.unwrap();
    assert_eq!(greeting, "* BYE too many connections\r\n");
}

#[tokio::test]
async fn netease_wants_an_id_before_it_opens_a_folder() {
    let (server, _) = start(Profile::NETEASE).await;
    let mut client = Client::sign_in(&server).await;
    assert!(client.run("EXAMINE INBOX").await.contains("Unsafe Login"));
    client.run("ID (\"name\" \"x\")").await;
    let examined = client.run("EXAMINE INBOX").await;
    assert!(examined.contains("READ-ONLY") && !examined.contains("UIDNEXT"), "{examined}");
    assert!(client.run("IDLE").await.contains("t BAD"));
}

#[tokio::test]
async fn gmail_shows_one_thread_id_for_a_send_and_its_answer() {
    let (server, account) = start(Profile::GMAIL).await;
    account.deliver("[Gmail]/Sent Mail", b"Message-ID: <s1@sales.example>\r\n\r\nHi\r\n");
    account.deliver("INBOX", b"Message-ID: <r1@x>\r\nIn-Reply-To: <s1@sales.example>\r\n\r\nYes\r\n");
    account.deliver("INBOX", b"Message-ID: <n1@x>\r\n\r\nNews\r\n");
    let mut client = Client::sign_in(&server).await;
    let mut threads = Vec::new();
    for folder in ["\"[Gmail]/Sent Mail\"", "INBOX"] {
        client.run(&format!("EXAMINE {folder}")).await;
        let fetched = client.run("UID FETCH 1:* (UID X-GM-THRID)").await;
        let ids = fetched.lines().filter_map(|line| line.split_once("X-GM-THRID "));
        threads.extend(ids.map(|(_, id)| id.to_owned()));
    }
    assert_eq!(threads.len(), 3);
    assert_eq!(threads[0], threads[1]);
    assert_ne!(threads[1], threads[2]);
}

#[tokio::test]
async fn yahoo_answers_for_a_thousand_messages_at_once() {
    let (server, account) = start(Profile::YAHOO).await;
    for _ in 0..1005 {
        account.append("INBOX", b"a: b\r\n\r\n", &[], Timestamp::UNIX_EPOCH);
    }
    let mut client = Client::sign_in(&server).await;
    client.run("EXAMINE INBOX").await;
    let fetched = client.run("UID FETCH 1:* (FLAGS)").await;
    assert_eq!(fetched.matches("FETCH (").count(), 1000);
    assert!(fetched.contains("NO [MESSAGELIMIT 1000]"));
}

#[tokio::test]
async fn an_ordinary_client_gets_along_over_tls() {
    let (server, account) = start(Profile::STANDARD).await;
    account.deliver("INBOX", MAIL);
    let mut roots = rustls::RootCertStore::empty();
    let pem = std::fs::read(server.ca_file()).unwrap();
    for certificate in rustls::pki_types::pem::PemObject::pem_slice_iter(&pem) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let stream = TcpStream::connect(("127.0.0.1", server.tls_port())).await.unwrap();
    let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    let mut client = async_imap::Client::new(stream);
    client.read_response().await.unwrap();
    let mut session = client.login("rep", "secret").await.map_err(|(error, _)| error).unwrap();
    assert_eq!(session.examine("INBOX").await.unwrap().exists, 1);
    let fetched = futures::TryStreamExt::try_collect::<Vec<_>>(
        session.uid_fetch("1:*", "(UID FLAGS BODY.PEEK[HEADER])").await.unwrap(),
    )
    .await
    .unwrap();
    assert_eq!(fetched.len(), 1);
    let mut idle = session.idle();
    idle.init().await.unwrap();
    let (wait, _interrupt) = idle.wait_with_timeout(Duration::from_secs(5));
    account.deliver("INBOX", MAIL);
    assert!(matches!(wait.await.unwrap(), async_imap::extensions::idle::IdleResponse::NewData(_)));
    idle.done().await.unwrap().logout().await.unwrap();
}
