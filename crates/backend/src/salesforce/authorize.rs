//! A refresh token from the browser: the web-server flow with PKCE (RFC 6749 §4.1, RFC 7636).
//!
//! A server has no browser, and its administrator's browser can't reach a port of it. So the browser ends at a page of Salesforce's own,
//! whose address holds the code, and the administrator brings that address.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::error::of_token_answer;
use super::rest::TIMEOUT;
use super::settings::Settings;
use crate::Token;
use crate::crm::CrmError;
use crate::transport::{base_url, classify, http_client, json_body};

/// Where the browser ends. The External Client App must name it as a callback URL.
pub const CALLBACK: &str = "https://login.salesforce.com/services/oauth2/success";

/// A sign-in under way.
#[derive(Debug)]
pub struct Authorization {
    /// What the administrator opens.
    pub url: String,
    state: String,
    verifier: Token,
}

impl Authorization {
    /// Begins one.
    pub fn begin(settings: &Settings) -> Result<Self, CrmError> {
        // RFC 7636 §4.1: 43 to 128 characters that can't be guessed.
        let verifier = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let state = Uuid::new_v4().simple().to_string();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let mut url = endpoint(settings, "authorize")?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", CALLBACK)
            .append_pair("scope", "api refresh_token")
            .append_pair("state", &state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            // Not as whoever happens to be signed in, but as the integration user.
            .append_pair("prompt", "login");
        Ok(Self { url: url.into(), state, verifier: Token::new(verifier) })
    }

    /// Exchanges the code in the address at which the browser ended for a refresh token.
    pub async fn finish(&self, settings: &Settings, address: &str) -> Result<Token, CrmError> {
        let code = self.code(address)?;
        let url = endpoint(settings, "token")?;
        let secret = settings.client_secret.as_ref().map(crate::SecretSource::read).transpose()?;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("client_id", settings.client_id.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", self.verifier.expose()),
        ];
        form.extend(secret.as_ref().map(|secret| ("client_secret", secret.expose())));
        let http = http_client(&url, settings.ca_file.as_deref())?;
        let answer = http.post(url.clone()).form(&form).timeout(TIMEOUT).send().await;
        let response = answer.map_err(|error| classify(&error, &url))?;
        let status = response.status().as_u16();
        let body = json_body(response, &url).await?.unwrap_or_default();
        match (status, body.get("refresh_token").and_then(Value::as_str)) {
            (200, Some(token)) => Ok(Token::new(token)),
            (200, None) => Err(CrmError::SignIn(
                "Salesforce gave no refresh token: the External Client App needs the scope “Perform requests at any time (refresh_token)”.",
            )),
            (status, _) => Err(of_token_answer(status, &body)),
        }
    }

    fn code(&self, address: &str) -> Result<String, CrmError> {
        const OTHER: CrmError = CrmError::SignIn(
            "This is not the address that the browser ended at. It begins with https://login.salesforce.com/services/oauth2/success?code=.",
        );
        let url: Url = address.trim().parse().map_err(|_| OTHER)?;
        let parameter =
            |name: &str| url.query_pairs().find(|(n, _)| n == name).map(|(_, value)| value.into_owned());
        if parameter("error").is_some() {
            return Err(CrmError::SignIn("Salesforce says that access was denied."));
        }
        if parameter("state").as_ref() != Some(&self.state) {
            return Err(OTHER);
        }
        parameter("code").ok_or(OTHER)
    }
}

fn endpoint(settings: &Settings, name: &str) -> Result<Url, CrmError> {
    let base = base_url(&settings.url)?;
    base.join(&format!("services/oauth2/{name}"))
        .map_err(|_| CrmError::Settings("The address is not a URL.".into()))
}
