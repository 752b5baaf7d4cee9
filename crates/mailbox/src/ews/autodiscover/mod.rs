//! Where an address's Exchange server is, as the organisation's Autodiscover service says: asked in SOAP, and in plain old XML where it
//! gives no answer to that, as Microsoft advises.
//!
//! Only `autodiscover.DOMAIN` is asked. Who signs in there may have to give the password away; therefore neither the domain's web site
//! nor a domain above it is asked, nor DNS, and no redirection is followed out of the domain: each of these has given passwords away
//! to strangers.

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

/// The URL of the address's EWS.
pub(super) async fn url(settings: &EwsSettings, credential: &Credential) -> Result<String, Error> {
    let domain = settings.address.rsplit('@').next().unwrap_or_default().to_lowercase();
    let base = match &settings.place {
        Place::Url(url) => return Ok(url.clone()),
        Place::Autodiscover(Some(url)) => url.clone(),
        Place::Autodiscover(None) => format!("https://autodiscover.{domain}/autodiscover/autodiscover"),
    };
    let mut silence = None;
    for service in services(&base) {
        match follow(settings, credential, &domain, service).await {
            // It answers, and not with what was asked: perhaps it does to the other question.
            Err(error) if matches!(error.kind, ErrorKind::Unsupported | ErrorKind::Settings) => {
                silence = Some(error);
            }
            // A wrong password among others: a second try could lock the account.
            result => return result,
        }
    }
    Err(silence.unwrap_or_else(|| Error::new(ErrorKind::Settings, format!("no Autodiscover of {domain}"))))
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
    domain: &str,
    mut service: Service,
) -> Result<String, Error> {
    let mut address = settings.address.clone();
    for _ in 0..HOPS {
        match ask(settings, credential, &service, &address).await? {
            Answer::Found(url) => return Ok(url),
            Answer::Address(other) => address = other,
            Answer::Elsewhere(other) if is_within(&other, &service.url, domain) => {
                let dialect = Dialect::of(&other).unwrap_or(service.dialect);
                service = Service { url: other, dialect };
            }
            Answer::Elsewhere(other) => {
                let host = Url::parse(&other).ok().and_then(|url| url.host_str().map(str::to_owned));
                let host = host.unwrap_or_default();
                return Err(Error::new(
                    ErrorKind::Settings,
                    format!("Autodiscover of {domain} sends us on to {host}, which is not followed"),
                ));
            }
            Answer::Busy => {
                let host = Url::parse(&service.url).ok().and_then(|url| url.host_str().map(str::to_owned));
                return Err(Refusal::new(503, "", None).into_error(&host.unwrap_or_default()));
            }
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
