//! A private session with a throw-away keyring.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use answerback_testkit::keyring::{Session, State};

/// Runs `secret-tool` in the session; `None` where it did not end by itself in time.
fn secret_tool(session: &Session, arguments: &[&str], input: &str) -> Option<(bool, String)> {
    let mut command = Command::new("secret-tool");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    session.equip(&mut command);
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    Some((output.status.success(), String::from_utf8(output.stdout).unwrap()))
}

const STORE: &[&str] = &["store", "--label=test", "service", "answerback-test"];
const LOOKUP: &[&str] = &["lookup", "service", "answerback-test"];

#[test]
fn an_unlocked_keyring_keeps_a_secret() {
    let session = Session::start(State::Unlocked).unwrap();
    assert_eq!(secret_tool(&session, STORE, "s3cret").unwrap(), (true, String::new()));
    assert_eq!(secret_tool(&session, LOOKUP, "").unwrap(), (true, "s3cret".to_owned()));
    let folder = session.folder();
    drop(session);
    assert!(!folder.exists());
}

#[test]
fn the_other_sessions_keep_none() {
    for state in [State::Locked, State::Absent, State::NoBus] {
        let session = Session::start(state).unwrap();
        let stored = secret_tool(&session, STORE, "s3cret").is_some_and(|(success, _)| success);
        assert!(!stored, "{state:?}");
    }
}
