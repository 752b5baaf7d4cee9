//! Bytes in and out of one connection.

use anyhow::{Result, bail};
use async_compression::tokio::bufread::DeflateDecoder;
use async_compression::tokio::write::DeflateEncoder;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, join, split};

/// Larger literals are refused.
const MAX_LITERAL: usize = 64 * 1024 * 1024;

/// A plain or a TLS connection.
pub(super) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// A connection that is read command by command. Reading is safe to cancel: what has come is kept.
pub(super) struct Wire {
    stream: BufReader<Box<dyn Connection>>,
    partial: Vec<u8>,
    literal: usize,
}

impl Wire {
    pub(super) fn new(connection: Box<dyn Connection>) -> Self {
        Self { stream: BufReader::new(connection), partial: Vec::new(), literal: 0 }
    }

    /// The raw connection, for STARTTLS and COMPRESS. What the client sent ahead of them is thrown away.
    pub(super) fn into_inner(self) -> Box<dyn Connection> {
        self.stream.into_inner()
    }

    /// Compressed from here on.
    pub(super) fn deflated(self) -> Self {
        let (from_client, to_client) = split(self.into_inner());
        let from_client = DeflateDecoder::new(BufReader::new(from_client));
        Self::new(Box::new(join(from_client, DeflateEncoder::new(to_client))))
    }

    /// A whole command with its literals and its line end; `None` when the client has closed.
    pub(super) async fn command(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            if !self.fill_literal().await? || !self.fill_line().await? {
                return Ok(None);
            }
            match announced_literal(&self.partial) {
                Some((size, _)) if size > MAX_LITERAL => bail!("A literal of {size} bytes"),
                Some((size, wait)) => {
                    self.literal = size;
                    if wait {
                        self.send(b"+ OK\r\n").await?;
                    }
                }
                None => return Ok(Some(std::mem::take(&mut self.partial))),
            }
        }
    }

    /// One line without its end; `None` when the client has closed.
    pub(super) async fn line(&mut self) -> Result<Option<Vec<u8>>> {
        if !self.fill_line().await? {
            return Ok(None);
        }
        let line = std::mem::take(&mut self.partial);
        Ok(Some(line.trim_ascii_end().to_vec()))
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await?;
        Ok(())
    }

    pub(super) async fn close(&mut self) -> Result<()> {
        self.stream.shutdown().await?;
        Ok(())
    }

    async fn fill_literal(&mut self) -> Result<bool> {
        while self.literal > 0 {
            let available = self.stream.fill_buf().await?;
            if available.is_empty() {
                return Ok(false);
            }
            let chunk = available.get(..self.literal).unwrap_or(available);
            let length = chunk.len();
            self.partial.extend_from_slice(chunk);
            self.stream.consume(length);
            self.literal -= length;
        }
        Ok(true)
    }

    async fn fill_line(&mut self) -> Result<bool> {
        self.stream.read_until(b'\n', &mut self.partial).await?;
        Ok(self.partial.ends_with(b"\n"))
    }
}

/// The size of the literal that a line ends with, and whether the client waits to be asked for it.
fn announced_literal(line: &[u8]) -> Option<(usize, bool)> {
    let line = line.strip_suffix(b"\r\n")?.strip_suffix(b"}")?;
    let digits = line.get(line.iter().rposition(|byte| *byte == b'{')? + 1..)?;
    let (digits, wait) = match digits.strip_suffix(b"+").or(digits.strip_suffix(b"-")) {
        Some(digits) => (digits, false),
        None => (digits, true),
    };
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_announced_at_the_end_of_a_line() {
        for (line, literal) in [
            ("a LOGIN {3}\r\n", Some((3, true))),
            ("a LOGIN {3+}\r\n", Some((3, false))),
            ("a NOOP\r\n", None),
            ("a LOGIN {x}\r\n", None),
            ("a LOGIN 3}\r\n", None),
        ] {
            assert_eq!(announced_literal(line.as_bytes()), literal, "{line:?}");
        }
    }

    #[tokio::test]
    async fn a_command_is_read_with_its_literals_however_the_bytes_come() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut wire = Wire::new(Box::new(server));
        let writer = tokio::spawn(async move {
            for byte in b"a LOGIN {3}\r\nrep {6+}\r\nsecret\r\n" {
                client.write_all(&[*byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
            client
        });
        let command = wire.command().await.unwrap().unwrap();
        assert_eq!(command, b"a LOGIN {3}\r\nrep {6+}\r\nsecret\r\n");
        drop(writer.await.unwrap());
        assert_eq!(wire.command().await.unwrap(), None);
    }
}
