//! Reaches the server: name, addresses, socket.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::NETWORK_TIMEOUT;
use crate::{Error, ErrorKind};

/// How long each address has before the next one is tried beside it (RFC 8305 §5 says 250 ms).
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// NATs forget a silent connection after five minutes or more.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);

/// The addresses of a host, IPv6 and IPv4 by turns, beginning with the resolver's favourite (RFC 8305 §4).
pub(crate) async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
    let found = match timeout(NETWORK_TIMEOUT, lookup_host((host, port))).await {
        Err(_) => return Err(Error::new(ErrorKind::TimedOut, format!("looking up {host} took too long"))),
        Ok(Err(error)) => return Err(resolve_error(host, &error).await),
        Ok(Ok(found)) => found.collect::<Vec<_>>(),
    };
    if found.is_empty() {
        return Err(unknown_host(host));
    }
    Ok(interleave(&found))
}

fn interleave(found: &[SocketAddr]) -> Vec<SocketAddr> {
    let favours_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (Vec<_>, Vec<_>) =
        found.iter().copied().partition(|a| a.is_ipv6() == favours_v6);
    let mut order = Vec::with_capacity(found.len());
    first.reverse();
    second.reverse();
    while !first.is_empty() || !second.is_empty() {
        order.extend(first.pop());
        order.extend(second.pop());
    }
    order
}

/// Resolvers answer "no such name" as well when there is no network at all, so see whether there is one.
async fn resolve_error(host: &str, error: &io::Error) -> Error {
    let passing = error.to_string().to_ascii_lowercase().contains("temporary failure");
    if passing || !has_route().await { no_network() } else { unknown_host(host) }
}

fn unknown_host(host: &str) -> Error {
    Error::new(ErrorKind::UnknownHost, format!("there is no server named {host}"))
}

fn no_network() -> Error {
    Error::new(ErrorKind::NoNetwork, "there is no network connection".to_owned())
}

/// Whether there is a way to the internet. Connecting a datagram socket asks the routing table and sends nothing;
/// the addresses are for documentation (RFC 5737, RFC 3849).
async fn has_route() -> bool {
    let v4 = (IpAddr::from(Ipv4Addr::UNSPECIFIED), IpAddr::from(Ipv4Addr::new(192, 0, 2, 1)));
    let v6 =
        (IpAddr::from(Ipv6Addr::UNSPECIFIED), IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)));
    for (local, remote) in [v4, v6] {
        if let Ok(socket) = UdpSocket::bind((local, 0)).await
            && socket.connect((remote, 53)).await.is_ok()
        {
            return true;
        }
    }
    false
}

/// Connects to the first address that answers ("happy eyeballs", RFC 8305).
pub(crate) async fn connect(host: &str, addresses: &[SocketAddr]) -> Result<TcpStream, Error> {
    let mut waiting = addresses.iter().copied();
    let mut attempts = JoinSet::new();
    let mut best: Option<Error> = None;
    loop {
        if let Some(address) = waiting.next() {
            let host = host.to_owned();
            attempts.spawn(async move { connect_one(&host, address).await });
        }
        let more = waiting.len() > 0;
        tokio::select! {
            finished = attempts.join_next() => match finished {
                Some(Ok(Ok(stream))) => return Ok(stream),
                // The next address is tried at once; dropping the set ends the others.
                Some(Ok(Err(error))) => best = Some(more_telling(best, error)),
                Some(Err(_)) => {}
                None if more => {}
                None => return Err(best.unwrap_or_else(|| unknown_host(host))),
            },
            () = sleep(NEXT_ADDRESS_AFTER), if more => {}
        }
    }
}

/// Of two addresses' errors, the one that says more about the server.
fn more_telling(before: Option<Error>, now: Error) -> Error {
    match before {
        Some(before) if before.kind == ErrorKind::Refused || now.kind == ErrorKind::NoNetwork => before,
        _ => now,
    }
}

async fn connect_one(host: &str, address: SocketAddr) -> Result<TcpStream, Error> {
    let stream = match timeout(NETWORK_TIMEOUT, TcpStream::connect(address)).await {
        Err(_) => return Err(timed_out(host)),
        Ok(Err(error)) => return Err(connect_error(host, address.port(), &error)),
        Ok(Ok(stream)) => stream,
    };
    // Commands are short and wait for their answers (chatmail/core#3888).
    let _ = stream.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(Duration::from_secs(15));
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    Ok(stream)
}

fn timed_out(host: &str) -> Error {
    Error::new(ErrorKind::TimedOut, format!("{host} did not answer in time"))
}

fn connect_error(host: &str, port: u16, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            Error::new(ErrorKind::Refused, format!("{host} does not accept connections on port {port}"))
        }
        io::ErrorKind::TimedOut => timed_out(host),
        io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => no_network(),
        _ => Error::new(ErrorKind::Lost, format!("the connection to {host} was lost")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_alternate_between_the_families() {
        let addresses =
            ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"].map(|a| a.parse().unwrap());
        let order = interleave(&addresses).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(order, ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]);
    }

    #[tokio::test]
    async fn a_dead_address_does_not_keep_a_live_one_from_being_used() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let live = listener.local_addr().unwrap();
        let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let stream = connect("localhost", &[dead, live]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), live);
    }

    #[tokio::test]
    async fn a_closed_port_is_refused_by_name() {
        let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let error = connect("localhost", &[dead]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Refused);
        assert!(error.detail.contains(&dead.port().to_string()));
    }
}
