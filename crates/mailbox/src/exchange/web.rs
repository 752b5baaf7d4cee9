//! An HTTP client for one host, and what its failures mean.

use std::error::Error as _;
use std::io;
use std::path::Path;
use std::time::Duration;

use reqwest::Url;

use crate::{Error, ErrorKind, Proxy, ProxyChoice, ProxyProtocol};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// What we call ourselves; administrators may let programs in by it.
pub(crate) const USER_AGENT: &str = concat!("answerback/", env!("CARGO_PKG_VERSION"));

/// Where requests go: one host.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The URL that was given.
    pub url: Url,
    /// Its host, for messages; with the port where it is not the usual one.
    pub host: String,
    proxy: Option<String>,
}

impl Site {
    /// `https`, or plain `http` to this computer. `what` is behind it, such as `Microsoft Graph`.
    pub(crate) fn new(url: &str, what: &str, proxy: &ProxyChoice) -> Result<Self, Error> {
        let wrong = |why: &str| Error::new(ErrorKind::Settings, format!("the address of {what} {why}"));
        let url = Url::parse(url.trim()).map_err(|_| wrong("is no URL"))?;
        let name = url.host_str().ok_or_else(|| wrong("names no host"))?;
        if !(url.scheme() == "https" || (url.scheme() == "http" && is_this_computer(name))) {
            return Err(wrong("must begin with https://"));
        }
        let host = url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        let proxy = match proxy {
            ProxyChoice::Through(proxy) => Some(format!("{}:{}", proxy.host, proxy.port)),
            ProxyChoice::System | ProxyChoice::Direct => None,
        };
        Ok(Self { url, host, proxy })
    }

    /// How connections to it are secured, for people.
    pub(crate) fn security(&self) -> &'static str {
        if self.url.scheme() == "https" { "HTTPS" } else { "not encrypted" }
    }

    /// A client for this host. A connection on which nothing comes for so long as `quiet` is lost.
    pub(crate) fn client(
        &self,
        ca_file: Option<&Path>,
        proxy: &ProxyChoice,
        alpn: &[&[u8]],
        quiet: Duration,
    ) -> Result<reqwest::Client, Error> {
        let failed =
            |_| Error::new(ErrorKind::Settings, format!("a connection to {} can't be set up", self.host));
        let mut tls = crate::tls_config(ca_file)?;
        tls.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(quiet)
            // What signs us in is for this host alone.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .user_agent(USER_AGENT);
        let builder = match proxy {
            ProxyChoice::System if !self.url.host_str().is_some_and(is_this_computer) => builder,
            ProxyChoice::System | ProxyChoice::Direct => builder.no_proxy(),
            ProxyChoice::Through(proxy) => builder.proxy(through(proxy).map_err(failed)?),
        };
        builder.build().map_err(failed)
    }

    /// It answered with a redirection, which is never followed.
    pub(crate) fn elsewhere(&self) -> Error {
        let detail = format!("{} sent us elsewhere, as a guest network's sign-in page does", self.host);
        Error::new(ErrorKind::Tls, detail)
    }

    /// No answer came, or it ended early.
    pub(crate) fn broken(&self, error: &reqwest::Error) -> Error {
        let host = &self.host;
        let (mut certificate, mut kind) = (false, None);
        let mut source = error.source();
        while let Some(cause) = source {
            // An io::Error hides the TLS error that it carries from `source()`.
            let carried = cause.downcast_ref::<io::Error>().and_then(|error| {
                kind = kind.or(Some(error.kind()));
                error.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static))
            });
            let tls = [Some(cause), carried].into_iter().flatten();
            certificate |= tls
                .filter_map(|cause| cause.downcast_ref::<rustls::Error>())
                .any(|error| matches!(error, rustls::Error::InvalidCertificate(_)));
            source = carried.or_else(|| cause.source());
        }
        let (kind, detail) = match (kind, &self.proxy) {
            _ if certificate => (ErrorKind::Certificate, format!("the certificate of {host} is not trusted")),
            (_, Some(proxy)) if error.is_connect() => (
                ErrorKind::Proxy,
                format!("the proxy {proxy} can't be reached, or does not connect to {host}"),
            ),
            _ if error.is_dns() => (ErrorKind::UnknownHost, format!("{host} does not exist")),
            (Some(io::ErrorKind::ConnectionRefused), _) => {
                (ErrorKind::Refused, format!("nothing answers at {host}"))
            }
            (
                Some(
                    io::ErrorKind::NetworkUnreachable
                    | io::ErrorKind::NetworkDown
                    | io::ErrorKind::HostUnreachable,
                ),
                _,
            ) => (ErrorKind::NoNetwork, format!("no way to {host}")),
            (Some(io::ErrorKind::TimedOut), _) => {
                (ErrorKind::TimedOut, format!("{host} did not answer in time"))
            }
            _ if error.is_timeout() => (ErrorKind::TimedOut, format!("{host} did not answer in time")),
            _ => (ErrorKind::Lost, format!("the connection to {host} broke")),
        };
        Error::new(kind, detail)
    }
}

fn through(proxy: &Proxy) -> reqwest::Result<reqwest::Proxy> {
    // The name is looked up by the proxy, as over IMAP.
    let scheme = match proxy.protocol {
        ProxyProtocol::Http => "http",
        ProxyProtocol::Socks5 => "socks5h",
    };
    let host = if proxy.host.contains(':') { format!("[{}]", proxy.host) } else { proxy.host.clone() };
    let built = reqwest::Proxy::all(format!("{scheme}://{host}:{}", proxy.port))?;
    Ok(match &proxy.login {
        Some((user, password)) => built.basic_auth(user, password),
        None => built,
    })
}

fn is_this_computer(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let site = |url| Site::new(url, "Microsoft Graph", &ProxyChoice::System);
        assert!(site("http://127.0.0.1:8080").is_ok());
        for bad in ["http://graph.microsoft.com", "ftp://graph.microsoft.com", "graph.microsoft.com", ""] {
            assert_eq!(site(bad).unwrap_err().kind, ErrorKind::Settings, "{bad}");
        }
    }

    #[tokio::test]
    async fn a_proxy_that_is_not_there_is_named_whatever_its_kind() {
        for scheme in ["http", "socks5"] {
            // Nothing listens on a port that has just been given back.
            let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let proxy =
                Proxy::parse(&format!("{scheme}://127.0.0.1:{port}")).map(ProxyChoice::Through).unwrap();
            let site = Site::new("https://graph.microsoft.com", "Microsoft Graph", &proxy).unwrap();
            let client = site.client(None, &proxy, &[b"http/1.1"], CONNECT_TIMEOUT).unwrap();
            let error = site.broken(&client.get(site.url.clone()).send().await.unwrap_err());
            assert_eq!(error.kind, ErrorKind::Proxy);
            assert!(error.detail.contains(&port.to_string()), "{error}");
        }
    }
}
