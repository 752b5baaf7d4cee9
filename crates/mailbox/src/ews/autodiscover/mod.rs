//! Where an address's Exchange server is, as the organisation's Autodiscover service says (plain old XML, [MS-OXDSCLI]).
//!
//! Only `autodiscover.DOMAIN` is asked. The password goes along, so neither the domain's web site nor a domain above it is, and no
//! redirection is followed out of the domain: each of these has given passwords away to strangers.

use quick_xml::escape::escape;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{StatusCode, Url};
use roxmltree::Document;

use super::http::sign_in;
use super::response::{child, text_of};
use super::{EwsSettings, Place};
use crate::exchange::web::Site;
use crate::{Credential, Error, ErrorKind};

/// So often one is sent on.
const HOPS: usize = 5;

/// No answer is longer.
const LIMIT: usize = 1024 * 1024;

/// The URL of the address's EWS.
pub(super) async fn url(settings: &EwsSettings, credential: &Credential) -> Result<String, Error> {
    let domain = settings.address.rsplit('@').next().unwrap_or_default().to_lowercase();
    let mut place = match &settings.place {
        Place::Url(url) => return Ok(url.clone()),
        Place::Autodiscover(Some(url)) => url.clone(),
        Place::Autodiscover(None) => format!("https://autodiscover.{domain}/autodiscover/autodiscover.xml"),
    };
    let mut address = settings.address.clone();
    for _ in 0..HOPS {
        match ask(settings, credential, &place, &address).await? {
            Answer::Found(url) => return Ok(url),
            Answer::Address(other) => address = other,
            Answer::Elsewhere(other) if is_within(&other, &place, &domain) => place = other,
            Answer::Elsewhere(other) => {
                let host = Url::parse(&other).ok().and_then(|url| url.host_str().map(str::to_owned));
                let host = host.unwrap_or_default();
                return Err(Error::new(
                    ErrorKind::Settings,
                    format!("Autodiscover of {domain} sends us on to {host}, which is not followed"),
                ));
            }
        }
    }
    Err(Error::new(ErrorKind::Settings, format!("Autodiscover of {domain} sends us on and on")))
}

/// What the service says.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Found(String),
    /// Ask about this address.
    Address(String),
    /// Ask there.
    Elsewhere(String),
}

async fn ask(
    settings: &EwsSettings,
    credential: &Credential,
    place: &str,
    address: &str,
) -> Result<Answer, Error> {
    let site = Site::new(place, "the Autodiscover service", &settings.proxy)?;
    let http =
        site.client(settings.ca_file.as_deref(), &settings.proxy, &[b"http/1.1"], super::http::TIMEOUT)?;
    let request =
        http.post(site.url.clone()).header(CONTENT_TYPE, "text/xml; charset=utf-8").body(request(address));
    let response = sign_in(request, &settings.username, credential).send().await;
    let mut response = response.map_err(|error| site.broken(&error))?;
    if response.status().is_redirection() {
        let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
        return Ok(Answer::Elsewhere(site.url.join(to).map(String::from).unwrap_or_default()));
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        return Err(super::http::refused(&site.host, response.headers(), credential));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| site.broken(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LIMIT {
            break;
        }
    }
    read(&String::from_utf8_lossy(&bytes)).ok_or_else(|| {
        Error::new(
            ErrorKind::Unsupported,
            format!("{} does not say where {address} has its Exchange server", site.host),
        )
    })
}

fn request(address: &str) -> String {
    const SCHEMA: &str = "http://schemas.microsoft.com/exchange/autodiscover/outlook";
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><Autodiscover xmlns=\"{SCHEMA}/requestschema/2006\"><Request>\
         <EMailAddress>{}</EMailAddress><AcceptableResponseSchema>{SCHEMA}/responseschema/2006a</AcceptableResponseSchema>\
         </Request></Autodiscover>",
        escape(address)
    )
}

fn read(text: &str) -> Option<Answer> {
    let document = Document::parse(text).ok()?;
    let account = child(child(document.root_element(), "Response")?, "Account")?;
    match text_of(account, "Action")? {
        "redirectAddr" => Some(Answer::Address(text_of(account, "RedirectAddr")?.to_owned())),
        "redirectUrl" => Some(Answer::Elsewhere(text_of(account, "RedirectUrl")?.to_owned())),
        _ => {
            // From outside, from anywhere, from inside.
            let of_type = |kind: &str| {
                let protocols = account.children().filter(|node| node.tag_name().name() == "Protocol");
                let mut fitting = protocols.filter(|node| text_of(*node, "Type") == Some(kind));
                fitting.find_map(|node| text_of(node, "EwsUrl"))
            };
            let url = ["EXPR", "EXHTTP", "EXCH"].into_iter().find_map(of_type)?;
            Some(Answer::Found(url.to_owned()))
        }
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

    fn answer(account: &str) -> Option<Answer> {
        read(&format!(
            "<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006\"><Response \
             xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a\"><Account>{account}</Account>\
             </Response></Autodiscover>"
        ))
    }

    #[test]
    fn the_url_for_those_outside_goes_before_the_one_for_those_inside() {
        let protocol =
            |kind: &str| format!("<Protocol><Type>{kind}</Type><EwsUrl>https://{kind}/</EwsUrl></Protocol>");
        let both = format!("<Action>settings</Action>{}{}", protocol("EXCH"), protocol("EXPR"));
        assert_eq!(answer(&both), Some(Answer::Found("https://EXPR/".into())));
        let inside = format!("<Action>settings</Action>{}{}", protocol("WEB"), protocol("EXCH"));
        assert_eq!(answer(&inside), Some(Answer::Found("https://EXCH/".into())));
        assert_eq!(answer("<Action>settings</Action>"), None);
        let address = "<Action>redirectAddr</Action><RedirectAddr>rep@other.example</RedirectAddr>";
        assert_eq!(answer(address), Some(Answer::Address("rep@other.example".into())));
        assert_eq!(read("<html/>"), None);
    }

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
}
