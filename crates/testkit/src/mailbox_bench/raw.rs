//! A client that does nothing but read from a socket: what the server itself needs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use answerback_reply::message::{Field, TRIAGE_FIELDS};
use anyhow::{Context as _, Result, bail};

const BUFFER: usize = 256 * 1024;

/// A signed-in connection with the INBOX open for reading.
pub struct RawClient {
    stream: BufReader<TcpStream>,
}

impl RawClient {
    /// Signs in on a loopback port without TLS and opens the INBOX.
    pub fn open(port: u16, user: &str, password: &str) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("Connecting to Dovecot")?;
        stream.set_nodelay(true)?;
        let mut client = Self { stream: BufReader::with_capacity(BUFFER, stream) };
        client.line()?;
        client.command(&format!("LOGIN \"{user}\" \"{password}\""))?;
        client.command("EXAMINE INBOX")?;
        Ok(client)
    }

    /// Reads what the agent asks of each message in a first scan, in one command, and drops it. Gives the bytes that came.
    pub fn drain(&mut self) -> Result<u64> {
        let fields = TRIAGE_FIELDS.iter().copied().map(Field::name).collect::<Vec<_>>().join(" ");
        self.send(&format!(
            "UID FETCH 1:* (UID INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS ({fields})])"
        ))?;
        let mut bytes = 0;
        let mut end = Vec::new();
        loop {
            let chunk = self.stream.fill_buf()?;
            let length = chunk.len();
            if length == 0 {
                bail!("Dovecot has closed the connection");
            }
            bytes += length as u64;
            // The tagged answer is the last line, and nothing is under way after it.
            end.extend_from_slice(chunk.get(length.saturating_sub(200)..).unwrap_or_default());
            self.stream.consume(length);
            end.drain(..end.len().saturating_sub(200));
            let last = end.strip_suffix(b"\r\n").and_then(|rest| rest.rsplit(|byte| *byte == b'\n').next());
            if let Some(answer) = last.and_then(|line| line.strip_prefix(b"a ")) {
                if !answer.starts_with(b"OK") {
                    bail!("Dovecot refuses: {}", String::from_utf8_lossy(answer));
                }
                return Ok(bytes);
            }
        }
    }

    /// Begins IDLE.
    pub fn idle(&mut self) -> Result<()> {
        self.send("IDLE")?;
        while !self.line()?.starts_with("+") {}
        Ok(())
    }

    /// Waits within IDLE until new mail is reported, and says when that was.
    pub fn exists(&mut self, limit: Duration) -> Result<Instant> {
        self.stream.get_ref().set_read_timeout(Some(limit))?;
        while !self.line().context("No mail was reported")?.trim_end().ends_with(" EXISTS") {}
        Ok(Instant::now())
    }

    fn command(&mut self, command: &str) -> Result<()> {
        self.send(command)?;
        loop {
            let line = self.line()?;
            match line.strip_prefix("a ") {
                Some(answer) if answer.starts_with("OK") => return Ok(()),
                Some(answer) => bail!("Dovecot refuses: {answer}"),
                None => {}
            }
        }
    }

    fn send(&mut self, command: &str) -> Result<()> {
        Ok(self.stream.get_mut().write_all(format!("a {command}\r\n").as_bytes())?)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        if self.stream.by_ref().take(BUFFER as u64).read_until(b'\n', &mut line)? == 0 {
            bail!("Dovecot has closed the connection");
        }
        Ok(String::from_utf8_lossy(&line).into_owned())
    }
}
