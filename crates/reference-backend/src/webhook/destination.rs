//! Where webhooks may go. An organisation's platform names the address, and this server must not become a way into
//! its operator's network (server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde::Deserialize;

/// Which addresses webhooks are delivered to. Link-local ones, where clouds keep their secrets, never are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Networks {
    /// Public ones only: for a server that several organisations share.
    Public,
    /// Public ones and this machine's own.
    #[default]
    Loopback,
    /// Also those of private networks, such as 10.0.0.0/8.
    Private,
}

impl Networks {
    /// Whether a request may go to this address.
    pub fn allow(self, address: IpAddr) -> bool {
        match reach(address) {
            Reach::Public => true,
            Reach::Loopback => self != Self::Public,
            Reach::Private => self == Self::Private,
            Reach::Never => false,
        }
    }

    /// Checks an endpoint's URL; gives the reason in words where it is not good.
    pub fn check(self, url: &str) -> Result<Url, &'static str> {
        let url: Url =
            url.trim().parse().map_err(|_| "url must be an address such as https://crm.example.com/hooks")?;
        let literal = match url.host() {
            Some(url::Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(url::Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(url::Host::Domain("localhost")) => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            Some(url::Host::Domain(_)) => None,
            None => return Err("url must name a host"),
        };
        match url.scheme() {
            "https" => {}
            "http" if literal.is_some_and(|address| address.is_loopback()) => {}
            _ => return Err("url must begin with https://; plain http is for this machine only"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("url must not hold a name or a password");
        }
        if literal.is_some_and(|address| !self.allow(address)) {
            return Err("webhooks are not delivered to that network");
        }
        Ok(url)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Public,
    Private,
    Loopback,
    Never,
}

fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(v4) => reach_v4(v4),
        IpAddr::V6(v6) => embedded(v6).map_or_else(|| reach_v6(v6), reach_v4),
    }
}

/// The IPv4 address that a mapped, compatible, NAT64 (RFC 6052) or 6to4 address leads to.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    if let Some(v4) = address.to_ipv4_mapped() {
        return Some(v4);
    }
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(v4(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    let [a, b, c, _] = address.octets();
    match (a, b) {
        (127, _) => Reach::Loopback,
        (10, _) | (172, 16..=31) | (192, 168) | (100, 64..=127) => Reach::Private,
        // This network, link-local, protocol assignments, benchmarks, documentation, multicast, reserved.
        (0, _) | (169, 254) | (198, 18 | 19) | (224.., _) => Reach::Never,
        (192, 0) if matches!(c, 0 | 2) => Reach::Never,
        (198, 51) if c == 100 => Reach::Never,
        (203, 0) if c == 113 => Reach::Never,
        _ => Reach::Public,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let [first, second, ..] = address.segments();
    match first {
        _ if address.is_loopback() => Reach::Loopback,
        0xfc00..=0xfdff => Reach::Private,
        0x2001 if second == 0xdb8 => Reach::Never,
        0x2000..=0x3fff => Reach::Public,
        _ => Reach::Never,
    }
}

/// Looks names up and lets only allowed addresses through, so that what is connected to is what was checked.
#[derive(Clone, Copy, Debug)]
pub struct Guarded(pub Networks);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|a| networks.allow(a.ip())).collect();
            if allowed.is_empty() {
                return Err("webhooks are not delivered to that network".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_network_is_known() {
        let cases = [
            ("93.184.216.34", [true, true, true]),
            ("2606:4700::1111", [true, true, true]),
            ("127.0.0.1", [false, true, true]),
            ("127.8.9.10", [false, true, true]),
            ("::1", [false, true, true]),
            ("::ffff:127.0.0.1", [false, true, true]),
            ("10.0.0.8", [false, false, true]),
            ("172.31.255.255", [false, false, true]),
            ("192.168.1.1", [false, false, true]),
            ("100.64.0.1", [false, false, true]),
            ("fd00::8", [false, false, true]),
            ("64:ff9b::a00:8", [false, false, true]),
            ("169.254.169.254", [false; 3]),
            ("::ffff:169.254.169.254", [false; 3]),
            ("2002:a9fe:a9fe::", [false; 3]),
            ("fe80::1", [false; 3]),
            ("0.0.0.0", [false; 3]),
            ("::", [false; 3]),
            ("224.0.0.1", [false; 3]),
            ("255.255.255.255", [false; 3]),
            ("ff02::1", [false; 3]),
            ("192.0.2.1", [false; 3]),
        ];
        for (address, expected) in cases {
            let address: IpAddr = address.parse().unwrap();
            let allowed = [Networks::Public, Networks::Loopback, Networks::Private].map(|n| n.allow(address));
            assert_eq!(allowed, expected, "{address}");
        }
    }

    #[test]
    fn an_endpoint_is_https_unless_it_is_on_this_machine() {
        let networks = Networks::Loopback;
        for good in [
            "https://crm.example.com/hooks?x=1",
            "http://127.0.0.1:9000/",
            "http://localhost:9000",
            "https://[::1]/",
        ] {
            assert!(networks.check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "crm.example.com",
            "http://crm.example.com/",
            "ftp://crm.example.com/",
            "https://user:secret@crm.example.com/",
            "https://10.0.0.8/",
            "https://169.254.169.254/latest",
            // Other ways to write 169.254.169.254.
            "https://2852039166/",
            "https://0xa9fea9fe/",
            "https://[::ffff:169.254.169.254]/",
            "http://127.0.0.1.evil.example/",
        ] {
            assert!(networks.check(bad).is_err(), "{bad}");
        }
        assert!(Networks::Public.check("http://127.0.0.1:9000/").is_err());
        assert!(Networks::Private.check("https://10.0.0.8/").is_ok());
    }

    #[tokio::test]
    async fn a_name_that_leads_into_another_network_is_not_followed() {
        let lookup = |networks| Guarded(networks).resolve("localhost".parse().unwrap());
        assert!(lookup(Networks::Public).await.is_err());
        assert!(lookup(Networks::Loopback).await.is_ok());
    }
}
