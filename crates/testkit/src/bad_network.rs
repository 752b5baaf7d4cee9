//! A bad network between a mail program and its server: a proxy on loopback that does to each connection what a test
//! says, byte for byte.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Something that happens to one connection. Offsets count the bytes that the server sends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Both sides are cut off after so many bytes.
    CutAfter(u64),
    /// Nothing is passed on for a while after so many bytes.
    Stall {
        /// Where.
        after: u64,
        /// For how long.
        time: Duration,
    },
    /// What the server sends comes at so many bytes a second.
    Slow(u32),
    /// One byte is another. Under TLS both ends notice.
    Flip(u64),
    /// The server never gets the `nth` (from 0) command of that name, such as `UID FETCH`; the proxy answers it. `{tag}` stands
    /// for the command's tag. What says `* BYE` ends the connection. Needs a connection without TLS.
    Answer {
        /// The command's name in upper case, with its UID.
        command: &'static str,
        /// Which one on this connection.
        nth: u32,
        /// The answer.
        with: &'static str,
    },
    /// Each whole line of an answer that begins so is sent twice, unless it announces a literal. Needs a connection
    /// without TLS.
    Twice(&'static str),
}

/// Says what happens to a connection, counted from 0.
type Plan = Box<dyn FnMut(u64) -> Vec<Trouble> + Send>;

/// A running proxy. Its connections end when it is dropped.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    target: u16,
    plan: Mutex<Plan>,
    connections: AtomicU64,
    /// Bytes that the server sent over all connections.
    passed: AtomicU64,
    /// Counts up when every open connection is to be cut.
    cuts: watch::Sender<u64>,
}

impl Proxy {
    /// Starts one before a loopback port. Nothing happens to a connection until [`Self::plan`] says so.
    ///
    /// # Errors
    /// When it can't listen.
    pub async fn start(target: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("Listening on loopback")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            target,
            plan: Mutex::new(Box::new(|_| Vec::new())),
            connections: AtomicU64::new(0),
            passed: AtomicU64::new(0),
            cuts: watch::Sender::new(0),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { port, shared, task })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on, `plan` says what happens to each new connection, counted from 0.
    pub fn plan(&self, plan: impl FnMut(u64) -> Vec<Trouble> + Send + 'static) {
        *self.shared.plan.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(plan);
    }

    /// Cuts every open connection.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// How many connections there have been.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// How many bytes servers have sent through it.
    pub fn passed(&self) -> u64 {
        self.shared.passed.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        let number = shared.connections.fetch_add(1, Ordering::Relaxed);
        let troubles = (shared.plan.lock().unwrap_or_else(PoisonError::into_inner))(number);
        let shared = Arc::clone(&shared);
        let mut cut = shared.cuts.subscribe();
        connections.spawn(async move {
            tokio::select! {
                ended = carry(client, &shared, troubles) => {
                    tracing::trace!("A connection through the proxy ended: {ended:?}.");
                }
                _ = cut.changed() => {}
            }
        });
    }
}

/// Passes one connection on until either side, or a trouble, ends it.
async fn carry(client: TcpStream, shared: &Shared, troubles: Vec<Trouble>) -> Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, shared.target)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let to_client = Arc::new(tokio::sync::Mutex::new(to_client));
    let says_lines = troubles.iter().any(|trouble| matches!(trouble, Trouble::Twice(_)));
    let down = async {
        if says_lines {
            pass_lines(from_server, &to_client, &troubles, shared).await
        } else {
            pass_bytes(from_server, &to_client, &troubles, shared).await
        }
    };
    // Dropping the other half closes both sides at once.
    tokio::select! {
        ended = pass_commands(from_client, to_server, &to_client, &troubles) => ended,
        ended = down => ended,
    }
}

type ToClient = tokio::sync::Mutex<OwnedWriteHalf>;

/// The server's bytes, with what happens at their offsets.
async fn pass_bytes(
    mut from: OwnedReadHalf,
    to: &ToClient,
    troubles: &[Trouble],
    shared: &Shared,
) -> Result<()> {
    let mut offset = 0;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        let mut chunk = buffer.get_mut(..read).unwrap_or_default();
        if chunk.is_empty() {
            return Ok(());
        }
        while !chunk.is_empty() {
            for trouble in troubles {
                match trouble {
                    Trouble::CutAfter(at) if *at <= offset => return Ok(()),
                    Trouble::Stall { after, time } if *after == offset => tokio::time::sleep(*time).await,
                    _ => {}
                }
            }
            let next = troubles.iter().filter_map(|trouble| match trouble {
                Trouble::CutAfter(at) | Trouble::Stall { after: at, .. } => Some(*at),
                _ => None,
            });
            let next = next.filter(|at| *at > offset).min().unwrap_or(u64::MAX);
            let length = usize::try_from(next - offset).unwrap_or(usize::MAX).min(chunk.len());
            let (now, later) = chunk.split_at_mut(length);
            for trouble in troubles {
                if let Trouble::Flip(at) = trouble
                    && let Some(byte) =
                        at.checked_sub(offset).and_then(|i| now.get_mut(usize::try_from(i).ok()?))
                {
                    *byte ^= 0x20;
                }
            }
            to.lock().await.write_all(now).await?;
            for trouble in troubles {
                if let Trouble::Slow(bytes_a_second) = trouble {
                    tokio::time::sleep(Duration::from_secs(length as u64) / *bytes_a_second).await;
                }
            }
            offset += length as u64;
            shared.passed.fetch_add(length as u64, Ordering::Relaxed);
            chunk = later;
        }
        if troubles.iter().any(|trouble| matches!(trouble, Trouble::CutAfter(at) if *at <= offset)) {
            return Ok(());
        }
    }
}

/// The server's lines, some of them twice.
async fn pass_lines(from: OwnedReadHalf, to: &ToClient, troubles: &[Trouble], shared: &Shared) -> Result<()> {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).await? > 0 {
        let doubled = troubles
            .iter()
            .any(|trouble| matches!(trouble, Trouble::Twice(start) if line.starts_with(start.as_bytes())));
        let times = if doubled && !line.ends_with(b"}\r\n") { 2 } else { 1 };
        to.lock().await.write_all(&line.repeat(times)).await?;
        shared.passed.fetch_add(line.len() as u64, Ordering::Relaxed);
        line.clear();
    }
    Ok(())
}

/// The client's commands, some of which the proxy answers.
async fn pass_commands(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    to_client: &ToClient,
    troubles: &[Trouble],
) -> Result<()> {
    if !troubles.iter().any(|trouble| matches!(trouble, Trouble::Answer { .. })) {
        tokio::io::copy(&mut from, &mut to).await?;
        return Ok(());
    }
    let mut from = BufReader::new(from);
    let mut counts = vec![0; troubles.len()];
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).await? > 0 {
        let text = String::from_utf8_lossy(&line).into_owned();
        let (tag, command) = text.split_once(' ').unwrap_or_default();
        let mut answered = None;
        for (count, trouble) in counts.iter_mut().zip(troubles) {
            let Trouble::Answer { command: name, nth, with } = trouble else { continue };
            let is_it = command.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '\r']));
            if is_it && *count == *nth {
                answered = Some(with.replace("{tag}", tag));
            }
            *count += u32::from(is_it);
        }
        match answered {
            Some(answer) => {
                to_client.lock().await.write_all(answer.as_bytes()).await?;
                if answer.starts_with("* BYE") {
                    return Ok(());
                }
            }
            None => to.write_all(&line).await?,
        }
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imap::ImapServer;

    async fn talk(port: u16, commands: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        stream.write_all(commands.as_bytes()).await.unwrap();
        let mut said = Vec::new();
        // A cut may be a reset as well.
        let _read = stream.read_to_end(&mut said).await;
        String::from_utf8(said).unwrap()
    }

    #[tokio::test]
    async fn each_connection_has_its_own_trouble() {
        let server = ImapServer::start().await.unwrap();
        let proxy = Proxy::start(server.port()).await.unwrap();
        let commands = "a NOOP\r\nb CAPABILITY\r\nc LOGOUT\r\n";
        let whole = talk(proxy.port(), commands).await;
        assert!(
            whole.starts_with("* OK") && whole.contains("\r\na OK") && whole.contains("\r\nc OK"),
            "{whole}"
        );
        proxy.plan(|connection| match connection {
            1 => vec![Trouble::CutAfter(7)],
            2 => vec![Trouble::Flip(2)],
            3 => vec![Trouble::Answer { command: "CAPABILITY", nth: 0, with: "{tag} NO not now\r\n" }],
            4 => vec![Trouble::Answer { command: "NOOP", nth: 0, with: "* BYE enough\r\n" }],
            5 => vec![Trouble::Twice("* CAPABILITY")],
            6 => vec![Trouble::Stall { after: 3, time: Duration::from_millis(5) }],
            _ => vec![],
        });
        assert_eq!(talk(proxy.port(), commands).await, whole.get(..7).unwrap_or_default());
        assert!(talk(proxy.port(), commands).await.starts_with("* oK"));
        let refused = talk(proxy.port(), commands).await;
        assert!(refused.contains("b NO not now\r\n") && !refused.contains("* CAPABILITY"), "{refused}");
        assert!(talk(proxy.port(), commands).await.ends_with("* BYE enough\r\n"));
        assert_eq!(talk(proxy.port(), commands).await.matches("* CAPABILITY").count(), 2);
        assert_eq!(talk(proxy.port(), commands).await, whole);
        assert_eq!(proxy.connections(), 7);
        assert!(proxy.passed() > 2 * whole.len() as u64);
    }
}
