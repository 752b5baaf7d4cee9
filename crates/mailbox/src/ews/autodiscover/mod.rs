//! Where an address's Exchange server is, as the organisation's Autodiscover service says: asked in SOAP, and in plain old XML where it
//! gives no answer to that, as Microsoft advises.
//!
//! Only `autodiscover.DOMAIN` is asked. Who signs in there may have to give the password away; therefore neither the domain's web site
//! nor a domain above it is asked, nor DNS, and neither a redirection nor an answer is followed out of the domain unless the rep
//! agrees: each of these has given passwords away to strangers.

mod pox;
mod soap;

use http::HeaderMap;
use http::header::LOCATION;
use reqwest::Url;

use super::refusal::Refusal;
use super::session::Session;
use super::{EwsSettings, Place};
use crate::exchange::web::Site;
use crate::{Credential, Error, ErrorKind};

/// So often one is sent on; what Microsoft's own library allows.
const HOPS: usize = 10;

/// No answer is longer.
const LIMIT: usize = 1024 * 1024;

/// Where an address's server is, or who is to be asked next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The URL of its EWS, which may be on somebody else's host.
    Server(String),
    /// Autodiscover sends on to this host, which is somebody else's: it must not have the password before the rep agrees.
    Elsewhere(String),
}

/// The URL of the address's EWS. Without somebody to ask, nobody but the address's own domain gets the password.
pub(super) async fn url(settings: &EwsSettings, credential: &Credential) -> Result<String, Error> {
    let domain = domain(&settings.address);
    let elsewhere = match find_server(settings, credential, &[]).await? {
        Found::Server(url) if matches!(settings.place, Place::Url(_)) => return Ok(url),
        Found::Server(url) if is_within(&url, &base(settings), &domain) => return Ok(url),
        Found::Server(url) => host(&url),
        Found::Elsewhere(host) => host,
    };
    Err(Error::new(
        ErrorKind::Settings,
        format!("Autodiscover of {domain} sends us on to {elsewhere}, which is not followed"),
    ))
}

/// Asks the Autodiscover service, and whoever it sends on to as far as they are the domain's own or among the hosts `trusted`.
///
/// # Errors
/// The service can't be asked, refuses the password, or doesn't know the address.
pub async fn find_server(
    settings: &EwsSettings,
    credential: &Credential,
    trusted: &[String],
) -> Result<Found, Error> {
    if let Place::Url(url) = &settings.place {
        return Ok(Found::Server(url.clone()));
    }
    let mut silence = None;
    for service in services(&base(settings)) {
        match follow(settings, credential, trusted, service).await {
            // It answers, and not with what was asked, or sends us away: perhaps not so when it is asked in the other way.
            Err(error) if matches!(error.kind, ErrorKind::Unsupported | ErrorKind::Settings) => {
                silence.get_or_insert(Err(error));
            }
            Ok(Found::Elsewhere(host)) => silence = Some(Ok(Found::Elsewhere(host))),
            // A wrong password among others: a second try could lock the account.
            result => return result,
        }
    }
    let nobody = || format!("no Autodiscover of {}", domain(&settings.address));
    silence.unwrap_or_else(|| Err(Error::new(ErrorKind::Settings, nobody())))
}

/// Whether a server's URL is on a host of the address's domain, so that nobody has to be asked about it.
pub fn is_of_domain(url: &str, address: &str) -> bool {
    is_within(url, "https://nowhere.invalid", &domain(address))
}

fn domain(address: &str) -> String {
    address.rsplit('@').next().unwrap_or_default().to_lowercase()
}

/// Where to begin, perhaps without its ending.
fn base(settings: &EwsSettings) -> String {
    match &settings.place {
        Place::Url(url) | Place::Autodiscover(Some(url)) => url.clone(),
        Place::Autodiscover(None) => {
            format!("https://autodiscover.{}/autodiscover/autodiscover", domain(&settings.address))
        }
    }
}

fn host(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// What the service says.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Found(String),
    /// Ask about this address.
    Address(String),
    /// Ask there.
    Elsewhere(String),
    /// Ask later.
    Busy,
}

/// How the service is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Soap,
    Pox,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Service {
    url: String,
    dialect: Dialect,
}

impl Dialect {
    /// By how the path ends, where that tells.
    fn of(url: &str) -> Option<Self> {
        let path = url.split(['?', '#']).next().unwrap_or(url).to_ascii_lowercase();
        match path.rsplit('.').next() {
            Some("svc") => Some(Self::Soap),
            Some("xml") => Some(Self::Pox),
            _ => None,
        }
    }
}

/// The services at a URL, which is of one of them or without its ending.
fn services(base: &str) -> Vec<Service> {
    match Dialect::of(base) {
        Some(dialect) => vec![Service { url: base.to_owned(), dialect }],
        None => vec![
            Service { url: format!("{base}.svc"), dialect: Dialect::Soap },
            Service { url: format!("{base}.xml"), dialect: Dialect::Pox },
        ],
    }
}

/// Asks the service, and where it sends us on to.
async fn follow(
    settings: &EwsSettings,
    credential: &Credential,
    trusted: &[String],
    mut service: Service,
) -> Result<Found, Error> {
    let domain = domain(&settings.address);
    let mut address = settings.address.clone();
    for _ in 0..HOPS {
        match ask(settings, credential, &service, &address).await? {
            Answer::Found(url) => return Ok(Found::Server(url)),
            Answer::Address(other) => address = other,
            Answer::Elsewhere(other) => {
                let agreed = other.starts_with("https://") && trusted.contains(&host(&other));
                if !agreed && !is_within(&other, &service.url, &domain) {
                    return Ok(Found::Elsewhere(host(&other)));
                }
                let dialect = Dialect::of(&other).unwrap_or(service.dialect);
                service = Service { url: other, dialect };
            }
            Answer::Busy => return Err(Refusal::new(503, "", None).into_error(&host(&service.url))),
        }
    }
    Err(Error::new(ErrorKind::Settings, format!("Autodiscover of {domain} sends us on and on")))
}

async fn ask(
    settings: &EwsSettings,
    credential: &Credential,
    service: &Service,
    address: &str,
) -> Result<Answer, Error> {
    let site = Site::new(&service.url, "the Autodiscover service", &settings.proxy)?;
    let mut session = Session::new(site.clone(), settings, credential, super::http::TIMEOUT);
    let request = match service.dialect {
        Dialect::Soap => soap::request(&service.url, address),
        Dialect::Pox => pox::request(address),
    };
    let mut answer = session.post(&HeaderMap::new(), &request).await?;
    if answer.status().is_redirection() {
        let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
        return Ok(Answer::Elsewhere(site.url.join(to).map(String::from).unwrap_or_default()));
    }
    let (bytes, _) = answer.read(LIMIT).await?;
    let text = String::from_utf8_lossy(&bytes);
    let said = match service.dialect {
        Dialect::Soap => soap::read(&text),
        Dialect::Pox => pox::read(&text),
    };
    match said {
        Some(said) => Ok(said),
        None if matches!(answer.status().as_u16(), 429 | 502..=504) => Ok(Answer::Busy),
        None => Err(Error::new(
            ErrorKind::Settings,
            format!("{} does not say where {address} has its Exchange server", site.host),
        )),
    }
}

/// Whether one may be sent on there: to where one is already, or to a host of the domain, and always with TLS.
fn is_within(to: &str, from: &str, domain: &str) -> bool {
    let (Ok(to), Ok(from)) = (Url::parse(to), Url::parse(from)) else { return false };
    let host = to.host_str().unwrap_or_default();
    to.origin() == from.origin()
        || (to.scheme() == "https" && (host == domain || host.ends_with(&format!(".{domain}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_out_of_the_domain() {
        let from = "https://autodiscover.sales.example/autodiscover/autodiscover.xml";
        for good in [
            "https://mail.sales.example/x",
            "https://sales.example/x",
            "https://autodiscover.sales.example/y",
        ] {
            assert!(is_within(good, from, "sales.example"), "{good}");
        }
        for bad in [
            "https://notsales.example/x",
            "https://sales.example.evil.example/x",
            "http://mail.sales.example/x",
            "https://autodiscover.example/x",
            "",
        ] {
            assert!(!is_within(bad, from, "sales.example"), "{bad}");
        }
    }

    #[test]
    fn a_url_says_how_to_ask_or_both_ways_are_tried() {
        let dialects = |url| services(url).into_iter().map(|service| service.dialect).collect::<Vec<_>>();
        assert_eq!(dialects("https://x.example/autodiscover/autodiscover.svc"), [Dialect::Soap]);
        assert_eq!(dialects("https://x.example/Autodiscover/Autodiscover.XML?a=.svc"), [Dialect::Pox]);
        assert_eq!(dialects("https://x.example/autodiscover"), [Dialect::Soap, Dialect::Pox]);
    }
}
