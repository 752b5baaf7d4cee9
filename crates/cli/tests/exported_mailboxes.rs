//! `scan`, `classify` and `text` as a person or script runs them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::string_slice)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn answerbackctl(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_answerbackctl"))
        .current_dir(folder)
        .args(arguments)
        .env_remove("ANSWERBACK_LOG")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// The value of each line under a field.
fn values(output: &Output, field: &str) -> Vec<serde_json::Value> {
    let line = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect(line);
    stdout(output).lines().map(line).map(|line| line.get(field).cloned().unwrap_or_default()).collect()
}

/// Compares with a file of expected output, or writes it where `UPDATE_EXPECTED` is set.
fn assert_expected(name: &str, actual: &str) {
    let path = fixtures().join(name);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&path, actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    for (number, (actual, expected)) in actual.lines().zip(expected.lines()).enumerate() {
        assert_eq!(actual, expected, "{name}:{}", number + 1);
    }
    assert_eq!(actual.lines().count(), expected.lines().count(), "{name}");
}

#[test]
fn scan_prints_one_json_line_for_each_message_that_was_attributed() {
    let output =
        answerbackctl(&fixtures(), &["scan", "--sends", "sends.jsonl", "--mail", "inbox.mbox", "--json"]);
    assert_expected("scan.jsonl", stdout(&output));
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn scan_with_all_prints_a_line_for_every_message() {
    let arguments = ["scan", "--sends", "sends.jsonl", "--mail", "inbox.mbox", "--all", "--json"];
    let output = answerbackctl(&fixtures(), &arguments);
    assert_expected("scan.all.jsonl", stdout(&output));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn verdicts_are_explained_in_english_and_spanish() {
    for (language, expected) in [
        ("--explain", "it answers your email because its In-Reply-To names"),
        ("--explain=es", "responde a tu correo porque su In-Reply-To nombra"),
    ] {
        let arguments = ["scan", "--sends", "sends.jsonl", "--mail", "inbox.mbox", language];
        let table = answerbackctl(&fixtures(), &arguments);
        assert!(stdout(&table).contains(expected), "{}", stdout(&table));
        let json = answerbackctl(&fixtures(), &[&arguments[..], &["--json"]].concat());
        let sentences = values(&json, "explanation");
        assert!(sentences.iter().all(|sentence| sentence.as_str().is_some_and(|words| words.ends_with('.'))));
    }
}

#[test]
fn classify_tells_the_kind_of_every_message_without_sends() {
    let output =
        answerbackctl(&fixtures(), &["classify", "inbox.mbox", "--me", "rep@sales.example", "--json"]);
    assert_expected("classify.jsonl", stdout(&output));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn without_json_there_is_a_table_and_a_summary_on_standard_error() {
    let output = answerbackctl(&fixtures(), &["scan", "--sends", "sends.jsonl", "--mail", "inbox.mbox"]);
    assert_expected("scan.txt", stdout(&output));
    assert_eq!(
        stderr(&output),
        "answerbackctl: 6 messages: 2 reply, 1 auto_reply, 1 bounce, 1 calendar_response, 1 own\n"
    );
}

#[test]
fn an_answer_is_found_whether_its_parent_comes_before_or_after_it() {
    let mbox = fs::read_to_string(fixtures().join("inbox.mbox")).unwrap();
    let mut entries: Vec<&str> = mbox.split_inclusive("\n\nFrom - ").collect();
    entries.reverse();
    let reversed =
        entries.iter().map(|entry| entry.trim_start_matches("From - ").trim_end_matches("From - "));
    let reversed: String = reversed.map(|entry| format!("From - {entry}\n\n")).collect();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("reversed.mbox"), reversed).unwrap();
    let sends = fixtures().join("sends.jsonl");
    let arguments = ["scan", "--sends", sends.to_str().unwrap(), "--mail", "reversed.mbox", "--json"];
    let output = answerbackctl(folder.path(), &arguments);
    let mut ids: Vec<String> = values(&output, "message_id").iter().map(ToString::to_string).collect();
    let straight =
        answerbackctl(&fixtures(), &["scan", "--sends", "sends.jsonl", "--mail", "inbox.mbox", "--json"]);
    let mut expected: Vec<String> = values(&straight, "message_id").iter().map(ToString::to_string).collect();
    assert_ne!(ids, expected, "the order is the other way round");
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
}

#[test]
fn every_form_of_a_mailbox_gives_the_same_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    let mbox = fs::read(fixtures().join("inbox.mbox")).unwrap();
    let crlf = String::from_utf8(mbox).unwrap().replace('\n', "\r\n");
    fs::write(folder.path().join("crlf.mbox"), &crlf).unwrap();
    fs::write(folder.path().join("2026-November.txt"), &crlf).unwrap();
    for part in ["eml/deep/er", "Maildir/cur", "Maildir/new", "Maildir/.Sent/cur", "Maildir/.Sent/new"] {
        fs::create_dir_all(folder.path().join(part)).unwrap();
    }
    let first = crlf.find("From: Kevin").unwrap();
    let start = crlf[..first].rfind("Message-ID").unwrap();
    let end = start + crlf[start..].find("\r\n\r\nFrom - ").unwrap();
    let answer = crlf[start..end].replace(">From the arcade", "From the arcade");
    fs::write(folder.path().join("eml/deep/er/1.eml"), &answer).unwrap();
    fs::write(folder.path().join("Maildir/.Sent/cur/1763629920.M1P1.host:2,S"), &answer).unwrap();
    fs::write(folder.path().join("one.eml"), &answer).unwrap();
    let sends = fixtures().join("sends.jsonl");
    for (mail, path) in [
        ("crlf.mbox", "crlf.mbox"),
        ("2026-November.txt", "2026-November.txt"),
        ("eml", "eml/deep/er/1.eml"),
        ("./Maildir", "./Maildir/.Sent/cur/1763629920.M1P1.host:2,S"),
        ("one.eml", "one.eml"),
    ] {
        let arguments = ["scan", "--sends", sends.to_str().unwrap(), "--mail", mail, "--json"];
        let output = answerbackctl(folder.path(), &arguments);
        let lines: Vec<serde_json::Value> =
            stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let line = lines.iter().find(|line| line["message_id"] == "<r1@flynnsarcade.com>").expect(mail);
        assert_eq!(line["path"], path);
        assert_eq!(line["relation"], "same_person_other_address", "{mail}");
        assert_eq!(line["offset"] == 0, mail != "crlf.mbox" && mail != "2026-November.txt", "{mail}");
        assert_eq!(output.status.code(), Some(0), "{mail}");
    }
}

#[test]
fn text_prints_what_the_author_newly_wrote() {
    let scan =
        answerbackctl(&fixtures(), &["scan", "--sends", "sends.jsonl", "--mail", "inbox.mbox", "--json"]);
    let offset = values(&scan, "offset")[1].to_string();
    let output = answerbackctl(&fixtures(), &["text", "inbox.mbox", "--offset", &offset]);
    assert!(stdout(&output).starts_with("Looks great – call me tomorrow.\n"), "{}", stdout(&output));
    assert!(!stdout(&output).contains("Would you like"), "{}", stdout(&output));
    let output = answerbackctl(&fixtures(), &["text", "inbox.mbox", "--offset", &offset, "--json"]);
    assert_eq!(values(&output, "message_id"), ["<r1@flynnsarcade.com>"]);
    assert_eq!(values(&output, "offset")[0].to_string(), offset);
    assert_eq!(stdout(&output).lines().count(), 1);

    let ambiguous = answerbackctl(&fixtures(), &["text", "inbox.mbox"]);
    assert_eq!((ambiguous.status.code(), stdout(&ambiguous)), (Some(2), ""));
    assert!(stderr(&ambiguous).contains("--offset"), "{}", stderr(&ambiguous));
    assert_eq!(answerbackctl(&fixtures(), &["text", "inbox.mbox", "--offset", "7"]).status.code(), Some(2));
    assert_eq!(answerbackctl(&fixtures(), &["text", "."]).status.code(), Some(2));
    assert_eq!(answerbackctl(&fixtures(), &["text", "missing.eml"]).status.code(), Some(3));
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_done() {
    let arguments = [
        "scan",
        "--sends",
        "sends.jsonl",
        "--mail",
        "missing.mbox",
        "--mail",
        "inbox.mbox",
        "--mail",
        "gone",
        "--json",
    ];
    let output = answerbackctl(&fixtures(), &arguments);
    assert_expected("scan.jsonl", stdout(&output));
    assert_eq!(output.status.code(), Some(1));
    let complaints: Vec<&str> = stderr(&output).lines().collect();
    assert_eq!(complaints.len(), 2, "{complaints:?}");
    assert!(complaints[0].starts_with("answerbackctl: missing.mbox: "), "{complaints:?}");
    assert!(complaints[1].starts_with("answerbackctl: gone: "), "{complaints:?}");
}

#[test]
#[cfg(unix)]
fn a_message_that_cannot_be_read_has_a_line_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.eml"), "From: flynn@flynnsarcade.com\nSubject: a\n\nHi\n").unwrap();
    std::os::unix::fs::symlink("gone", folder.path().join("b.eml")).unwrap();
    let output = answerbackctl(folder.path(), &["classify", "--json", "."]);
    assert_eq!(values(&output, "kind"), ["reply", "unknown"]);
    assert!(values(&output, "error")[1].as_str().is_some_and(|error| !error.is_empty()));
    assert!(stderr(&output).contains("b.eml"), "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_bad_line_of_the_sends_is_named_and_the_good_ones_are_used() {
    let folder = tempfile::tempdir().unwrap();
    let sends =
        fs::read_to_string(fixtures().join("sends.jsonl")).unwrap().replacen("\"id\":\"snd_2\",", "", 1);
    fs::write(folder.path().join("sends.jsonl"), sends).unwrap();
    let mail = fixtures().join("inbox.mbox");
    let arguments = ["scan", "--sends", "sends.jsonl", "--mail", mail.to_str().unwrap(), "--json"];
    let output = answerbackctl(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).starts_with("answerbackctl: sends.jsonl:2: missing field `id`"),
        "{}",
        stderr(&output)
    );
    let answered = values(&output, "send_id");
    assert!(["snd_1", "snd_3", "snd_4"].iter().all(|send| answered.iter().any(|answered| answered == send)));
}

#[test]
fn wrong_usage_and_what_cannot_run_have_their_own_statuses() {
    for (arguments, status) in [
        (&["scan", "--mail", "inbox.mbox"][..], 2),
        (&["scan", "--sends", "sends.jsonl"], 2),
        (&["nonsense"], 2),
        (&[], 2),
        (&["classify", "inbox.mbox", "--no-such-option"], 2),
        (&["scan", "--sends", "missing.jsonl", "--mail", "inbox.mbox"], 3),
        (&["scan", "--sends", "inbox.mbox", "--mail", "inbox.mbox"], 3),
        (&["--help"], 0),
        (&["scan", "--help"], 0),
        (&["classify", "--help"], 0),
        (&["text", "--help"], 0),
        (&["--version"], 0),
    ] {
        let output = answerbackctl(&fixtures(), arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}", stderr(&output));
        if arguments.len() == 2 && arguments[1] == "--help" {
            assert!(stdout(&output).contains("Examples:"), "{arguments:?}");
        }
    }
}

#[test]
fn nothing_in_a_folder_of_broken_files_is_missing_or_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let broken: [(&str, &[u8]); 6] = [
        ("1.eml", b""),
        ("2.eml", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("3.eml", b"Content-Type: multipart/mixed; boundary=\"\n\n--\"\n\xff\xfe"),
        ("4.eml", b"From: =?utf-8?b?////?= <\xf0\x9f@\xff>\nDate: yesterday\nIn-Reply-To: <<<>>>\n\n"),
        ("5.eml", b"Subject: no body and no end"),
        ("6.eml", &[b'\n'; 300]),
    ];
    for (name, content) in broken {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let nested = "Content-Type: multipart/mixed; boundary=a\n\n--a\n".repeat(20_000);
    fs::write(folder.path().join("7.eml"), nested).unwrap();
    let output = answerbackctl(folder.path(), &["classify", ".", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let paths: Vec<String> =
        values(&output, "path").iter().map(|path| path.as_str().unwrap().to_owned()).collect();
    assert_eq!(paths, (1..=7).map(|number| format!("./{number}.eml")).collect::<Vec<_>>());
    let errors = values(&output, "error");
    assert!([0, 1, 5].iter().all(|empty| errors[*empty].is_string()), "{errors:?}");
}

#[test]
fn two_messages_with_one_message_id_are_two_lines() {
    let folder = tempfile::tempdir().unwrap();
    let message = "Message-ID: <twice@x.example>\nFrom: a@x.example\nIn-Reply-To: <s1@sales.example>\n\nHi\n";
    for name in ["a.eml", "b.eml"] {
        fs::write(folder.path().join(name), message).unwrap();
    }
    let sends = fixtures().join("sends.jsonl");
    let output =
        answerbackctl(folder.path(), &["scan", "--sends", sends.to_str().unwrap(), "--mail", ".", "--json"]);
    assert_eq!(values(&output, "path"), ["./a.eml", "./b.eml"]);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut mbox = fs::File::create(folder.path().join("long.mbox")).unwrap();
    for number in 0..20_000 {
        writeln!(mbox, "From a@x.example Mon Nov 23 14:00:00 2026\nSubject: {number}\n\nHi\n").unwrap();
    }
    drop(mbox);
    for json in [&["--json"][..], &[]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_answerbackctl"))
            .current_dir(folder.path())
            .args(["classify", "long.mbox"])
            .args(json)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(!first.is_empty());
        let mut complaints = String::new();
        child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
        let status = child.wait().unwrap();
        assert_eq!((status.code(), complaints.as_str()), (Some(0), ""));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_mailbox() {
    let folder = tempfile::tempdir().unwrap();
    let attachment = "QUJD".repeat(12_000);
    let mut peaks = Vec::new();
    for messages in [150, 1500] {
        let mut mbox = fs::File::create(folder.path().join("large.mbox")).unwrap();
        for number in 0..messages {
            let header = format!(
                "Message-ID: <{number}@x.example>\nReferences: <other@x.example>\nSubject: Re: {number}"
            );
            writeln!(mbox, "From a@x.example Mon Nov 23 14:00:00 2026\n{header}\n\n{attachment}\n").unwrap();
        }
        drop(mbox);
        let sends = fixtures().join("sends.jsonl");
        let mut child = Command::new(env!("CARGO_BIN_EXE_answerbackctl"))
            .current_dir(folder.path())
            .args(["scan", "--sends", sends.to_str().unwrap(), "--mail", "large.mbox", "--all", "--json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut peak = 0;
        for _line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let high = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes = high.and_then(|high| high.trim().trim_end_matches(" kB").parse::<u64>().ok());
            peak = peak.max(kilobytes.unwrap_or_default());
        }
        assert!(child.wait().unwrap().success());
        peaks.push(peak);
    }
    assert!(peaks[1] < peaks[0] + 20 * 1024, "peaks for 7 MB and 70 MB: {peaks:?} KB");
}
