//! What DNS tells of a mail domain.

use std::net::SocketAddr;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

/// A name server to ask; none where the system names none.
pub(super) struct Dns(Option<TokioResolver>);

/// A server from an SRV record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
    priority: u16,
}

impl Dns {
    pub(super) fn new(name_server: Option<SocketAddr>) -> Self {
        let builder = match name_server {
            None => TokioResolver::builder_tokio().ok(),
            Some(address) => {
                let mut udp = ConnectionConfig::udp();
                udp.port = address.port();
                let server = NameServerConfig::new(address.ip(), true, vec![udp]);
                let config = ResolverConfig::from_name_servers(vec![server]);
                Some(TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()))
            }
        };
        Self(builder.and_then(|builder| builder.build().ok()))
    }

    /// IMAP servers by RFC 6186 §3.2, TLS first (RFC 8314 §5.1). A target of `.` means that there is no such service.
    pub(super) async fn services(&self, domain: &str) -> Vec<Service> {
        let (tls, plain) =
            tokio::join!(self.service("_imaps", domain, true), self.service("_imap", domain, false));
        let mut services = tls;
        services.extend(plain);
        services
    }

    /// Autodiscover services ([MS-OXDISCO] 3.1.5.3), which speak TLS on port 443 only.
    pub(super) async fn autodiscover(&self, domain: &str) -> Vec<String> {
        let services = self.service("_autodiscover", domain, true).await;
        services.into_iter().filter(|service| service.port == 443).map(|service| service.host).collect()
    }

    /// The name that this one stands for, where it is an alias.
    pub(super) async fn alias(&self, host: &str) -> Option<String> {
        let (resolver, name) = (self.0.as_ref()?, absolute(host)?);
        let lookup = resolver.lookup(name, RecordType::CNAME).await.ok()?;
        lookup.answers().iter().find_map(|record| match &record.data {
            RData::CNAME(alias) => Some(text(alias)),
            _ => None,
        })
    }

    async fn service(&self, label: &str, domain: &str, tls: bool) -> Vec<Service> {
        let (Some(resolver), Some(name)) = (&self.0, absolute(&format!("{label}._tcp.{domain}"))) else {
            return Vec::new();
        };
        let Ok(lookup) = resolver.srv_lookup(name).await else { return Vec::new() };
        let mut found: Vec<Service> = lookup
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::SRV(srv) if !srv.target.is_root() => {
                    Some(Service { host: text(&srv.target), port: srv.port, tls, priority: srv.priority })
                }
                _ => None,
            })
            .collect();
        found.sort_by_key(|service| service.priority);
        found
    }

    /// The mail exchangers, the preferred first.
    pub(super) async fn exchangers(&self, domain: &str) -> Vec<String> {
        let (Some(resolver), Some(name)) = (&self.0, absolute(domain)) else { return Vec::new() };
        let Ok(lookup) = resolver.mx_lookup(name).await else { return Vec::new() };
        let mut found: Vec<(u16, String)> = lookup
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::MX(mx) => Some((mx.preference, text(&mx.exchange))),
                _ => None,
            })
            .collect();
        found.sort();
        found.into_iter().map(|(_, host)| host).collect()
    }

    /// Usual names that exist.
    pub(super) async fn guesses(&self, domain: &str) -> Vec<String> {
        let mut found = Vec::new();
        for host in [format!("imap.{domain}"), format!("mail.{domain}")] {
            let (Some(resolver), Some(name)) = (&self.0, absolute(&host)) else { continue };
            if resolver.lookup_ip(name).await.is_ok_and(|lookup| lookup.iter().next().is_some()) {
                found.push(host);
            }
        }
        found
    }
}

/// With a final dot, so that no search domain of the local network is tried.
fn absolute(name: &str) -> Option<Name> {
    Name::from_utf8(format!("{name}.")).ok()
}

fn text(name: &Name) -> String {
    name.to_utf8().trim_end_matches('.').to_ascii_lowercase()
}
