//! Faults: what the server does instead of, or beside, a proper answer.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::lock;

/// A command that the server has read, before it is answered.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The connection, counted from 1.
    pub session: u64,
    /// Who is signed in.
    pub user: Option<String>,
    /// The command's name in upper case, such as `UID FETCH`; `GREETING` when a client has just connected.
    pub command: String,
    /// The whole command without its tag; a password is left out.
    pub line: String,
    /// When it was read.
    pub at: Instant,
}

/// Something that goes wrong with one answer. Several can be combined; they are applied in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Waits before anything is sent.
    Delay(Duration),
    /// Answers `NO` with this text (a response code such as `[UNAVAILABLE]` may lead it) and does nothing.
    No(String),
    /// Answers `BAD` with this text and does nothing.
    Bad(String),
    /// Says `* BYE` with this text in place of an answer and closes.
    Bye(String),
    /// Sends these bytes in place of the answer; `{tag}` stands for the command's tag.
    Replace(Vec<u8>),
    /// Sends these bytes before the answer.
    Before(Vec<u8>),
    /// Sends these bytes between the untagged data and the tagged line.
    BeforeTag(Vec<u8>),
    /// Leaves the tagged line out, as if it were still to come.
    NoTag,
    /// Closes the connection after this many bytes of the answer.
    CutAt(usize),
    /// Never answers, and reads nothing more.
    Hang,
    /// IDLE: accepts it and then says nothing of changes, as some servers do.
    Mute,
}

type Hook = Box<dyn Fn(&Seen) -> Vec<Fault> + Send + Sync>;

/// What is to go wrong, and what has been seen.
#[derive(Default)]
pub(super) struct Script {
    hook: Mutex<Option<Hook>>,
    once: Mutex<Vec<(String, Fault)>>,
    seen: Mutex<Vec<Seen>>,
}

impl Script {
    pub(super) fn set_hook(&self, hook: Option<Hook>) {
        *lock(&self.hook) = hook;
    }

    pub(super) fn push_once(&self, command: &str, fault: Fault) {
        lock(&self.once).push((command.to_ascii_uppercase(), fault));
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        lock(&self.seen).clone()
    }

    /// Notes the command and says what goes wrong with it.
    pub(super) fn faults(&self, seen: Seen) -> Vec<Fault> {
        let mut faults = lock(&self.hook).as_ref().map(|hook| hook(&seen)).unwrap_or_default();
        let mut once = lock(&self.once);
        if let Some(at) = once.iter().position(|(command, _)| *command == seen.command) {
            faults.push(once.remove(at).1);
        }
        drop(once);
        lock(&self.seen).push(seen);
        faults
    }
}

/// A complete answer before anything went wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reply {
    /// Untagged data and continuation requests.
    pub(super) untagged: Vec<u8>,
    /// The tagged line.
    pub(super) tagged: Vec<u8>,
    /// The server closes after it (LOGOUT).
    pub(super) close: bool,
}

/// What to do with the socket, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Wait(Duration),
    Send(Vec<u8>),
    Hang,
    Close,
}

/// Whether any of `faults` means that the command must not be carried out.
pub(super) fn refuses(faults: &[Fault]) -> bool {
    faults
        .iter()
        .any(|fault| matches!(fault, Fault::No(_) | Fault::Bad(_) | Fault::Bye(_) | Fault::Replace(_)))
}

/// Spoils `reply`.
pub(super) fn apply(faults: &[Fault], tag: &str, mut reply: Reply) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut cut = None;
    let mut before = Vec::new();
    let mut before_tag = Vec::new();
    let mut hang = false;
    for fault in faults {
        match fault {
            Fault::Delay(time) => steps.push(Step::Wait(*time)),
            Fault::No(text) => reply = refusal(format!("{tag} NO {text}\r\n"), false),
            Fault::Bad(text) => reply = refusal(format!("{tag} BAD {text}\r\n"), false),
            Fault::Bye(text) => reply = refusal(format!("* BYE {text}\r\n"), true),
            Fault::Replace(bytes) => {
                let text = String::from_utf8_lossy(bytes).replace("{tag}", tag);
                reply = refusal(text, false);
            }
            Fault::Before(bytes) => before.extend_from_slice(bytes),
            Fault::BeforeTag(bytes) => before_tag.extend_from_slice(bytes),
            Fault::NoTag => reply.tagged.clear(),
            Fault::CutAt(bytes) => cut = Some(*bytes),
            Fault::Hang => hang = true,
            Fault::Mute => {}
        }
    }
    if hang {
        steps.push(Step::Hang);
        return steps;
    }
    let mut bytes = [before, reply.untagged, before_tag, reply.tagged].concat();
    if let Some(cut) = cut {
        bytes.truncate(cut);
    }
    if !bytes.is_empty() {
        steps.push(Step::Send(bytes));
    }
    if cut.is_some() || reply.close {
        steps.push(Step::Close);
    }
    steps
}

fn refusal(line: String, close: bool) -> Reply {
    Reply { untagged: Vec::new(), tagged: line.into_bytes(), close }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply() -> Reply {
        Reply { untagged: b"* 1 EXISTS\r\n".to_vec(), tagged: b"a1 OK done\r\n".to_vec(), close: false }
    }

    fn send(text: &str) -> Step {
        Step::Send(text.as_bytes().to_vec())
    }

    #[test]
    fn faults_spoil_an_answer() {
        let garbage = || b"* %%%\r\n".to_vec();
        for (faults, steps) in [
            (vec![], vec![send("* 1 EXISTS\r\na1 OK done\r\n")]),
            (vec![Fault::No("[LIMIT] slow down".into())], vec![send("a1 NO [LIMIT] slow down\r\n")]),
            (vec![Fault::Bad("what?".into())], vec![send("a1 BAD what?\r\n")]),
            (vec![Fault::Bye("gone".into())], vec![send("* BYE gone\r\n"), Step::Close]),
            (vec![Fault::Before(garbage())], vec![send("* %%%\r\n* 1 EXISTS\r\na1 OK done\r\n")]),
            (vec![Fault::BeforeTag(garbage())], vec![send("* 1 EXISTS\r\n* %%%\r\na1 OK done\r\n")]),
            (vec![Fault::Replace(b"{tag} OK\r\n".to_vec())], vec![send("a1 OK\r\n")]),
            (vec![Fault::NoTag], vec![send("* 1 EXISTS\r\n")]),
            (vec![Fault::CutAt(4)], vec![send("* 1 "), Step::Close]),
            (vec![Fault::CutAt(0)], vec![Step::Close]),
            (vec![Fault::Hang], vec![Step::Hang]),
            (
                vec![Fault::Delay(Duration::from_secs(1)), Fault::CutAt(2)],
                vec![Step::Wait(Duration::from_secs(1)), send("* "), Step::Close],
            ),
        ] {
            assert_eq!(apply(&faults, "a1", reply()), steps, "{faults:?}");
        }
    }
}
