//! The HTTP client.

use std::path::Path;
use std::time::Duration;

use reqwest::redirect::Policy;

const CONNECT_LIMIT: Duration = Duration::from_secs(20);
const LIMIT: Duration = Duration::from_secs(60);

/// No answer that is waited for here is longer.
const LONGEST_BODY: usize = 1024 * 1024;

/// A client that trusts the platform's roots and those in `ca_file`, and goes through the system's proxy.
pub(crate) fn client(ca_file: Option<&Path>, redirects: Policy) -> Result<reqwest::Client, String> {
    let tls = answerback_mailbox::tls_config(ca_file).map_err(|error| error.to_string())?;
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT_LIMIT)
        .timeout(LIMIT)
        .redirect(redirects)
        .referer(false)
        .user_agent(concat!("answerback/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|_| "the connection could not be set up".to_owned())
}

/// The body, unless it is longer than anything that makes sense.
pub(crate) async fn body(mut response: reqwest::Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LONGEST_BODY {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// `https`, or plain `http` to this computer.
pub(crate) fn is_safe(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    let here = host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback());
    url.scheme() == "https" || (url.scheme() == "http" && here)
}
