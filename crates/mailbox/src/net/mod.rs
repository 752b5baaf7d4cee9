//! Ways to a server: its address, a socket, a proxy where the network wants one, and TLS. IMAP and EWS go them.

pub(crate) mod deflate;
pub(crate) mod proxy;
pub(crate) mod socket;
pub(crate) mod tls;

use std::time::Duration;

pub use proxy::{Proxy, ProxyChoice, ProxyProtocol};
pub use tls::config as tls_config;
use tokio::io::{AsyncRead, AsyncWrite};

/// For connecting, reading and writing, at the socket rather than per command: a slow answer that keeps coming is
/// fine (chatmail/core#3816; 30 seconds were too short for some, 1.132.0).
pub(crate) const NETWORK_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes to and from a server, secured or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}
