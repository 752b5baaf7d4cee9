//! The integrator's guide does what it says: its commands are run, and its signature check takes a real webhook.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic in a test is its report"
)]

mod scene;

use std::process::{Command, Stdio};
use std::time::Duration;

use scene::{ORG, Platform, REP};
use serde_json::Value;

const GUIDE: &str = include_str!("../../../docs/integrators-guide.md");

/// The blocks of code in a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    GUIDE.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

fn installed(program: &str) -> bool {
    let there = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let there = there.is_ok_and(|status| status.success());
    if !there {
        eprintln!("SKIPPED: {program} is not installed");
    }
    there
}

/// The names of members at any depth.
fn names(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                all.push(name.clone());
                names(member, all);
            }
        }
        Value::Array(members) => members.iter().for_each(|member| names(member, all)),
        _ => {}
    }
}

/// The names that a comment shows, which may be cut short and hold dots.
fn shown(comment: &str) -> Vec<String> {
    let parts: Vec<&str> = comment.split('"').collect();
    let named = parts.windows(2).filter(|two| two[1].starts_with(':'));
    named.map(|two| two[0].to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_guide_works_and_answers_what_it_shows() {
    if !installed("curl") || !installed("bash") {
        return;
    }
    let (_folder, server) = scene::on_sqlite().await;
    let platform = Platform::start(Duration::ZERO).await;
    let tokens = [
        server.store().issue_token(ORG, None).await.unwrap(),
        server.store().issue_token(ORG, Some(REP)).await.unwrap(),
    ];
    let webhook = server.store().add_webhook(ORG, &platform.url).await.unwrap().unwrap();
    let mut checked = 0;
    // Some show what others lead to: what they answer is looked at in the second round.
    for round in 0..2 {
        for block in blocks("sh").into_iter().filter(|block| block.contains("curl ")) {
            for part in block.split("curl ").skip(1) {
                let script = format!("set -e\ncurl --fail-with-body {part}");
                let script = script.replace("http://127.0.0.1:8787", &server.url());
                let output = Command::new("bash")
                    .args(["-c", &script])
                    .env("PLATFORM_TOKEN", tokens[0].expose())
                    .env("LAPTOP_TOKEN", tokens[1].expose())
                    .env("WEBHOOK", &webhook.id)
                    .env("CURSOR", "")
                    .output()
                    .unwrap();
                let (text, problem) =
                    (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
                assert!(output.status.success(), "{script}\ngave {text}{problem}");
                let comment: String = part.lines().filter(|line| line.starts_with('#')).collect();
                if round == 1 && !comment.is_empty() {
                    let answer: Value = serde_json::from_str(&text).unwrap();
                    let mut all = Vec::new();
                    names(&answer, &mut all);
                    for name in shown(&comment) {
                        assert!(all.contains(&name), "{name} is shown in\n{comment}\nand not in\n{text}");
                    }
                    checked += 1;
                }
            }
        }
    }
    assert!(checked >= 5, "only {checked} answers were looked at");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_signature_check_of_the_guide_takes_what_is_signed_and_nothing_else() {
    if !installed("python3") {
        return;
    }
    let (_folder, server) = scene::on_sqlite().await;
    let platform = Platform::start(Duration::ZERO).await;
    let made = server.store().add_webhook(ORG, &platform.url).await.unwrap().unwrap();
    let kit = scene::kit(&server).await;
    let path = format!("/v1/webhooks/{}/test", made.id);
    kit.platform(reqwest::Method::POST, &path).send().await.unwrap();
    let hook = platform.taken().pop().unwrap();
    let verify = blocks("python").into_iter().find(|block| block.contains("def verify")).unwrap();
    let header = |name: &str| format!("{name:?}: {:?}", hook.headers[name].to_str().unwrap());
    let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"].map(header).join(", ");
    for (body, good) in [(hook.body.clone(), true), (hook.body.replace("test", "stop"), false)] {
        let script =
            format!("{verify}\nimport sys\nverify({:?}, {{{headers}}}, sys.argv[1].encode())\n", made.secret);
        let status =
            Command::new("python3").args(["-c", &script, &body]).stderr(Stdio::null()).status().unwrap();
        assert_eq!(status.success(), good, "{script}");
    }
}
