//! Through a proxy, where the network wants one.

use std::fmt;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_socks::tcp::Socks5Stream;
use zeroize::Zeroizing;

use super::{NETWORK_TIMEOUT, socket};
use crate::{Error, ErrorKind};

/// How connections leave this computer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProxyChoice {
    /// As the system says: its settings, or `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`. Where the proxy won't have it, a
    /// direct connection is tried: proxies for web pages often refuse other ports.
    #[default]
    System,
    /// Straight.
    Direct,
    /// Through this one and never straight.
    Through(Proxy),
}

/// A proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// How it is spoken to.
    pub protocol: ProxyProtocol,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User name and password there.
    pub login: Option<(String, Zeroizing<String>)>,
}

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// CONNECT (RFC 9110 §9.3.6).
    Http,
    /// SOCKS 5 (RFC 1928), the name being looked up there.
    Socks5,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({:?} {}:{})", self.protocol, self.host, self.port)
    }
}

impl Proxy {
    /// Reads `http://[user@]host[:port]` or `socks5://…`. `None` for anything else; a password in it is not taken.
    pub fn parse(url: &str) -> Option<Self> {
        let uri = url.parse::<http::Uri>().ok()?;
        let login = uri.authority()?.as_str().rsplit_once('@').map(|(user, _)| user.to_owned());
        if login.as_ref().is_some_and(|login| login.contains(':')) || !matches!(uri.path(), "" | "/") {
            return None;
        }
        Some(Self { login: login.map(|user| (user, Zeroizing::default())), ..Self::of_uri(&uri)? })
    }

    fn of_uri(uri: &http::Uri) -> Option<Self> {
        let (protocol, port) = match uri.scheme_str()? {
            "http" => (ProxyProtocol::Http, 80),
            "socks5" | "socks5h" => (ProxyProtocol::Socks5, 1080),
            _ => return None,
        };
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Self { protocol, host, port: uri.port_u16().unwrap_or(port), login: None })
    }
}

/// The proxy that the system wants for this host.
fn of_system(system: &Matcher, host: &str, port: u16) -> Option<Proxy> {
    let target = format!("https://{host}:{port}").parse().ok()?;
    let intercept = system.intercept(&target)?;
    let mut proxy = Proxy::of_uri(intercept.uri())?;
    proxy.login =
        intercept.raw_auth().map(|(user, password)| (user.to_owned(), Zeroizing::new(password.to_owned())));
    // CONNECT's login comes as a finished header.
    if proxy.login.is_none()
        && let Some(header) = intercept.basic_auth()
        && let Some(encoded) = header.to_str().ok().and_then(|text| text.strip_prefix("Basic "))
        && let Ok(login) = STANDARD.decode(encoded)
        && let Some((user, password)) = String::from_utf8_lossy(&login).split_once(':')
    {
        proxy.login = Some((user.to_owned(), Zeroizing::new(password.to_owned())));
    }
    Some(proxy)
}

/// The proxy to go through, and whether to go straight where it won't have it.
pub(crate) fn choose(choice: &ProxyChoice, host: &str, port: u16) -> Option<(Proxy, bool)> {
    let here = host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match choice {
        ProxyChoice::System if !here => Some((of_system(&Matcher::from_system(), host, port)?, true)),
        ProxyChoice::System | ProxyChoice::Direct => None,
        ProxyChoice::Through(proxy) => Some((proxy.clone(), false)),
    }
}

/// A connection to `host` through the proxy.
pub(crate) async fn connect(proxy: &Proxy, host: &str, port: u16) -> Result<TcpStream, Error> {
    let name = format!("{}:{}", proxy.host, proxy.port);
    let reached = async {
        let addresses = socket::resolve(&proxy.host, proxy.port).await?;
        socket::connect(&proxy.host, &addresses).await
    };
    let stream = reached.await.map_err(|error| {
        Error::new(ErrorKind::Proxy, format!("the proxy {name} can't be reached: {error}"))
    })?;
    let tunnel = async {
        match proxy.protocol {
            ProxyProtocol::Http => ask_to_connect(stream, proxy, host, port).await,
            ProxyProtocol::Socks5 => by_socks(stream, proxy, host, port).await,
        }
    };
    let refused = match timeout(NETWORK_TIMEOUT, tunnel).await {
        Ok(Ok(stream)) => return Ok(stream),
        Ok(Err(refused)) => refused,
        Err(_) => Refused::Silent,
    };
    Err(Error::new(
        ErrorKind::Proxy,
        match refused {
            Refused::Login => {
                format!("the proxy {name} wants a user name and password, or refuses those it got")
            }
            Refused::Target => format!("the proxy {name} does not connect to {host}:{port}"),
            Refused::Silent => format!("the proxy {name} did not answer in time"),
            Refused::Nonsense => format!("{name} does not answer as a proxy does"),
        },
    ))
}

enum Refused {
    Login,
    Target,
    Silent,
    Nonsense,
}

impl From<io::Error> for Refused {
    fn from(_: io::Error) -> Self {
        Self::Nonsense
    }
}

async fn ask_to_connect(
    mut stream: TcpStream,
    proxy: &Proxy,
    host: &str,
    port: u16,
) -> Result<TcpStream, Refused> {
    let target = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let mut request = Zeroizing::new(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"));
    if let Some((user, password)) = &proxy.login {
        let login = Zeroizing::new(format!("{user}:{}", **password));
        let encoded = Zeroizing::new(STANDARD.encode(login.as_bytes()));
        request.push_str("Proxy-Authorization: Basic ");
        request.push_str(&encoded);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    // One byte at a time: what comes after the head is the mail server's already.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > 16 * 1024 {
            return Err(Refused::Nonsense);
        }
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.parse::<u16>().ok());
    match status {
        Some(200..=299) => Ok(stream),
        Some(407) => Err(Refused::Login),
        Some(_) => Err(Refused::Target),
        None => Err(Refused::Nonsense),
    }
}

async fn by_socks(stream: TcpStream, proxy: &Proxy, host: &str, port: u16) -> Result<TcpStream, Refused> {
    use tokio_socks::Error as Socks;
    let connected = match &proxy.login {
        Some((user, password)) => {
            Socks5Stream::connect_with_password_and_socket(stream, (host, port), user, password).await
        }
        None => Socks5Stream::connect_with_socket(stream, (host, port)).await,
    };
    connected.map(Socks5Stream::into_inner).map_err(|error| match error {
        Socks::PasswordAuthFailure(_)
        | Socks::NoAcceptableAuthMethods
        | Socks::AuthorizationRequired
        | Socks::InvalidAuthValues(_) => Refused::Login,
        Socks::ConnectionNotAllowedByRuleset
        | Socks::NetworkUnreachable
        | Socks::HostUnreachable
        | Socks::ConnectionRefused
        | Socks::GeneralSocksServerFailure
        | Socks::TtlExpired
        | Socks::AddressTypeNotSupported => Refused::Target,
        _ => Refused::Nonsense,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_read_from_its_url_and_a_password_has_no_place_there() {
        let proxy = Proxy::parse("http://proxy.sales.example:3128").unwrap();
        assert_eq!(
            (proxy.protocol, proxy.host.as_str(), proxy.port),
            (ProxyProtocol::Http, "proxy.sales.example", 3128)
        );
        let proxy = Proxy::parse("socks5://rep@[::1]").unwrap();
        assert_eq!((proxy.protocol, proxy.host.as_str(), proxy.port), (ProxyProtocol::Socks5, "::1", 1080));
        assert_eq!(proxy.login.unwrap().0, "rep");
        for wrong in
            ["http://rep:hunter2@proxy", "ftp://proxy", "proxy:3128", "", "socks5://", "http://proxy/path"]
        {
            assert_eq!(Proxy::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn this_computer_is_never_reached_through_the_systems_proxy() {
        for host in ["localhost", "127.0.0.1", "::1"] {
            assert_eq!(choose(&ProxyChoice::System, host, 993), None);
        }
        let proxy = Proxy::parse("http://proxy:3128").unwrap();
        assert_eq!(choose(&ProxyChoice::Direct, "imap.sales.example", 993), None);
        let through = choose(&ProxyChoice::Through(proxy.clone()), "localhost", 993);
        assert_eq!(through, Some((proxy, false)));
    }

    #[test]
    fn the_systems_proxy_is_used_with_its_login_except_for_the_hosts_that_are_left_out() {
        for (url, protocol) in [
            ("http://rep:p%20w@proxy.sales.example:3128", ProxyProtocol::Http),
            ("socks5://rep:p%20w@proxy.sales.example:3128", ProxyProtocol::Socks5),
        ] {
            let system = Matcher::builder().https(url).no("sales.example").build();
            let proxy = of_system(&system, "imap.gmail.com", 993).unwrap();
            assert_eq!(
                (proxy.protocol, proxy.host.as_str(), proxy.port),
                (protocol, "proxy.sales.example", 3128)
            );
            assert_eq!(proxy.login, Some(("rep".to_owned(), Zeroizing::new("p w".to_owned()))));
            assert_eq!(of_system(&system, "imap.sales.example", 993), None);
        }
    }

    #[test]
    fn a_login_is_never_printed() {
        let mut proxy = Proxy::parse("http://rep@proxy:3128").unwrap();
        proxy.login = Some(("rep".into(), Zeroizing::new("hunter2".into())));
        assert!(!format!("{:?}", ProxyChoice::Through(proxy)).contains("hunter2"));
    }
}
