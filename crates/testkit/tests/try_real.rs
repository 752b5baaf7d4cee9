//! `cargo xtask try-real`, the very command, with the simulators in the place of the real services.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::process::{Output, Stdio};
use std::sync::Arc;

use answerback_testkit::crm::FLYNN;
use answerback_testkit::ews::EwsServer;
use answerback_testkit::exchange::Account;
use answerback_testkit::graph::GraphServer;
use answerback_testkit::{hubspot, program, salesforce};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Not the story's: the suite must go by the settings.
const REP: &str = "watched@office.example";
const SENDER: &str = "somebody@elsewhere.example";
const PASSWORD: &str = "correct horse";
/// A rule of the rep's files mail with this word in its subject.
const WORD: &str = "file-me";

/// Runs the program with these settings.
async fn try_real(what: &str, settings: &str, environment: &[(&str, &str)]) -> (Output, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), settings).unwrap();
    let mut command = tokio::process::Command::new(program::find("answerback-try-real").unwrap());
    command.args(what.split(' ')).arg("--settings").arg(file.path()).envs(environment.iter().copied());
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    for (_, secret) in environment {
        assert!(!said.contains(secret), "a secret is shown: {said}");
    }
    (output, said)
}

fn count(said: &str, outcome: &str) -> usize {
    said.lines().filter(|line| line.starts_with(outcome)).count()
}

/// A submission server that puts what it takes into a mailbox, with a rule.
async fn submission(mailbox: Account) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mailbox = Arc::new(mailbox);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mailbox = Arc::clone(&mailbox);
            tokio::spawn(async move { take(stream, &mailbox).await });
        }
    });
    port
}

async fn take(stream: TcpStream, mailbox: &Account) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 smtp.elsewhere.example\r\n").await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.split_whitespace().next().unwrap_or_default().to_uppercase();
        let answer = match command.as_str() {
            "EHLO" => "250-smtp.elsewhere.example\r\n250 AUTH PLAIN LOGIN\r\n",
            "AUTH" => "235 welcome\r\n",
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") {
                    stream.read_line(&mut mail).await?;
                }
                let mail = mail.trim_end_matches(".\r\n").replace("\r\n..", "\r\n.");
                let subject = mail.lines().find(|line| line.starts_with("Subject: ")).unwrap_or_default();
                let folder = if subject.contains(WORD) { "Customers" } else { "inbox" };
                mailbox.deliver(folder, mail.as_bytes());
                "250 taken\r\n"
            }
            "QUIT" => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
        stream.write_all(answer.as_bytes()).await?;
    }
}

fn sender(port: u16) -> String {
    format!(
        "[sender]\naddress = '{SENDER}'\nhost = '127.0.0.1'\nport = {port}\nsecurity = 'none'\n\
         password = {{ env = 'TRY_SENDER' }}\n[rule]\nsubject = '{WORD}'\n"
    )
}

// Graph is asked at intervals, so that all of them would take minutes.
#[tokio::test(flavor = "multi_thread")]
async fn rows_are_played_over_graph() {
    let server = GraphServer::start(REP, PASSWORD).await.unwrap();
    let port = submission(server.mailbox()).await;
    let account = format!(
        "[account]\naddress = '{REP}'\n[account.graph]\nurl = '{}'\ntoken = {{ env = 'TRY_TOKEN' }}\n",
        server.url()
    );
    let settings = account + &sender(port);
    let (output, said) = try_real(
        "graph --only CC --only rule --only elsewhere",
        &settings,
        &[("TRY_TOKEN", PASSWORD), ("TRY_SENDER", "another secret")],
    )
    .await;
    assert!(output.status.success(), "{said}");
    assert_eq!((count(&said, "passed"), count(&said, "can't be played")), (3, 2), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_is_played_over_ews() {
    let server = EwsServer::start(REP, PASSWORD).await.unwrap();
    let port = submission(server.mailbox()).await;
    let account = format!(
        "[account]\naddress = '{REP}'\n[account.ews]\nurl = '{}'\npassword = {{ env = 'TRY_PASSWORD' }}\n",
        server.url()
    );
    let settings = account + &sender(port);
    let (output, said) =
        try_real("ews", &settings, &[("TRY_PASSWORD", PASSWORD), ("TRY_SENDER", "another secret")]).await;
    assert!(output.status.success(), "{said}");
    assert_eq!((count(&said, "passed"), count(&said, "can't be played")), (12, 4), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_does_not_open_is_explained_and_nothing_is_sent() {
    let server = GraphServer::start(REP, PASSWORD).await.unwrap();
    let port = submission(server.mailbox()).await;
    let account = format!(
        "[account]\naddress = '{REP}'\n[account.graph]\nurl = '{}'\ntoken = {{ env = 'TRY_TOKEN' }}\n",
        server.url()
    );
    let settings = account + &sender(port);
    let (output, said) =
        try_real("graph", &settings, &[("TRY_TOKEN", "an old token"), ("TRY_SENDER", "another secret")])
            .await;
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!((count(&said, "passed"), count(&said, "FAILED")), (0, 1), "{said}");
    assert_eq!(server.mailbox().snapshot().count(), 0);
}

#[tokio::test]
async fn what_is_missing_is_listed() {
    for what in ["graph", "ews", "salesforce", "hubspot"] {
        let (output, said) = try_real(what, "", &[]).await;
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("Nothing was tried") && said.contains(what), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_written_into_salesforce_and_taken_back() {
    let org = salesforce::Simulator::start(salesforce::Options::default()).await.unwrap();
    let campaign = org.seed("Campaign", json!({"Name": "Arcade owners"})).unwrap();
    let flynn = json!({"LastName": "Flynn", "Email": FLYNN, "HasOptedOutOfEmail": false});
    let flynn = org.seed("Contact", flynn).unwrap();
    org.seed("CampaignMember", json!({"CampaignId": campaign, "ContactId": flynn, "Status": "Sent"}))
        .unwrap();
    let settings = format!(
        "[salesforce]\nurl = '{}'\nclient_id = '{}'\nclient_secret = {{ env = 'TRY_SECRET' }}\n\
         mapping.campaigns = {{ cmp_1 = '{campaign}' }}\n[person]\ncontact = '{FLYNN}'\n",
        org.url(),
        salesforce::CLIENT_ID
    );
    let (output, said) =
        try_real("salesforce", &settings, &[("TRY_SECRET", salesforce::CLIENT_SECRET)]).await;
    assert!(output.status.success(), "{said}");
    assert_eq!((count(&said, "passed"), count(&said, "can't be played")), (8, 1), "{said}");
    for object in ["EmailMessage", "Task"] {
        assert_eq!(org.records(object).len(), 0, "{object} is left");
    }
    assert_eq!(org.records("CampaignMember").first().unwrap().get("Status").unwrap(), "Sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_written_into_hubspot_and_taken_back() {
    let account = hubspot::Simulator::start(hubspot::Options::default()).await.unwrap();
    account.contact(FLYNN);
    let settings = format!(
        "[hubspot]\nurl = '{}'\ntoken = {{ env = 'TRY_TOKEN' }}\nfields = {{ stop_reason = 'stop_reason' }}\n\
         [person]\ncontact = '{FLYNN}'\n",
        account.url()
    );
    let (output, said) = try_real("hubspot", &settings, &[("TRY_TOKEN", hubspot::TOKEN)]).await;
    assert!(output.status.success(), "{said}");
    assert_eq!((count(&said, "passed"), count(&said, "can't be played")), (7, 2), "{said}");
    for object in ["emails", "notes"] {
        assert_eq!(account.records(object).len(), 0, "{object} are left");
    }
    assert!(account.unsubscribed().is_empty());
}
