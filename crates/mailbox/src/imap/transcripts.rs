//! Plays recorded conversations: `tests/transcripts/*.txt`, each named after what once went wrong somewhere.
//!
//! ```text
//! # why
//! since: 2026-11-01T00:00:00Z                     (default: no old mail)
//! cursor: INBOX {"uidvalidity":1,…}               (default: none)
//! token: abc                                      (default: a password)
//! S: * PREAUTH [CAPABILITY IMAP4rev1] ready       the server says this line, CRLF added; {tag} is the last command's
//! C: EXAMINE "INBOX"                              the client must say this (… at the end: begins with this)
//! S- * 1 FETC                                     the same without CRLF
//! S* 1000                                         so many bytes of x
//! S! close                                        the server hangs up
//! E: Batch INBOX 5 6 next=7                       the owner must see this next
//! ```

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};

use zeroize::Zeroizing;

use super::client::Client;
use super::cursor::FolderCursor;
use super::mailbox::ImapMailbox;
use super::session::{Greeted, enter};
use crate::{Credential, Cursor, Error, Event, ImapSettings, Mailbox, ProxyChoice, Security, WatchOptions};

struct Transcript {
    name: String,
    options: WatchOptions,
    cursors: Vec<Cursor>,
    wire: Vec<(String, String)>,
    expected: Vec<String>,
    credential: Credential,
}

fn read(path: &std::path::Path) -> Transcript {
    let text = std::fs::read_to_string(path).unwrap();
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let mut transcript = Transcript {
        name,
        options: WatchOptions::default(),
        cursors: Vec::new(),
        wire: Vec::new(),
        expected: Vec::new(),
        credential: Credential::from("pässword"),
    };
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (what, rest) = line.split_once(' ').unwrap();
        match what {
            "since:" => transcript.options.since = Some(rest.parse().unwrap()),
            "token:" => transcript.credential = Credential::AccessToken(Zeroizing::new(rest.to_owned())),
            "cursor:" => {
                let (folder, state) = rest.split_once(' ').unwrap();
                transcript.cursors.push(Cursor { folder: folder.to_owned(), state: state.to_owned() });
            }
            "E:" => transcript.expected.push(rest.to_owned()),
            "S:" | "S-" | "S*" | "S!" | "C:" => transcript.wire.push((what.to_owned(), rest.to_owned())),
            other => panic!("{}: {other}", transcript.name),
        }
    }
    transcript
}

/// Plays the server's part. Gives what the client said wrongly, if anything.
async fn serve(stream: DuplexStream, wire: Vec<(String, String)>) -> Result<BufReader<DuplexStream>, String> {
    let mut stream = BufReader::new(stream);
    let mut tag = String::new();
    for (what, text) in wire {
        let said = text.replace("{tag}", &tag);
        match what.as_str() {
            "S:" => stream.write_all(format!("{said}\r\n").as_bytes()).await.unwrap(),
            "S-" => stream.write_all(said.as_bytes()).await.unwrap(),
            "S*" => stream.write_all(&vec![b'x'; said.parse().unwrap()]).await.unwrap(),
            "S!" => {
                stream.shutdown().await.unwrap();
                return Ok(stream);
            }
            _ => {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                let line = line.trim_end();
                let command = match line.split_once(' ') {
                    Some((first, command)) if first.starts_with('A') && text != "DONE" => {
                        tag = first.to_owned();
                        command
                    }
                    _ => line,
                };
                let matches = match text.strip_suffix('…') {
                    Some(beginning) => command.starts_with(beginning),
                    None => command == text,
                };
                if !matches {
                    return Err(format!("expected {text:?}, the client said {command:?}"));
                }
            }
        }
    }
    Ok(stream)
}

async fn open(
    stream: DuplexStream,
    options: WatchOptions,
    cursors: Vec<Cursor>,
    credential: Credential,
) -> Result<ImapMailbox, Error> {
    let mut client = Client::new(Box::new(stream), Arc::from("imap.example"));
    let preauthenticated = client.greeting().await?;
    let settings = ImapSettings {
        host: "imap.example".to_owned(),
        port: 143,
        security: Security::None,
        username: "rep".to_owned(),
        ca_file: None,
        proxy: ProxyChoice::default(),
    };
    let greeted = Greeted { client, security: "none".to_owned(), preauthenticated };
    let session = enter(greeted, &settings, &credential).await?;
    Ok(ImapMailbox::new(session, options, cursors))
}

fn words(event: &Result<Event, Error>) -> String {
    match event {
        Ok(Event::Connected { folders, .. }) => {
            let names: Vec<&str> = folders.iter().map(|folder| folder.name.as_str()).collect();
            format!("Connected {}", names.join(" "))
        }
        Ok(Event::Batch(batch)) => {
            let mut text = format!("Batch {}", batch.folder.name);
            for message in &batch.messages {
                let uid = message.at.id.split_once(':').unwrap().1;
                text += &format!(" {uid}{}", if message.header.is_empty() { "!" } else { "" });
            }
            let cursor = FolderCursor::read(&batch.cursor.state).unwrap();
            text += &format!(" next={}", cursor.uid_next);
            if let Some((first, end)) = cursor.unread {
                text += &format!(" unread={first}..{end}");
            }
            text
        }
        Ok(Event::Scanned { folder, messages, .. }) => format!("Scanned {folder} {messages}"),
        Ok(Event::CheckedUpTo { folders, .. }) => format!("CheckedUpTo {folders}"),
        Ok(Event::Idle) => "Idle".to_owned(),
        Err(error) => format!("Error {:?}", error.kind),
    }
}

async fn play(transcript: Transcript) -> Result<(), String> {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let server = tokio::spawn(serve(theirs, transcript.wire));
    let mut expected = transcript.expected.into_iter();
    let mut mailbox = match open(ours, transcript.options, transcript.cursors, transcript.credential).await {
        Ok(mailbox) => Some(mailbox),
        Err(error) => {
            let found = words(&Err(error));
            if expected.next().as_ref() != Some(&found) {
                return Err(format!("opening gave {found:?}"));
            }
            None
        }
    };
    if let Some(mailbox) = &mut mailbox {
        for expected in expected {
            let event = tokio::time::timeout(Duration::from_secs(20), mailbox.next()).await;
            let found = event.map_or_else(|_| "nothing".to_owned(), |event| words(&event));
            if found != expected {
                server.abort();
                let said =
                    server.await.map_or_else(|_| String::new(), |result| format!("{:?}", result.err()));
                return Err(format!("expected {expected:?}, saw {found:?} {said}"));
            }
        }
    }
    // Whatever the client still has to say, it must be what is written.
    let served = tokio::time::timeout(Duration::from_secs(5), server).await;
    match served {
        Ok(Ok(Ok(_stream))) => Ok(()),
        Ok(Ok(Err(wrong))) => Err(wrong),
        _ => Err("the client did not say all that is written".to_owned()),
    }
}

#[tokio::test]
async fn every_transcript_plays_as_written() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() > 20, "{} transcripts", paths.len());
    let mut wrong = Vec::new();
    for path in paths {
        let transcript = read(&path);
        let name = transcript.name.clone();
        if let Err(error) = play(transcript).await {
            wrong.push(format!("{name}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
