//! Whether the domain has an Autodiscover service, and whose. No password and no address is told: that comes later, when
//! the rep has typed one in.

use reqwest::header::{LOCATION, WWW_AUTHENTICATE};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode, Url};

use super::dns::Dns;
use crate::http;
use crate::preset::{self, Preset};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// It is a big provider's.
    pub(super) provider: Option<&'static Preset>,
    /// Hosts with a service that an Exchange server stands behind, perhaps somebody else's.
    pub(super) hosts: Vec<String>,
}

/// Asks DNS where the service is, and the service whether one has to sign in to it.
pub(super) async fn ask(dns: &Dns, template: &str, domain: &str) -> Found {
    let usual = format!("autodiscover.{domain}");
    let (alias, answer, services) =
        tokio::join!(dns.alias(&usual), knock(template, domain), dns.autodiscover(domain));
    let sent_to = answer.as_ref().and_then(sent_to);
    let provider =
        alias.iter().chain(&sent_to).chain(&services).find_map(|host| preset::of_autodiscover(host));
    if provider.is_some() {
        return Found { provider, hosts: Vec::new() };
    }
    let mut hosts = services;
    if answer.is_some_and(|answer| wants_sign_in(&answer)) {
        hosts.insert(0, usual);
        hosts.dedup();
    }
    Found { provider, hosts }
}

async fn knock(template: &str, domain: &str) -> Option<Response> {
    let url = Url::parse(&template.replace("{domain}", domain)).ok()?;
    http::client(None, Policy::none()).ok()?.get(url).send().await.ok()
}

fn sent_to(answer: &Response) -> Option<String> {
    let to = answer.headers().get(LOCATION)?.to_str().ok()?;
    Some(answer.url().join(to).ok()?.host_str()?.to_owned())
}

/// Exchange wants a sign-in before it says anything. The services of hosters' control panels, which know of IMAP only, answer
/// anybody.
fn wants_sign_in(answer: &Response) -> bool {
    answer.status() == StatusCode::UNAUTHORIZED && answer.headers().contains_key(WWW_AUTHENTICATE)
}
