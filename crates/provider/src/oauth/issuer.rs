//! A provider's addresses, from its issuer URL.

use reqwest::{StatusCode, Url};
use serde::Deserialize;

use super::OauthError;
use super::exchange::{host_of, unreachable};
use crate::http;

/// Where a provider's sign-in page and its tokens are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Endpoints {
    #[serde(rename = "authorization_endpoint")]
    pub(super) authorization: String,
    #[serde(rename = "token_endpoint")]
    pub(super) token: String,
    #[serde(default)]
    pub(super) issuer: Option<String>,
}

/// Where an issuer describes itself: OpenID Connect Discovery §4, RFC 8414 §3.
fn descriptions(issuer: &Url) -> [Url; 2] {
    let path = issuer.path().trim_end_matches('/').to_owned();
    let at = |path: String| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url.set_query(None);
        url.set_fragment(None);
        url
    };
    [
        at(format!("{path}/.well-known/openid-configuration")),
        at(format!("/.well-known/oauth-authorization-server{path}")),
    ]
}

/// Asks an issuer for its addresses.
pub(super) async fn discover(client: &reqwest::Client, issuer: &str) -> Result<Endpoints, OauthError> {
    let url = Url::parse(issuer).map_err(|_| OauthError::Url)?;
    let host = host_of(&url);
    for description in descriptions(&url) {
        let answer = client.get(description).send().await.map_err(|_| unreachable(&host))?;
        match answer.status() {
            StatusCode::OK => {
                let body = http::body(answer).await.map_err(|_| unreachable(&host))?;
                return read(issuer, &body.unwrap_or_default()).ok_or(OauthError::Nonsense { host });
            }
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                return Err(OauthError::Busy { host, retry_after: None });
            }
            _ => {}
        }
    }
    Err(OauthError::Nonsense { host })
}

/// A description that is of another issuer could send the rep's code elsewhere (RFC 8414 §3.3).
fn read(issuer: &str, json: &[u8]) -> Option<Endpoints> {
    let endpoints: Endpoints = serde_json::from_slice(json).ok()?;
    let same = |stated: &String| stated.trim_end_matches('/') == issuer.trim_end_matches('/');
    let safe = |url: &str| Url::parse(url).is_ok_and(|url| http::is_safe(&url));
    let sound = endpoints.issuer.as_ref().is_some_and(same)
        && safe(&endpoints.authorization)
        && safe(&endpoints.token);
    sound.then_some(endpoints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_with_a_path_is_asked_in_both_ways() {
        let urls = descriptions(&Url::parse("https://login.example/realms/sales/").unwrap());
        assert_eq!(
            urls.map(|url| url.to_string()),
            [
                "https://login.example/realms/sales/.well-known/openid-configuration",
                "https://login.example/.well-known/oauth-authorization-server/realms/sales"
            ]
        );
    }

    #[test]
    fn a_description_of_another_issuer_or_over_plain_http_is_refused() {
        let json = |issuer: &str, token: &str| {
            format!(
                r#"{{"issuer":"{issuer}","authorization_endpoint":"https://login.example/a","token_endpoint":"{token}"}}"#
            )
        };
        let ask = |issuer: &str, token: &str| read("https://login.example", json(issuer, token).as_bytes());
        assert!(ask("https://login.example/", "https://login.example/t").is_some());
        assert!(ask("https://evil.example", "https://login.example/t").is_none());
        assert!(ask("https://login.example", "http://login.example/t").is_none());
        assert!(read("https://login.example", b"<html>").is_none());
    }
}
