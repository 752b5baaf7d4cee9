//! The demo, headless, to its end and to its interruptions.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use answerback_testkit::program;
use rustix::process::{Pid, Signal, kill_process};

fn demo(arguments: &[&str], temporary: Option<&Path>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_answerback-demo"));
    command.arg("--headless").args(arguments);
    command.arg("--ctl").arg(program::find("answerbackctl").unwrap());
    command.arg("--backend").arg(program::find("answerback-backend").unwrap());
    if let Some(temporary) = temporary {
        command.env("TMPDIR", temporary);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the demo to its end and gives what it printed; its story must be complete.
fn story(arguments: &[&str], temporary: Option<&Path>) -> String {
    let output = demo(arguments, temporary).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{:?}\n{printed}\n{error}", output.status);
    printed
}

/// The first of `lines` that names `who`, with the line below it, which says why.
fn told(printed: &str, who: &str) -> String {
    let mut lines = printed.lines().skip_while(|line| !line.contains(who));
    format!("{}\n{}", lines.next().unwrap_or_default(), lines.next().unwrap_or_default())
}

fn assert_story(printed: &str) {
    for (who, words) in [
        ("Arcade Weekly", vec!["left alone"]),
        ("kevinf@flynnsarcade.com", vec!["stopped · logged", "same person, another address"]),
        ("out-of-office", vec!["paused until", "logged", "back on"]),
        ("follow-up", vec!["left alone"]),
        ("comes back", vec!["stopped · address suppressed · logged", "no such address, 5.1.1"]),
        ("Lunch on Sunday", vec!["left alone"]),
        ("who was in CC", vec!["stopped · logged", "In-Reply-To names the send"]),
        ("7 mails arrived, 4 had to do with the campaign", vec!["stopped for 2, paused for 1"]),
        ("No flag was changed", vec!["no mail text left the laptop"]),
    ] {
        let told = told(printed, who);
        for words in words {
            assert!(told.contains(words), "{words:?} about {who:?} in:\n{printed}");
        }
    }
    assert!(!printed.contains('\x1b'), "no terminal codes where nobody looks");
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

fn within(limit: Duration, condition: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    true
}

/// Programs that were told of `folder`, as the demo's children are.
fn programs_in(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|process| std::fs::read_to_string(process.path().join("cmdline")).ok());
    lines.filter(|line| line.contains(folder)).collect()
}

#[test]
fn the_story_is_told_to_its_end_on_the_embedded_mailbox() {
    let temporary = tempfile::tempdir().unwrap();
    assert_story(&story(&["--once", "--speed", "6"], Some(temporary.path())));
    assert!(is_empty(temporary.path()));
}

#[test]
fn the_story_is_told_to_its_end_on_dovecot() {
    assert_story(&story(&["--once", "--speed", "6", "--mailbox", "dovecot"], None));
}

#[test]
fn the_story_ends_in_a_simulated_salesforce() {
    let printed = story(&["--once", "--speed", "6", "--crm", "salesforce"], None);
    assert_story(&printed);
    let crm: Vec<&str> =
        printed.lines().skip_while(|line| !line.contains("Salesforce (simulated)")).collect();
    let of = |name: &str| crm.iter().find(|line| line.contains(name)).copied().unwrap_or_default();
    assert!(
        of("Kevin Flynn").ends_with("email from kevinf@flynnsarcade.com · campaign: Responded"),
        "{printed}"
    );
    assert!(of("Alan Bradley").ends_with("email from alan@encom.com"), "{printed}");
    assert!(of("Lora Baines").contains("OutOfOffice “Out of office: "), "{printed}");
    assert!(of("Walter Gibbs").contains("HardBounce “Bounce: "), "{printed}");
}

#[test]
fn ctrl_c_and_even_a_kill_leave_nothing_behind() {
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let temporary = tempfile::tempdir().unwrap();
        let mut child = demo(&["--speed", "6"], Some(temporary.path())).spawn().unwrap();
        let started = || programs_in(temporary.path()).iter().any(|line| line.contains("answerbackctl"));
        assert!(within(Duration::from_secs(20), started), "{signal:?}");
        send(&child, signal);
        let status = child.wait().unwrap();
        assert_eq!(status.success(), signal != Signal::KILL, "{signal:?}");
        let gone = || programs_in(temporary.path()).is_empty();
        assert!(within(Duration::from_secs(10), gone), "{signal:?}: {:?}", programs_in(temporary.path()));
        if signal != Signal::KILL {
            assert!(is_empty(temporary.path()), "{signal:?}");
        }
    }
}

fn send(child: &Child, signal: Signal) {
    let process = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(process, signal).unwrap();
}
