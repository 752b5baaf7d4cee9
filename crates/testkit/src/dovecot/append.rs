//! APPEND, for messages with a date and flags of their own; doveadm can't set them.

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::Dovecot;

impl Dovecot {
    /// Puts a message into `folder` (created where missing) with flags such as `\Seen`, received at `received_at`.
    ///
    /// # Errors
    /// When Dovecot refuses.
    pub async fn append(
        &self,
        user: &str,
        folder: &str,
        raw: &[u8],
        flags: &[&str],
        received_at: Timestamp,
    ) -> Result<()> {
        let stream = TcpStream::connect(("127.0.0.1", self.port())).await.context("Connecting to Dovecot")?;
        let mut stream = BufReader::new(stream);
        stream.read_line(&mut String::new()).await?;
        let date = received_at.to_zoned(TimeZone::UTC).strftime("%d-%b-%Y %H:%M:%S +0000");
        let (size, flags) = (raw.len(), flags.join(" "));
        command(&mut stream, format!("a LOGIN \"{user}\" \"{}\"\r\n", self.password()).as_bytes()).await?;
        if folder != "INBOX" {
            // Already there is fine.
            let _answer = command(&mut stream, format!("a CREATE \"{folder}\"\r\n").as_bytes()).await;
        }
        let start = format!("a APPEND \"{folder}\" ({flags}) \"{date}\" {{{size}+}}\r\n");
        command(&mut stream, &[start.as_bytes(), raw, b"\r\n"].concat()).await?;
        command(&mut stream, b"a LOGOUT\r\n").await
    }
}

async fn command(stream: &mut BufReader<TcpStream>, bytes: &[u8]) -> Result<()> {
    stream.write_all(bytes).await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            bail!("Dovecot closed the connection");
        }
        match line.split_once(' ') {
            Some(("a", answer)) if answer.starts_with("OK") => return Ok(()),
            Some(("a", answer)) => bail!("Dovecot said {}", answer.trim()),
            _ => {}
        }
    }
}
