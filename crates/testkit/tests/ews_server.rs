//! The simulated Exchange, driven by a client that others wrote.
#![allow(clippy::unwrap_used, reason = "what the tests share may panic like the tests")]

use std::path::Path;
use std::process::Stdio;

use answerback_testkit::ews::{EwsServer, SignIn};
use answerback_testkit::exchange::Language;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

const REP: &str = "rep@sales.example";
const PASSWORD: &str = "mcp-4711";

/// Where `cargo xtask test` has installed exchangelib.
fn python() -> Option<std::path::PathBuf> {
    let target = std::env::current_exe().ok()?.ancestors().nth(3)?.to_owned();
    Some(target.join("exchangelib/bin/python")).filter(|python| python.is_file())
}

fn mail(n: usize) -> Vec<u8> {
    format!(
        "From: Kevin <k@flynn.example>\r\nTo: rep@sales.example\r\nMessage-ID: <m{n}@x>\r\nIn-Reply-To: <s1@sales.example>\r\n\
         Subject: number {n} & <more>\r\nDate: Wed, 18 Nov 2026 08:00:00 +0000\r\n\r\nHello {n}\r\n"
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_independent_client_can_use_the_simulator_however_it_signs_in() {
    let Some(python) = python() else {
        eprintln!("SKIPPED: exchangelib is not installed; `cargo xtask test` does that");
        return;
    };
    drive(&python, SignIn::Basic, REP, ["basic", "none"]).await;
    drive(&python, SignIn::Ntlm, "SALES\\rep", ["ntlm", "none"]).await;
    drive(&python, SignIn::NtlmExtended, REP, ["ntlm", "extended"]).await;
}

/// Has exchangelib do all that the script says.
async fn drive(python: &Path, sign_in: SignIn, username: &str, how: [&str; 2]) {
    let server = EwsServer::start_with(Language::English, sign_in, REP, PASSWORD).await.unwrap();
    for n in 1..=3 {
        server.mailbox().deliver("inbox", &mail(n));
    }
    let mut script = tokio::process::Command::new(python);
    script.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ews_client.py"));
    script.args([&server.url(), &server.soap_autodiscover_url(), REP, username, PASSWORD]).args(how);
    script.stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(file) = server.ca_file() {
        script.env("REQUESTS_CA_BUNDLE", file);
    }
    let mut client = script.kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line == "listening" {
            // It opens the stream only after it has said so.
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
            server.mailbox().deliver("inbox", &mail(4));
        }
        said.push(line);
    }
    let mut complaints = String::new();
    client.stderr.take().unwrap().read_to_string(&mut complaints).await.unwrap();
    assert!(client.wait().await.unwrap().success(), "{said:?} {complaints}");
    assert_eq!(said, ["listening", "agrees"]);
}
