//! Cuts the byte stream into responses: lines with their literals.
//!
//! Cutting is apart from understanding, so that a response which makes no sense is skipped and the next one is read.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use memchr::memchr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::syntax::literal_length;
use crate::net::deflate::deflated;
use crate::net::{NETWORK_TIMEOUT, Stream};
use crate::{Error, ErrorKind};

/// A literal that nobody asked for is cut to this length.
pub(crate) const LITERAL_LIMIT: usize = 64 * 1024;

/// Longer than `* SEARCH` with a million UIDs.
const LINE_LIMIT: usize = 16 * 1024 * 1024;

/// No mail is as big as that; whoever announces it is out of step.
const ABSURD_LITERAL: u64 = 1 << 30;

const CHUNK: usize = 64 * 1024;

/// A connection that gives whole responses.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    server: Arc<str>,
    /// What came; responses that were handed out stay in it until more is read, since moving the rest forward for each
    /// would cost more than understanding it.
    buffer: Vec<u8>,
    /// The response handed out last.
    current: Range<usize>,
    /// Where the next one begins.
    start: usize,
    /// Where the line begins that is being looked at.
    line: usize,
    /// No line end stands before this.
    scanned: usize,
    /// Bytes of an oversize literal yet to be dropped at `line`.
    dropping: u64,
    /// Literals are cut to this length.
    pub(crate) literal_limit: usize,
    compressed: bool,
    /// Bytes that came.
    received: u64,
    /// How long they were waited for.
    waited: Duration,
}

impl Wire {
    pub(crate) fn new(stream: Box<dyn Stream>, server: Arc<str>) -> Self {
        Self {
            stream,
            server,
            buffer: Vec::with_capacity(CHUNK),
            current: 0..0,
            start: 0,
            line: 0,
            scanned: 0,
            dropping: 0,
            literal_limit: LITERAL_LIMIT,
            compressed: false,
            received: 0,
            waited: Duration::ZERO,
        }
    }

    /// Gives the stream back, to be wrapped in TLS. Whatever arrived after the last response was
    /// not secured, and could have been put in by anybody: it ends the connection (CVE-2011-0411 and its kin).
    pub(crate) fn into_stream(self) -> Result<Box<dyn Stream>, Error> {
        if self.buffer.len() > self.start {
            let detail = format!("{} sent data before the secure connection began", self.server);
            return Err(Error::new(ErrorKind::Protocol, detail));
        }
        Ok(self.stream)
    }

    /// Goes on compressed from the next byte on, in both directions (RFC 4978 §3). Nothing may be under way.
    pub(crate) fn compress(&mut self) {
        let came = self.buffer.split_off(self.start.min(self.buffer.len()));
        self.buffer.clear();
        (self.current, self.start, self.line, self.scanned) = (0..0, 0, 0, 0);
        let plain = std::mem::replace(&mut self.stream, Box::new(tokio::io::empty()));
        self.stream = deflated(plain, came);
        self.compressed = true;
    }

    /// How many bytes came so far, and how long they were waited for.
    pub(crate) fn pace(&self) -> (u64, Duration) {
        (self.received, self.waited)
    }

    /// The response that [`Self::advance`] found last.
    pub(crate) fn response(&self) -> &[u8] {
        self.buffer.get(self.current.clone()).unwrap_or_default()
    }

    /// Waits for the next response. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] when no byte came in time, [`ErrorKind::Lost`] at the stream's end: also between two
    /// responses, since the client never asks for one that isn't due (chatmail/core#5009).
    pub(crate) async fn advance(&mut self, wait: Duration) -> Result<(), Error> {
        self.current = 0..0;
        while !self.cut()? {
            self.fill(wait).await?;
        }
        Ok(())
    }

    /// Whether the buffer holds a whole response, which is `current` then.
    fn cut(&mut self) -> Result<bool, Error> {
        loop {
            if self.dropping > 0 {
                let Some(here) = self.buffer.len().checked_sub(self.line) else { return Ok(false) };
                let drop = usize::try_from(self.dropping).unwrap_or(usize::MAX).min(here);
                self.buffer.drain(self.line..self.line + drop);
                self.dropping -= drop as u64;
                self.scanned = self.line;
                if self.dropping > 0 {
                    return Ok(false);
                }
            }
            // Within a literal `scanned` lies beyond the buffer.
            let Some(unseen) = self.buffer.get(self.scanned..) else { return Ok(false) };
            let Some(offset) = memchr(b'\n', unseen) else {
                self.scanned = self.buffer.len();
                if self.scanned - self.line > LINE_LIMIT {
                    return Err(self.nonsense("an endless line"));
                }
                return Ok(false);
            };
            let end = self.scanned + offset + 1;
            let line = self.buffer.get(self.line..end).unwrap_or_default();
            match literal_length(line) {
                Some(length) if self.may_hold_literals() => self.begin_literal(end, length)?,
                _ => {
                    self.current = self.start..end;
                    (self.start, self.line, self.scanned) = (end, end, end);
                    return Ok(true);
                }
            }
        }
    }

    fn begin_literal(&mut self, start: usize, length: u64) -> Result<(), Error> {
        if length > ABSURD_LITERAL {
            return Err(self.nonsense("a literal of absurd size"));
        }
        let limit = self.literal_limit as u64;
        let kept = length.min(limit);
        if length > limit {
            // The announcement must fit what is kept, or nobody could read the response.
            let line = self.buffer.get_mut(self.line..start).unwrap_or_default();
            let digits_end = line.iter().rposition(u8::is_ascii_digit).map_or(0, |i| i + 1);
            let mut rest = kept;
            for digit in line.get_mut(..digits_end).unwrap_or_default().iter_mut().rev() {
                if !digit.is_ascii_digit() {
                    break;
                }
                *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
                rest /= 10;
            }
        }
        self.line = start + usize::try_from(kept).unwrap_or(usize::MAX);
        self.scanned = self.line;
        self.dropping = length - kept;
        Ok(())
    }

    /// Text for people may end in braces; it never announces a literal.
    fn may_hold_literals(&self) -> bool {
        let response = self.buffer.get(self.start..).unwrap_or_default();
        let Some(rest) = response.strip_prefix(b"* ") else { return false };
        !["OK", "NO", "BAD", "BYE", "PREAUTH"].iter().any(|word| {
            rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
                && rest.get(word.len()) == Some(&b' ')
        })
    }

    /// Forgets what was handed out.
    fn discard(&mut self) {
        let done = std::mem::replace(&mut self.start, 0);
        if done == 0 {
            return;
        }
        self.buffer.drain(..done);
        self.line -= done;
        self.scanned -= done;
        if self.buffer.is_empty() {
            // A long SEARCH must not stay in memory.
            self.buffer.shrink_to(4 * CHUNK);
        }
    }

    async fn fill(&mut self, wait: Duration) -> Result<(), Error> {
        self.discard();
        self.buffer.reserve(CHUNK / 2);
        let began = Instant::now();
        let read = timeout(wait, self.stream.read_buf(&mut self.buffer)).await;
        self.waited += began.elapsed();
        match read {
            Err(_) => Err(Error::new(ErrorKind::TimedOut, format!("{} stopped answering", self.server))),
            Ok(Ok(0)) => Err(self.lost()),
            Ok(Ok(bytes)) => {
                self.received += bytes as u64;
                Ok(())
            }
            Ok(Err(error)) => Err(self.broken(&error)),
        }
    }

    /// Sends bytes.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let sent = timeout(NETWORK_TIMEOUT, async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        });
        match sent.await {
            Err(_) => Err(Error::new(ErrorKind::TimedOut, format!("{} takes no more data", self.server))),
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.broken(&error)),
        }
    }

    /// Ends the connection in order, as far as that goes.
    pub(crate) async fn shut_down(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    fn broken(&self, error: &std::io::Error) -> Error {
        use std::io::ErrorKind as Io;
        match error.kind() {
            Io::TimedOut => Error::new(ErrorKind::TimedOut, format!("{} stopped answering", self.server)),
            Io::NetworkDown | Io::NetworkUnreachable | Io::HostUnreachable => {
                Error::new(ErrorKind::NoNetwork, "there is no network connection".to_owned())
            }
            // Said of what can't be unpacked, and of nothing that happens to a socket.
            Io::Other if self.compressed => self.nonsense("its compression is broken"),
            _ => self.lost(),
        }
    }

    fn lost(&self) -> Error {
        Error::new(ErrorKind::Lost, format!("the connection to {} was lost", self.server))
    }

    pub(crate) fn nonsense(&self, what: &str) -> Error {
        Error::new(ErrorKind::Protocol, format!("{} does not speak proper IMAP: {what}", self.server))
    }
}
