//! Another mail program on the same mailbox: what the rep's phone does, and what a test looks at from outside.
//!
//! It speaks plain IMAP to a loopback port and knows no more of it than the tests need.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::imap::folder_name;
use crate::snapshot::{FolderSnapshot, Snapshot};

/// A signed-in connection.
#[derive(Debug)]
pub struct MailClient {
    stream: BufReader<TcpStream>,
}

impl MailClient {
    /// Signs in on a loopback port without TLS.
    ///
    /// # Errors
    /// When the server can't be reached or refuses.
    pub async fn sign_in(port: u16, user: &str, password: &str) -> Result<Self> {
        let stream =
            TcpStream::connect(("127.0.0.1", port)).await.context("Connecting to the mail server")?;
        stream.set_nodelay(true)?;
        let mut client = Self { stream: BufReader::new(stream) };
        client.line().await?;
        client.command(&format!("LOGIN {} {}", quoted(user), quoted(password))).await?;
        // NetEase opens no folder for a program that has no name; others may not know the command.
        let _answer = client.command("ID (\"name\" \"phone\")").await;
        Ok(client)
    }

    /// Puts a message into `folder` (created where missing) with flags such as `\Seen`, received at `received_at`.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn append(
        &mut self,
        folder: &str,
        raw: &[u8],
        flags: &[&str],
        received_at: Timestamp,
    ) -> Result<()> {
        let date = received_at.to_zoned(TimeZone::UTC).strftime("%d-%b-%Y %H:%M:%S +0000");
        let (size, flags) = (raw.len(), flags.join(" "));
        let start = format!("APPEND {} ({flags}) \"{date}\" {{{size}}}\r\n", name(folder));
        for attempt in 0..2 {
            self.stream.write_all(format!("a {start}").as_bytes()).await?;
            let mut line = self.line().await?;
            while line.starts_with(b"* ") {
                line = self.line().await?;
            }
            if line.starts_with(b"+") {
                self.stream.write_all(&[raw, b"\r\n"].concat()).await?;
                match self.answer().await {
                    Ok(_) => return Ok(()),
                    Err(error) if attempt > 0 => return Err(error),
                    Err(_) => {}
                }
            }
            self.create(folder).await?;
        }
        bail!("The mail server takes no message for {folder}")
    }

    /// Creates a folder.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn create(&mut self, folder: &str) -> Result<()> {
        self.command(&format!("CREATE {}", name(folder))).await.map(drop)
    }

    /// Deletes a folder with all that is in it.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn delete(&mut self, folder: &str) -> Result<()> {
        self.command(&format!("DELETE {}", name(folder))).await.map(drop)
    }

    /// Removes the messages of a sequence set (`1`, `1:*`) for good.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn expunge(&mut self, folder: &str, messages: &str) -> Result<()> {
        self.command(&format!("SELECT {}", name(folder))).await?;
        self.command(&format!("STORE {messages} +FLAGS (\\Deleted)")).await?;
        self.command("EXPUNGE").await?;
        self.close().await
    }

    /// Moves the messages of a sequence set to another folder.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn move_messages(&mut self, from: &str, messages: &str, to: &str) -> Result<()> {
        self.command(&format!("SELECT {}", name(from))).await?;
        self.command(&format!("COPY {messages} {}", name(to))).await?;
        self.command(&format!("STORE {messages} +FLAGS (\\Deleted)")).await?;
        self.command("EXPUNGE").await?;
        self.close().await
    }

    /// Every folder with its UIDs and flags, as another program sees it.
    ///
    /// # Errors
    /// When the server refuses, or says what can't be read.
    pub async fn snapshot(&mut self) -> Result<Snapshot> {
        let mut folders = BTreeMap::new();
        for listed in self.command("LIST \"\" \"*\"").await? {
            let listed = String::from_utf8(listed)?;
            if listed.contains("\\Noselect") {
                continue;
            }
            let Some(wire) = listed.strip_prefix("* LIST ").and_then(last_word) else { continue };
            let opened = match self.command(&format!("EXAMINE \"{wire}\"")).await {
                Ok(opened) => opened,
                // iCloud lists folders of other programs that can't be opened.
                Err(_) => continue,
            };
            let opened = String::from_utf8(opened.join(&b'\n'))?;
            let uid_validity = between(&opened, "[UIDVALIDITY ", "]").and_then(|n| n.parse().ok());
            let mut folder = FolderSnapshot {
                uid_validity: uid_validity.context("A folder without UIDVALIDITY")?,
                ..FolderSnapshot::default()
            };
            for row in self.command("UID FETCH 1:* (FLAGS)").await? {
                let row = String::from_utf8(row)?;
                let Some(flags) = between(&row, "FLAGS (", ")") else { continue };
                let uid = between(&row, "UID ", ")").and_then(|text| text.split(' ').next()?.parse().ok());
                let flags = flags.split_ascii_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
                folder.messages.insert(uid.context("A message without UID")?, flags);
            }
            folders.insert(folder_name::decode(wire).unwrap_or_else(|| wire.to_owned()), folder);
        }
        self.close().await?;
        Ok(Snapshot { folders })
    }

    /// Opens nothing any more: Courier takes no message into a folder that is open for reading only.
    async fn close(&mut self) -> Result<()> {
        self.command("CLOSE").await.map(drop)
    }

    /// Sends a command and gives the untagged lines of its answer.
    async fn command(&mut self, command: &str) -> Result<Vec<Vec<u8>>> {
        self.stream.write_all(format!("a {command}\r\n").as_bytes()).await?;
        self.answer().await.with_context(|| {
            format!("The mail server refuses {}", command.split(' ').next().unwrap_or_default())
        })
    }

    async fn answer(&mut self) -> Result<Vec<Vec<u8>>> {
        let mut untagged = Vec::new();
        loop {
            let line = self.line().await?;
            match line.strip_prefix(b"a ") {
                Some(answer) if answer.starts_with(b"OK") => return Ok(untagged),
                Some(answer) => bail!("{}", String::from_utf8_lossy(answer)),
                None => untagged.push(line),
            }
        }
    }

    /// A line with its literals, without its end.
    async fn line(&mut self) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            if self.stream.read_until(b'\n', &mut line).await? == 0 {
                bail!("The mail server has closed the connection");
            }
            line.truncate(line.trim_ascii_end().len());
            let literal = line.strip_suffix(b"}").and_then(|rest| {
                let digits = rest.get(rest.iter().rposition(|byte| *byte == b'{')? + 1..)?;
                std::str::from_utf8(digits).ok()?.parse::<usize>().ok()
            });
            let Some(size) = literal else { return Ok(line) };
            let mut bytes = vec![0; size];
            self.stream.read_exact(&mut bytes).await?;
            line.extend(bytes);
        }
    }
}

/// A folder's name as a command wants it.
fn name(folder: &str) -> String {
    quoted(&folder_name::encode(folder))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The folder's name at the end of a LIST response, quoted or not.
fn last_word(listed: &str) -> Option<&str> {
    match listed.strip_suffix('"') {
        Some(rest) => rest.rsplit_once('"').map(|(_, name)| name),
        None => listed.rsplit_once(' ').map(|(_, name)| name),
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(inner, _)| inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imap::ImapServer;

    #[tokio::test]
    async fn what_the_phone_does_is_what_the_server_has() {
        let server = ImapServer::start().await.unwrap();
        let account = server.add_account("rep@sales.example", "a \"b\" \\c");
        let mut phone = MailClient::sign_in(server.port(), account.user(), "a \"b\" \\c").await.unwrap();
        let raw = b"Subject: x\r\n\r\n{3}\r\n";
        for folder in ["INBOX", "Kunden/Zürich"] {
            phone.append(folder, raw, &["\\Seen"], "2026-11-20T09:12:00Z".parse().unwrap()).await.unwrap();
        }
        assert_eq!(phone.snapshot().await.unwrap(), account.snapshot());
        phone.expunge("INBOX", "1:*").await.unwrap();
        phone.move_messages("Kunden/Zürich", "1", "INBOX").await.unwrap();
        phone.delete("Kunden/Zürich").await.unwrap();
        let seen = phone.snapshot().await.unwrap();
        assert_eq!(seen, account.snapshot());
        assert_eq!((seen.count(), seen.folders.contains_key("Kunden/Zürich")), (1, false));
        assert!(MailClient::sign_in(server.port(), account.user(), "other").await.is_err());
    }
}
