//! As little of HTTP/1.1 as tens of thousands of connections in one process can afford.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// Laptops at one address at most: a machine has about 28,000 ports to give away for each, and one that was used for a report stays taken
/// for a minute.
const FROM_ONE_ADDRESS: usize = 10_000;

/// One connection that is kept open.
pub struct Connection {
    stream: TcpStream,
    authorisation: String,
}

impl Connection {
    /// Connects. `number` tells connections apart, so that they can come from different addresses.
    pub async fn open(server: SocketAddr, token: &str, number: usize) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        let last = u8::try_from(2 + number / FROM_ONE_ADDRESS).context("too many connections")?;
        socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0)))?;
        let stream = socket.connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, authorisation: format!("Bearer {token}") })
    }

    /// Sends a request and reads the answer's status and body.
    pub async fn ask(
        &mut self,
        method: &str,
        path: &str,
        media_type: &str,
        body: &str,
    ) -> Result<(u16, Vec<u8>)> {
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nHost: load\r\nAuthorization: {}\r\n", self.authorisation);
        if !body.is_empty() {
            request.push_str(&format!("Content-Type: {media_type}\r\nContent-Length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        request.push_str(body);
        self.stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        loop {
            if let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
                let head =
                    String::from_utf8_lossy(answer.get(..end).unwrap_or_default()).to_ascii_lowercase();
                let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
                let status = status.context("an answer without a status")?;
                let length =
                    head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                let length: usize = length.context("an answer without a length")?;
                let mut body = answer.split_off(end + 4);
                while body.len() < length {
                    if self.stream.read_buf(&mut body).await? == 0 {
                        bail!("the connection broke");
                    }
                }
                return Ok((status, body));
            }
            if self.stream.read_buf(&mut answer).await? == 0 {
                bail!("the connection broke");
            }
        }
    }
}
