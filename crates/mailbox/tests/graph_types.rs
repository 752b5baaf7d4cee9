//! What the simulated Graph answers to the agent fits Microsoft's own types, by the TypeScript compiler.
//!
//! Each answer is written as a literal of the type that it should have; in a literal the compiler takes no property that the type does
//! not have.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its report")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use answerback_mailbox::graph::{self, GraphSettings, TokenSource};
use answerback_mailbox::{Error, Event, Mailbox as _, ProxyChoice, WatchOptions};
use answerback_testkit::graph::GraphServer;
use jiff::Timestamp;
use serde_json::Value;
use zeroize::Zeroizing;

const TOKEN: &str = "a-token";

/// What OData adds to a resource or a page of them is no part of Microsoft's types; and what stands in `innerError` is open.
const PROLOGUE: &str = r#"import type { EventMessage, MailFolder, Message, PublicError } from "@microsoft/microsoft-graph-types";
type Annotated<T> = T & { "@odata.context"?: string; "@odata.type"?: string; "@odata.etag"?: string };
type Row<T> = Annotated<T> & { "@removed"?: { reason: "deleted" | "changed" } };
interface Page<T> { "@odata.context": string; "@odata.nextLink"?: string; "@odata.deltaLink"?: string; value: Row<T>[] }
interface Refusal { error: Omit<PublicError, "innerError"> & { innerError?: Record<string, string> } }
"#;

struct Token;

impl TokenSource for Token {
    async fn token(&self, _refused: Option<&str>) -> Result<Zeroizing<String>, Error> {
        Ok(TOKEN.to_owned().into())
    }
}

/// Where `cargo xtask test` has installed the types, and the window's compiler.
fn tools() -> Option<(PathBuf, PathBuf)> {
    let target = std::env::current_exe().ok()?.ancestors().nth(3)?.to_owned();
    let types = target.join("microsoft-graph-types");
    let compiler = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/node_modules/typescript/lib/tsc.js");
    (types.join("node_modules").is_dir() && compiler.is_file()).then_some((types, compiler))
}

/// The type of an answer to a request for this path; `None` for what is no JSON.
fn type_of(path: &str, answer: &Value) -> Option<&'static str> {
    let is_page = answer.get("value").is_some();
    let is_meeting = answer.to_string().contains("#microsoft.graph.eventMessage");
    match (path.ends_with("/$value"), answer.get("error").is_some(), path.contains("/messages")) {
        (true, false, _) => None,
        (_, true, _) => Some("Refusal"),
        (_, _, true) if is_page && is_meeting => Some("Page<Message | EventMessage>"),
        (_, _, true) if is_page => Some("Page<Message>"),
        (_, _, true) if is_meeting => Some("Annotated<EventMessage>"),
        (_, _, true) => Some("Annotated<Message>"),
        _ if is_page => Some("Page<MailFolder>"),
        _ => Some("Annotated<MailFolder>"),
    }
}

/// Watches a mailbox, and asks once more for everything that the agent has asked for meanwhile.
async fn answers() -> Vec<(&'static str, Value)> {
    let server = GraphServer::start("rep@sales.example", TOKEN).await.unwrap();
    let mail = |n: usize, more: &str| {
        format!(
            "From: Kevin <k@flynn.example>\r\nSender: s@flynn.example\r\nTo: rep@sales.example\r\nCc: a@flynn.example\r\n\
             Reply-To: b@flynn.example\r\nMessage-ID: <m{n}@x>\r\nSubject: number {n}\r\nDate: Wed, 18 Nov 2026 08:00:00 +0000\r\n\
             {more}\r\nHello {n}\r\n"
        )
    };
    let mailbox = server.mailbox();
    for n in 0..3 {
        mailbox.deliver("inbox", mail(n, "").as_bytes());
    }
    mailbox.deliver("inbox", mail(3, "Content-Type: text/calendar; method=REPLY\r\n").as_bytes());
    mailbox.deliver("sentitems", mail(4, "").as_bytes());
    let settings = GraphSettings { url: server.url(), ca_file: None, proxy: ProxyChoice::System };
    let since = Some(Timestamp::now() - Duration::from_secs(86_400));
    let mut cursors = Vec::new();
    for _ in 0..2 {
        let options = WatchOptions { since, ..WatchOptions::default() };
        let mut watched =
            graph::connect(&settings, Token, options, std::mem::take(&mut cursors)).await.unwrap();
        loop {
            match watched.next().await.unwrap() {
                Event::Batch(batch) => cursors.push(batch.cursor),
                Event::Idle => break,
                _ => {}
            }
        }
        // What the second look tells of: news, a message that was read meanwhile, and one that has gone.
        let gone = mailbox.deliver("inbox", mail(5, "").as_bytes());
        let read = mailbox.deliver("inbox", mail(6, "").as_bytes());
        mailbox.mark_read(read);
        mailbox.delete(gone);
    }
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut answers = Vec::new();
    let seen = server.seen();
    let nowhere = ("/v1.0/me/mailFolders/nowhere?$select=id".to_owned(), String::new());
    for (target, prefer) in seen.into_iter().map(|seen| (seen.target, seen.prefer)).chain([nowhere]) {
        let request =
            http.get(format!("{}{target}", server.url())).bearer_auth(TOKEN).header("Prefer", prefer);
        let body = request.send().await.unwrap().bytes().await.unwrap();
        let answer = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let path = target.split('?').next().unwrap_or_default();
        answers.extend(type_of(path, &answer).map(|name| (name, answer)));
    }
    answers
}

/// What the compiler says to these literals.
fn complaints(tools: &(PathBuf, PathBuf), answers: &[(&str, Value)]) -> String {
    let folder = tempfile::tempdir_in(&tools.0).unwrap();
    let file = folder.path().join("answers.ts");
    let literals = answers.iter().enumerate();
    let literals: String =
        literals.map(|(n, (name, answer))| format!("export const a{n}: {name} = {answer};\n")).collect();
    std::fs::write(&file, format!("{PROLOGUE}{literals}")).unwrap();
    let mut compiler = Command::new("node");
    compiler.arg(&tools.1).args(["--noEmit", "--strict", "--pretty", "false"]);
    compiler.args(["--module", "esnext", "--moduleResolution", "bundler", "--target", "es2022"]);
    let output = compiler.arg(&file).current_dir(&tools.0).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        output.status.success(),
        text.is_empty(),
        "{text} {}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_the_simulator_is_of_microsofts_types_and_a_wrong_one_would_be_noticed() {
    let Some(tools) = tools() else {
        eprintln!("SKIPPED: Microsoft's types are not installed; `cargo xtask test` does that");
        return;
    };
    let answers = answers().await;
    for kind in ["Page<MailFolder>", "Annotated<MailFolder>", "Page<Message", "Refusal"] {
        assert!(answers.iter().any(|(name, _)| name.starts_with(kind)), "there is no {kind}");
    }
    assert_eq!(complaints(&tools, &answers), "");
    let changes = [
        ("\"internetMessageId\"", "\"messageId\""),
        ("\"emailAddress\"", "\"mailAddress\""),
        ("\"displayName\"", "\"name\""),
        ("\"@odata.deltaLink\"", "\"@odata.delta\""),
        ("\"receivedDateTime\":\"", "\"receivedDateTime\":5,\"subject\":\""),
    ];
    let change = |(right, wrong): (&str, &str)| {
        let says = |(_, answer): &&(&'static str, Value)| answer.to_string().contains(right);
        let (name, answer) = answers.iter().find(says).unwrap_or_else(|| panic!("nobody says {right}"));
        (*name, serde_json::from_str(&answer.to_string().replace(right, wrong)).unwrap())
    };
    let said = complaints(&tools, &changes.map(change));
    for (n, (_, wrong)) in changes.iter().enumerate() {
        let line = PROLOGUE.lines().count() + n + 1;
        assert!(said.contains(&format!("answers.ts({line},")), "{wrong} was not noticed: {said}");
    }
}
