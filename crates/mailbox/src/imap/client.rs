//! The checked command layer: a command has succeeded when its tagged OK was read, and not otherwise.
//!
//! Why not async-imap 0.12: its stream drops a command's completion (chatmail/async-imap#95), so NO and BAD to FETCH
//! or SEARCH look like an empty success; its buffer gives up at the first line that its grammar doesn't know, after
//! which the connection is dead; that grammar (imap-proto) trips over trailing blanks and has no THREADID; it buffers
//! literals up to 512 MiB; and its error texts hold server bytes. Raw commands mend the first of these only, since
//! all go through the same stream. So the stream is cut into responses here (`wire`), each is understood on its own
//! (`response`), and nothing between this file and the socket can turn a failure into silence.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use zeroize::Zeroizing;

use super::capability::Capabilities;
use super::command::{Command, Part};
use super::refusal::Refusal;
use super::response::{Outcome, Response, Untagged, parse};
use super::wire::Wire;
use crate::net::{NETWORK_TIMEOUT, Stream};
use crate::{Error, ErrorKind};

/// How a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server said NO or BAD; the connection goes on.
    Refused(Refusal),
    /// The connection is of no more use.
    Broken(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

/// A command that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag(String);

/// Receives untagged responses.
pub(crate) type Sink<'s> = &'s mut (dyn FnMut(Untagged<'_>) + Send);

/// One IMAP connection.
pub(crate) struct Client {
    wire: Wire,
    server: Arc<str>,
    last_tag: u32,
    in_flight: VecDeque<Tag>,
    /// Commands that ended before the one that was waited for.
    ended: Vec<(Tag, Result<(), Refusal>)>,
    announced: Announced,
    exists: Option<u32>,
    expunged: u32,
    bye: Option<Refusal>,
}

impl Client {
    pub(crate) fn new(stream: Box<dyn Stream>, server: Arc<str>) -> Self {
        Self {
            wire: Wire::new(stream, Arc::clone(&server)),
            server,
            last_tag: 0,
            in_flight: VecDeque::new(),
            ended: Vec::new(),
            announced: Announced::default(),
            exists: None,
            expunged: 0,
            bye: None,
        }
    }

    /// The server's name for error texts.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// What the server can do, as far as it said so since the last [`Self::forget_capabilities`].
    pub(crate) fn capabilities(&self) -> Option<&Capabilities> {
        self.announced.capabilities.as_ref()
    }

    /// Capabilities change with encryption and signing in.
    pub(crate) fn forget_capabilities(&mut self) {
        self.announced.capabilities = None;
    }

    /// The selected folder's size, if the server reported one since the last call: new mail, most likely.
    pub(crate) fn take_exists(&mut self) -> Option<u32> {
        self.exists.take()
    }

    /// How many messages left the selected folder since the last call.
    pub(crate) fn take_expunged(&mut self) -> u32 {
        std::mem::take(&mut self.expunged)
    }

    /// Whether the server reported mail coming or going that wasn't taken yet.
    pub(crate) fn has_news(&self) -> bool {
        self.exists.is_some() || self.expunged > 0
    }

    /// Literals longer than this are cut.
    pub(crate) fn limit_literals(&mut self, bytes: usize) {
        self.wire.literal_limit = bytes;
    }

    /// Gives the stream back before anything is secured; see [`Wire::into_stream`].
    pub(crate) fn into_stream(self) -> Result<Box<dyn Stream>, Error> {
        self.wire.into_stream()
    }

    /// Compresses the connection (RFC 4978). No other command may be under way.
    pub(crate) async fn compress(&mut self, sink: Sink<'_>) -> Result<(), Failure> {
        self.run(&Command::new("COMPRESS DEFLATE"), sink).await?;
        self.wire.compress();
        Ok(())
    }

    /// How many bytes came so far, and how long they were waited for.
    pub(crate) fn pace(&self) -> (u64, Duration) {
        self.wire.pace()
    }

    /// Reads the server's first line; `true` for PREAUTH.
    pub(crate) async fn greeting(&mut self) -> Result<bool, Error> {
        self.wire.advance(NETWORK_TIMEOUT).await?;
        let condition = match parse(self.wire.response()) {
            Response::Untagged(Untagged::Condition(condition)) => condition,
            _ => return Err(self.wire.nonsense("no greeting")),
        };
        if let Some(words) = condition.code_capabilities() {
            self.announced.learn(&words);
        }
        match condition.outcome {
            Outcome::Ok => Ok(false),
            Outcome::Preauth => Ok(true),
            _ => Err(Refusal::of(&condition).into_error(&self.server, "talk to us")),
        }
    }

    /// Sends a command and waits for its end.
    pub(crate) async fn run(&mut self, command: &Command, sink: Sink<'_>) -> Result<(), Failure> {
        let tag = self.send(command).await?;
        self.complete(&tag, sink).await
    }

    /// Sends a command without waiting for its end. Answers arrive at the next [`Self::complete`], in order.
    pub(crate) async fn send(&mut self, command: &Command) -> Result<Tag, Failure> {
        self.last_tag += 1;
        let tag = Tag(format!("A{}", self.last_tag));
        tracing::trace!(tag = tag.0, command = command.name, "sending");
        let mut bytes = Zeroizing::new(tag.0.clone().into_bytes());
        bytes.push(b' ');
        self.in_flight.push_back(tag.clone());
        for part in &command.parts {
            match part {
                Part::Text(text) => bytes.extend_from_slice(text),
                Part::Literal(literal) => {
                    // LITERAL- allows 4,096 bytes (RFC 7888 §5).
                    let plus =
                        if self.announced.literals_at_once && literal.len() <= 4096 { "+" } else { "" };
                    bytes.extend_from_slice(format!("{{{}{plus}}}\r\n", literal.len()).as_bytes());
                    if plus.is_empty() {
                        self.wire.send(&bytes).await?;
                        bytes.clear();
                        self.continuation(&tag).await?;
                    }
                    bytes.extend_from_slice(literal);
                }
            }
        }
        bytes.extend_from_slice(b"\r\n");
        self.wire.send(&bytes).await?;
        Ok(tag)
    }

    /// Sends a line that belongs to a command in flight: a SASL answer, or DONE.
    pub(crate) async fn send_line(&mut self, line: &[u8]) -> Result<(), Error> {
        let mut bytes = Zeroizing::new(line.to_vec());
        bytes.extend_from_slice(b"\r\n");
        self.wire.send(&bytes).await
    }

    /// Waits until the server asks for the rest of the command. The text that it asks with is returned.
    pub(crate) async fn continuation(&mut self, tag: &Tag) -> Result<Vec<u8>, Failure> {
        loop {
            match self.next(NETWORK_TIMEOUT, &mut |_| {}).await? {
                Heard::Continue(text) => return Ok(text),
                Heard::Untagged => {}
                Heard::Ended(ended, result) if ended == *tag => {
                    self.forget(tag);
                    // An OK instead of `+` leaves the command unsent.
                    return match result {
                        Err(refusal) => Err(Failure::Refused(refusal)),
                        Ok(()) => Err(self.wire.nonsense("a command ended before it was sent").into()),
                    };
                }
                Heard::Ended(ended, result) => self.note_end(ended, result)?,
            }
        }
    }

    /// Like [`Self::continuation`], but the command may also end well instead: `None`.
    pub(crate) async fn continuation_or_end(&mut self, tag: &Tag) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            match self.next(NETWORK_TIMEOUT, &mut |_| {}).await? {
                Heard::Continue(text) => return Ok(Some(text)),
                Heard::Untagged => {}
                Heard::Ended(ended, result) if ended == *tag => {
                    self.forget(tag);
                    return result.map(|()| None).map_err(Failure::Refused);
                }
                Heard::Ended(ended, result) => self.note_end(ended, result)?,
            }
        }
    }

    /// Reads up to a command's tagged end. Untagged responses on the way go to `sink`, whichever command in flight
    /// they are for: the caller matches by UID or name.
    ///
    /// # Errors
    /// [`Failure::Refused`] at NO or BAD, [`Failure::Broken`] at the stream's end or nonsense.
    pub(crate) async fn complete(&mut self, tag: &Tag, sink: Sink<'_>) -> Result<(), Failure> {
        loop {
            if let Some(i) = self.ended.iter().position(|(ended, _)| ended == tag) {
                let (_, result) = self.ended.swap_remove(i);
                return result.map_err(Failure::Refused);
            }
            match self.next(NETWORK_TIMEOUT, sink).await? {
                Heard::Ended(ended, result) => self.note_end(ended, result)?,
                Heard::Untagged => {}
                Heard::Continue(_) => return Err(self.wire.nonsense("a stray continuation").into()),
            }
        }
    }

    /// While a command such as IDLE is in flight: reads one response, waiting until `deadline` at most.
    /// `false` when there was none. Dropping the future loses nothing.
    ///
    /// # Errors
    /// Also when the command ended by itself.
    pub(crate) async fn listen(&mut self, deadline: Instant, sink: Sink<'_>) -> Result<bool, Failure> {
        let wait = deadline.saturating_duration_since(Instant::now());
        match self.next(wait, sink).await {
            Ok(Heard::Untagged | Heard::Continue(_)) => Ok(true),
            Ok(Heard::Ended(tag, result)) => {
                self.note_end(tag, result)?;
                Ok(true)
            }
            Err(error) if error.kind == ErrorKind::TimedOut => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a command in flight has ended already.
    pub(crate) fn has_ended(&self, tag: &Tag) -> bool {
        self.ended.iter().any(|(ended, _)| ended == tag)
    }

    /// Reads one response. What every command cares for is noted here, so that none gets lost in another's answer.
    async fn next(&mut self, wait: Duration, sink: Sink<'_>) -> Result<Heard, Error> {
        if let Err(error) = self.wire.advance(wait).await {
            // A BYE explains the end that follows it.
            return Err(match (self.bye.take(), error.kind) {
                (Some(bye), ErrorKind::Lost) => bye.into_error(&self.server, "go on"),
                _ => error,
            });
        }
        let heard = match parse(self.wire.response()) {
            Response::Continue(text) => Heard::Continue(text.to_vec()),
            Response::Tagged { tag, status } => {
                if let Some(words) = status.code_capabilities() {
                    self.announced.learn(&words);
                }
                let result = match status.outcome {
                    Outcome::Ok => Ok(()),
                    _ => Err(Refusal::of(&status)),
                };
                Heard::Ended(Tag(tag.to_owned()), result)
            }
            Response::Untagged(untagged) => {
                match &untagged {
                    Untagged::Exists(messages) => self.exists = Some(*messages),
                    Untagged::Expunge => self.expunged += 1,
                    Untagged::Capability(words) => self.announced.learn(words),
                    Untagged::Condition(condition) => {
                        if let Some(words) = condition.code_capabilities() {
                            self.announced.learn(&words);
                        }
                        if condition.outcome == Outcome::Bye {
                            self.bye = Some(Refusal::of(condition));
                        }
                    }
                    _ => {}
                }
                sink(untagged);
                Heard::Untagged
            }
            Response::Other => {
                tracing::debug!("skipped a response that is not understood");
                Heard::Untagged
            }
        };
        Ok(heard)
    }

    fn note_end(&mut self, tag: Tag, result: Result<(), Refusal>) -> Result<(), Failure> {
        if !self.in_flight.contains(&tag) {
            return match result {
                // Some servers answer BAD with a tag of their own to what they couldn't read.
                Err(refusal) => {
                    Err(Failure::Broken(refusal.into_error(&self.server, "understand a command")))
                }
                Ok(()) => Err(self.wire.nonsense("an answer to a command that was not sent").into()),
            };
        }
        self.forget(&tag);
        self.ended.push((tag, result));
        Ok(())
    }

    fn forget(&mut self, tag: &Tag) {
        self.in_flight.retain(|sent| sent != tag);
    }

    /// Says LOGOUT, waits a second at most, and closes.
    pub(crate) async fn log_out(mut self) {
        let good_bye = async {
            if let Ok(tag) = self.send(&Command::new("LOGOUT")).await {
                let _ = self.complete(&tag, &mut |_| {}).await;
            }
            self.wire.shut_down().await;
        };
        let _ = tokio::time::timeout(Duration::from_secs(1), good_bye).await;
    }
}

/// What the server said that it can do.
#[derive(Default)]
struct Announced {
    capabilities: Option<Capabilities>,
    /// Announced at any time: this doesn't change with signing in.
    literals_at_once: bool,
}

impl Announced {
    fn learn(&mut self, words: &[&str]) {
        let capabilities = Capabilities::new(words);
        self.literals_at_once |= capabilities.sends_literals_at_once();
        self.capabilities = Some(capabilities);
    }
}

/// One response, as far as the command layer cares.
enum Heard {
    Continue(Vec<u8>),
    Ended(Tag, Result<(), Refusal>),
    Untagged,
}
