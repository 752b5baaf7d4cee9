//! Hands a message to a mail server the way that a mail transfer agent does (RFC 2033).

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Delivers `raw` to `recipient` through the LMTP server on this loopback port; `None` as sender is the null sender of
/// bounces.
///
/// # Errors
/// When the server can't be reached or refuses the sender, the recipient or the message.
pub async fn deliver(port: u16, sender: Option<&str>, recipient: &str, raw: &[u8]) -> Result<()> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.context("Connecting to the LMTP server")?;
    let mut stream = BufReader::new(stream);
    expect(&mut stream, "220").await?;
    for (command, status) in [
        ("LHLO mx.sales.example".to_owned(), "250"),
        (format!("MAIL FROM:<{}>", sender.unwrap_or_default()), "250"),
        (format!("RCPT TO:<{recipient}>"), "250"),
        ("DATA".to_owned(), "354"),
    ] {
        stream.write_all(format!("{command}\r\n").as_bytes()).await?;
        expect(&mut stream, status).await.with_context(|| format!("After {command}"))?;
    }
    stream.write_all(&stuffed(raw)).await?;
    expect(&mut stream, "250").await.context("After the message")?;
    stream.write_all(b"QUIT\r\n").await?;
    expect(&mut stream, "221").await
}

/// The message with its dots doubled and its end marked (RFC 5321 §4.5.2).
fn stuffed(raw: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(raw.len() + 16);
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            data.push(b'.');
        }
        data.extend_from_slice(line);
    }
    if !data.ends_with(b"\r\n") {
        data.extend_from_slice(b"\r\n");
    }
    data.extend_from_slice(b".\r\n");
    data
}

/// Reads one answer, which may have several lines (`250-`).
async fn expect(stream: &mut BufReader<TcpStream>, status: &str) -> Result<()> {
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        if !line.starts_with(status) {
            bail!("The LMTP server said {line:?} instead of {status}");
        }
        if line.as_bytes().get(status.len()) != Some(&b'-') {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_at_the_beginning_of_a_line_are_doubled() {
        assert_eq!(stuffed(b"a\r\n.\r\n..b\r\n"), b"a\r\n..\r\n...b\r\n.\r\n");
        assert_eq!(stuffed(b"no end"), b"no end\r\n.\r\n");
    }
}
