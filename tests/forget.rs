//! `answerback --forget` in a session of its own with a real keychain: what the app has kept is gone, and nothing else.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use answerback_testkit::keyring::{Session, State};

const CONFIG: &str = r#"
[backend]
url = "https://sales.example.com"
token = { keychain = "backend/https://sales.example.com" }
paired = true
[[account]]
address = "rep@sales.example"
imap = { host = "imap.sales.example", password = { keychain = "account/rep@sales.example" } }
[[account]]
address = "rep@gmail.example"
imap = { host = "imap.gmail.com", oauth = { provider = "google" } }
"#;

const OURS: [&str; 3] =
    ["backend/https://sales.example.com", "account/rep@sales.example", "oauth/rep@gmail.example"];

fn run(session: &Session, program: &str, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(program);
    session.equip(&mut command);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn forget(session: &Session) -> Output {
    run(session, env!("CARGO_BIN_EXE_answerback"), &["--forget"], "")
}

/// What the keychain has under our name.
fn kept(session: &Session) -> String {
    let found = run(session, "secret-tool", &["search", "--all", "service", "answerback"], "");
    String::from_utf8_lossy(&found.stdout).into_owned() + &String::from_utf8_lossy(&found.stderr)
}

fn lay_out(session: &Session, folder: &Path) {
    for key in OURS.iter().chain(["account/somebody-elses"].iter()) {
        let arguments = ["store", "--label=Answerback", "service", "answerback", "username", key];
        assert!(run(session, "secret-tool", &arguments, "hunter2").status.success());
    }
    for (file, text) in [
        ("config/answerback/config.toml", CONFIG),
        ("config/answerback/window.json", "{}"),
        ("home/.config/autostart/Answerback.desktop", "[Desktop Entry]\n"),
        ("data/answerback/answerback.db", ""),
        ("cache/answerback/webview/cache", ""),
    ] {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn forgetting_leaves_no_secret_in_the_keychain_and_no_file() {
    let session = Session::start(State::Unlocked).unwrap();
    let folder = session.folder();
    lay_out(&session, &folder);
    assert!(OURS.iter().all(|key| kept(&session).contains(key)), "{}", kept(&session));

    let output = forget(&session);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("Deleted: account/rep@sales.example in the keychain"), "{said}");

    let left = kept(&session);
    assert!(!OURS.iter().any(|key| left.contains(key)), "{left}");
    assert!(left.contains("account/somebody-elses"), "{left}");
    for gone in [
        "config/answerback",
        "home/.config/autostart/Answerback.desktop",
        "data/answerback",
        "cache/answerback/webview",
    ] {
        assert!(!folder.join(gone).exists(), "{gone} is still there:\n{said}");
    }
    assert!(forget(&session).status.success(), "there is nothing left to forget");
}

#[test]
fn without_a_keychain_nothing_is_forgotten_and_it_is_said() {
    let session = Session::start(State::Absent).unwrap();
    let config = session.folder().join("config/answerback/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, CONFIG).unwrap();
    let output = forget(&session);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("keychain"), "{output:?}");
    assert!(config.exists(), "without it nobody knows any more what is in the keychain");
}
