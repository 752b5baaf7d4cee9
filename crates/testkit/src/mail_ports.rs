//! The ports of a mail server that runs as a process of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::process::Running;

/// Between choosing a port and the server's listening on it, somebody else may take it.
const ATTEMPTS: usize = 3;
const START_LIMIT: Duration = Duration::from_secs(20);

/// Loopback ports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MailPorts {
    pub(crate) imap: u16,
    pub(crate) imaps: u16,
    pub(crate) lmtp: u16,
}

impl MailPorts {
    /// Ports that are free now, and differ.
    pub(crate) fn free() -> Result<Self> {
        let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("Looking for a free port");
        // All three are held until all are known, so that they differ.
        let (imap, imaps, lmtp) = (listen()?, listen()?, listen()?);
        let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
        Ok(Self { imap: port(&imap)?, imaps: port(&imaps)?, lmtp: port(&lmtp)? })
    }

    /// Puts the ports in place of `{imap_port}` and the like.
    pub(crate) fn fill_in(self, template: &str) -> String {
        template
            .replace("{imap_port}", &self.imap.to_string())
            .replace("{imaps_port}", &self.imaps.to_string())
            .replace("{lmtp_port}", &self.lmtp.to_string())
    }

    /// Waits until `process` listens on all of them.
    ///
    /// # Errors
    /// When it ends, or takes too long.
    pub(crate) fn wait_for(self, process: &mut Running) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        for port in [self.imap, self.imaps, self.lmtp] {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            while TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err() {
                let ended = process.ended();
                if ended.is_some() || Instant::now() > deadline {
                    bail!("The mail server does not listen (ended: {ended:?})");
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(())
    }
}

/// Starts a server on free ports, and again where it does not come up.
///
/// # Errors
/// The last attempt's.
pub(crate) async fn start<S: Send + 'static>(
    try_start: impl Fn(MailPorts) -> Result<S> + Send + 'static,
) -> Result<S> {
    let start = move || {
        let mut attempt = 1;
        loop {
            match try_start(MailPorts::free()?) {
                Err(error) if attempt < ATTEMPTS => tracing::warn!("A mail server did not start: {error:#}."),
                outcome => return outcome,
            }
            attempt += 1;
        }
    };
    tokio::task::spawn_blocking(start).await?
}
