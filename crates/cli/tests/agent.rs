//! `run` and `doctor` from a configuration, where nothing answers: what they say, and how they end. (The end-to-end
//! tests run them against real servers.)
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn answerbackctl(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_answerbackctl"));
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .env_remove("ANSWERBACK_LOG")
        .env("ANSWERBACK_TEST_PASSWORD", "hunter2");
    command
}

fn output(folder: &Path, arguments: &[&str]) -> Output {
    answerbackctl(folder).args(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A loopback port that nobody listens on.
fn closed_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn configuration(folder: &Path, port: u16) {
    let text = format!(
        r#"data_dir = "{}"
[[account]]
address = "rep@sales.example"
[account.imap]
host = "127.0.0.1"
port = {port}
username = "rep@sales.example"
password = {{ env = "ANSWERBACK_TEST_PASSWORD" }}
"#,
        folder.join("data").display()
    );
    fs::write(folder.join("answerback.toml"), text).unwrap();
}

#[test]
fn a_configuration_that_cannot_be_used_is_named_and_nothing_runs() {
    let folder = tempfile::tempdir().unwrap();
    for (content, words) in [
        (None, "missing.toml"),
        (Some("[[account]\n"), "line 1"),
        (
            Some(
                "[[account]]\naddress = \"rep@sales.example\"\nimap = { host = \"h\", password = \"hunter2\" }\n",
            ),
            "line 3",
        ),
        (Some("[backend]\nurl = \"http://sales.example.com\"\ntoken = { env = \"T\" }\n"), "https"),
    ] {
        let file = if content.is_some() { "wrong.toml" } else { "missing.toml" };
        if let Some(content) = content {
            fs::write(folder.path().join(file), content).unwrap();
        }
        for command in ["run", "doctor"] {
            let output = output(folder.path(), &[command, "--config", file, "--json"]);
            assert_eq!(output.status.code(), Some(3), "{words}: {}", stderr(&output));
            assert!(stderr(&output).contains(words), "{words}: {}", stderr(&output));
            assert!(!stderr(&output).contains("hunter2"), "{}", stderr(&output));
            assert!(output.stdout.is_empty());
        }
    }
    assert_eq!(output(folder.path(), &["run"]).status.code(), Some(2));
}

#[test]
fn doctor_says_what_is_wrong_and_what_to_do_about_it() {
    let folder = tempfile::tempdir().unwrap();
    configuration(folder.path(), closed_port());
    let json = output(folder.path(), &["doctor", "--config", "answerback.toml", "--json"]);
    assert_eq!(json.status.code(), Some(1), "{}", stderr(&json));
    let text = String::from_utf8(json.stdout).unwrap();
    let checks: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(checks[0]["state"], "failed");
    assert_eq!(checks[0]["problem"]["code"], "refused_port");
    assert!(checks[1..].iter().all(|check| check["state"] == "skipped"), "{text}");
    let table = output(folder.path(), &["doctor", "--config", "answerback.toml"]);
    let text = String::from_utf8(table.stdout).unwrap();
    assert!(text.starts_with("FAILED ") && text.contains("What to do: "), "{text}");
    assert!(!text.contains("hunter2"));
}

#[cfg(unix)]
#[test]
fn run_reports_a_problem_goes_on_and_ends_quickly_when_it_is_told_to() {
    for signal in ["-TERM", "-INT"] {
        let folder = tempfile::tempdir().unwrap();
        configuration(folder.path(), closed_port());
        let mut child = answerbackctl(folder.path())
            .args(["run", "--config", "answerback.toml", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!((&line["event"], &line["code"]), (&"problem".into(), &"refused_port".into()), "{line}");
        assert_eq!(line["account"], "rep@sales.example");
        let second = output(folder.path(), &["run", "--config", "answerback.toml"]);
        assert_eq!(second.status.code(), Some(3), "a second agent on the same data");
        assert!(child.try_wait().unwrap().is_none(), "it goes on trying");
        let told = Instant::now();
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
        assert!(told.elapsed() < Duration::from_secs(5), "{signal}: {:?}", told.elapsed());
        assert!(lines.all(|line| serde_json::from_str::<serde_json::Value>(&line.unwrap()).is_ok()));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_that_cannot_be_written_does_not_end_it() {
    let folder = tempfile::tempdir().unwrap();
    configuration(folder.path(), closed_port());
    let mut child = answerbackctl(folder.path())
        .args(["run", "--config", "answerback.toml", "--json"])
        .stdout(Stdio::piped())
        .stderr(fs::File::options().write(true).open("/dev/full").unwrap())
        .spawn()
        .unwrap();
    // The problem is logged as well, where there is no space.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("refused_port"));
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
