//! Requests to the token endpoint, and what its answers mean.

use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse,
    BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet, EndpointSet,
    ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, StandardRevocableToken, StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use reqwest::{StatusCode, Url, header};
use serde::{Deserialize, Serialize};

use answerback_keychain::Secret;

use super::provider::grants_enough;
use super::tokens::AccessToken;
use super::{Grant, OauthError};
use crate::http;

/// Tokens that say nothing of their life are taken to last as long as Google's and Microsoft's do.
const USUAL_LIFE: Duration = Duration::from_secs(3600);

/// What Salesforce says beside the standard's fields.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Extra {
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl ExtraTokenFields for Extra {}

type TokenAnswer = StandardTokenResponse<Extra, BasicTokenType>;

type Client = oauth2::Client<
    BasicErrorResponse,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// What the HTTP exchange itself came to, before anybody looks into it.
#[derive(Debug, thiserror::Error)]
enum Transport {
    #[error("unreachable")]
    Unreachable,
    #[error("busy")]
    Busy(Option<Duration>),
    #[error("nonsense")]
    Nonsense,
}

/// Redeems the code that the browser brought.
pub(super) async fn redeem(
    http: &reqwest::Client,
    mut grant: Grant,
    code: String,
    verifier: PkceCodeVerifier,
    redirect: &str,
) -> Result<(Grant, AccessToken), OauthError> {
    let client = client_of(&grant)?
        .set_redirect_uri(RedirectUrl::new(redirect.to_owned()).map_err(|_| OauthError::Url)?);
    let asked = client.exchange_code(AuthorizationCode::new(code)).set_pkce_verifier(verifier);
    let answer = asked.request_async(&Carrier(http.clone())).await;
    let answer = answer.map_err(|error| explain(error, &grant))?;
    let refresh_token = answer.refresh_token().ok_or_else(|| OauthError::Nonsense { host: host(&grant) })?;
    grant.refresh_token = Secret::from(refresh_token.secret().as_str());
    let token = access_token(&answer, &grant)?;
    Ok((grant, token))
}

/// Gets a new access token. A provider that rotates gives a new refresh token with it, which is in the grant then.
pub(super) async fn refresh(
    http: &reqwest::Client,
    mut grant: Grant,
) -> Result<(Grant, AccessToken), OauthError> {
    let client = client_of(&grant)?;
    let token = RefreshToken::new(grant.refresh_token.expose().to_owned());
    let answer = client.exchange_refresh_token(&token).request_async(&Carrier(http.clone())).await;
    let answer = answer.map_err(|error| explain(error, &grant))?;
    if let Some(new) = answer.refresh_token() {
        grant.refresh_token = Secret::from(new.secret().as_str());
    }
    let token = access_token(&answer, &grant)?;
    Ok((grant, token))
}

fn client_of(grant: &Grant) -> Result<Client, OauthError> {
    let endpoint = TokenUrl::new(grant.token_endpoint.clone()).map_err(|_| OauthError::Url)?;
    let client = oauth2::Client::new(ClientId::new(grant.client_id.clone()))
        // Google and Microsoft read the client's id from the body; a public client has no password to give.
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(endpoint);
    Ok(match &grant.client_secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose().to_owned())),
        None => client,
    })
}

/// Carries the requests of `oauth2` by our own client.
struct Carrier(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Carrier {
    type Error = Transport;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Transport>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(send(self.0.clone(), request))
    }
}

async fn send(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, Transport> {
    let request = request.try_into().map_err(|_| Transport::Nonsense)?;
    let answer = client.execute(request).await.map_err(|_| Transport::Unreachable)?;
    let status = answer.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        let wait =
            answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        return Err(Transport::Busy(wait.map(Duration::from_secs)));
    }
    let content_type = answer.headers().get(header::CONTENT_TYPE).cloned();
    let body = http::body(answer).await.map_err(|_| Transport::Unreachable)?.ok_or(Transport::Nonsense)?;
    let mut response = HttpResponse::new(body);
    *response.status_mut() = status;
    if let Some(content_type) = content_type {
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    Ok(response)
}

fn access_token(answer: &TokenAnswer, grant: &Grant) -> Result<AccessToken, OauthError> {
    if let Some(scopes) = answer.scopes() {
        let granted: Vec<String> = scopes.iter().map(|scope| scope.to_string()).collect();
        if !grants_enough(&grant.scopes, &granted) {
            return Err(OauthError::ScopeMissing);
        }
    }
    let secret = Secret::from(answer.access_token().secret().as_str());
    let life = answer.expires_in().unwrap_or(USUAL_LIFE);
    let Extra { instance_url, id } = answer.extra_fields().clone();
    Ok(AccessToken::new(secret, Timestamp::now(), life).of_salesforce(instance_url, id))
}

fn explain(error: RequestTokenError<Transport, BasicErrorResponse>, grant: &Grant) -> OauthError {
    let (host, client_id) = (host(grant), grant.client_id.clone());
    match error {
        RequestTokenError::Request(Transport::Unreachable) => OauthError::Unreachable { host },
        RequestTokenError::Request(Transport::Busy(retry_after)) => OauthError::Busy { host, retry_after },
        RequestTokenError::ServerResponse(answer) => {
            let description = answer.error_description().map(String::as_str).unwrap_or_default();
            match answer.error() {
                _ if needs_admin(description) => OauthError::AdminConsent { client_id },
                // Salesforce: the organisation lets its people in from some networks only.
                BasicErrorResponseType::InvalidGrant if description.contains("ip restricted") => {
                    OauthError::WrongNetwork { host }
                }
                BasicErrorResponseType::InvalidGrant => OauthError::SignInAgain,
                BasicErrorResponseType::InvalidClient
                | BasicErrorResponseType::UnauthorizedClient
                | BasicErrorResponseType::InvalidRequest => OauthError::BadClient { host, client_id },
                // Microsoft: the rep must answer a question (second factor, new terms) on the page again.
                BasicErrorResponseType::Extension(code)
                    if code == "interaction_required"
                        || code == "consent_required"
                        || code == "login_required" =>
                {
                    OauthError::SignInAgain
                }
                BasicErrorResponseType::Extension(code) if code == "temporarily_unavailable" => {
                    OauthError::Busy { host, retry_after: None }
                }
                _ => OauthError::Nonsense { host },
            }
        }
        // Its text would hold what the server wrote.
        _ => OauthError::Nonsense { host },
    }
}

/// Microsoft's codes for "nobody here has agreed to this program": the rep may not, an administrator must.
/// <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
pub(super) fn needs_admin(description: &str) -> bool {
    ["AADSTS65001", "AADSTS90094", "AADSTS900941", "AADSTS90095", "AADSTS650056"]
        .iter()
        .any(|code| description.contains(code))
}

/// Who is asked for another token.
pub(super) fn host(grant: &Grant) -> String {
    Url::parse(&grant.token_endpoint).map(|url| host_of(&url)).unwrap_or_default()
}

pub(super) fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

pub(super) fn unreachable(host: &str) -> OauthError {
    OauthError::Unreachable { host: host.to_owned() }
}
