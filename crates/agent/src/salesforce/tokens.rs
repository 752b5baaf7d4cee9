//! The rep's access tokens as the connector asks for them.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use answerback_backend::Token;
use answerback_backend::crm::CrmError;
use answerback_backend::salesforce::{Given, UserTokens};
use answerback_provider::{AccessTokens, OauthError};

use crate::view::Problem;

/// The rep's access tokens.
#[derive(Debug)]
pub struct RepTokens {
    tokens: AccessTokens,
    url: String,
    /// What the sign-in failed at: the connector knows only that there was no token.
    trouble: Mutex<Option<Problem>>,
}

impl RepTokens {
    /// Of the Salesforce at this address.
    pub fn new(tokens: AccessTokens, url: &str) -> Self {
        Self { tokens, url: url.to_owned(), trouble: Mutex::default() }
    }

    /// What the sign-in failed at, where it was that.
    pub fn take_trouble(&self) -> Option<Problem> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn get(&self, refused: bool) -> Result<Given, OauthError> {
        if refused {
            self.tokens.forget().await;
        }
        let token = self.tokens.access_token().await?;
        let instance = token.instance_url().unwrap_or(&self.url).to_owned();
        let identity = token.identity().map(str::to_owned);
        Ok(Given { token: Token::new(token.expose()), instance, identity })
    }
}

impl UserTokens for RepTokens {
    fn token(&self, refused: bool) -> Pin<Box<dyn Future<Output = Result<Given, CrmError>> + Send + '_>> {
        Box::pin(async move {
            self.get(refused).await.map_err(|error| {
                let problem = Problem::of_salesforce_sign_in(&error, &self.url);
                *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
                CrmError::SignIn("Nobody is signed in to Salesforce.")
            })
        })
    }
}
