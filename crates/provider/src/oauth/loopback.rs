//! Waits on a port of this computer for the browser to bring the answer: once, and not for ever.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::OauthError;
use super::page::Page;
use super::redirect::{Expected, Returned, read};

/// A browser's request is sent at once; connections that it opens just in case stay silent.
const SILENCE: Duration = Duration::from_secs(15);

/// A code and a state are much shorter.
const LONGEST_HEAD: usize = 32 * 1024;

/// Connections looked at side by side, since a silent one must not keep the true one waiting.
const AT_ONCE: usize = 16;

/// A port of this computer that nobody else can reach.
pub(super) struct Loopback {
    listener: TcpListener,
}

struct Request {
    stream: TcpStream,
    target: String,
    language: String,
}

impl Loopback {
    /// Opens the first of these ports that is free; 0 is any.
    pub(super) async fn open(ports: &[u16]) -> io::Result<Self> {
        let addresses: Vec<_> =
            ports.iter().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, *port))).collect();
        Ok(Self { listener: TcpListener::bind(addresses.as_slice()).await? })
    }

    pub(super) fn port(&self) -> io::Result<u16> {
        Ok(self.listener.local_addr()?.port())
    }

    /// Answers requests until the one with the answer came. The port is closed then.
    pub(super) async fn wait(self, expected: &Expected<'_>) -> Result<String, OauthError> {
        let (found, mut requests) = mpsc::channel::<Request>(AT_ONCE);
        let limit = std::sync::Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
        loop {
            tokio::select! {
                accepted = self.listener.accept() => {
                    let Ok((stream, _)) = accepted else {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    };
                    let Ok(turn) = std::sync::Arc::clone(&limit).try_acquire_owned() else { continue };
                    let found = found.clone();
                    tokio::spawn(async move {
                        let _turn = turn;
                        if let Some(request) = head(stream).await {
                            // Nobody listens any more when the answer is there.
                            let _late = found.send(request).await;
                        }
                    });
                }
                Some(request) = requests.recv() => {
                    let answer = match read(&request.target, expected) {
                        Returned::Code(code) => Ok(code),
                        Returned::Failed(error) => Err(error),
                        Returned::Foreign => {
                            respond(request, Page::NotFound).await;
                            continue;
                        }
                    };
                    respond(request, Page::of(&answer)).await;
                    return answer;
                }
            }
        }
    }
}

/// Reads a request's head.
async fn head(mut stream: TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let whole = async {
        while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
            if bytes.len() > LONGEST_HEAD || stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        Some(())
    };
    timeout(SILENCE, whole).await.ok()??;
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    if method != "GET" {
        return None;
    }
    let language = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("accept-language"))
        .map(|(_, value)| value.to_owned());
    Some(Request { target: target.to_owned(), language: language.unwrap_or_default(), stream })
}

/// Sends the page. A browser that has gone away is none of our business.
async fn respond(mut request: Request, page: Page) {
    let response = page.response(&request.language);
    let sent = async {
        request.stream.write_all(response.as_bytes()).await?;
        request.stream.shutdown().await
    };
    let _ = timeout(SILENCE, sent).await;
}
