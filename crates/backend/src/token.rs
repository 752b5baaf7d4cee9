//! The bearer token that the laptop shows.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::BackendError;

/// A bearer token. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Takes a token, without the blanks and the line break that copying adds.
    pub fn new(token: impl Into<String>) -> Self {
        let mut token = token.into();
        token.truncate(token.trim_end().len());
        Self(token.trim_start().to_owned())
    }

    /// The token itself, for the Authorization header only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A future that a [`TokenSource`] gives.
pub type TokenFuture<'a> = Pin<Box<dyn Future<Output = Result<Token, BackendError>> + Send + 'a>>;

/// Where the token comes from: it may have to be renewed.
pub trait TokenSource: Send + Sync {
    /// A token to use now. `refused` is one that the backend has just refused: the same must not be given again
    /// if there is any other.
    fn token<'a>(&'a self, refused: Option<&'a Token>) -> TokenFuture<'a>;
}

/// A token that an administrator made: it can't be renewed.
impl TokenSource for Token {
    fn token<'a>(&'a self, refused: Option<&'a Token>) -> TokenFuture<'a> {
        let answer = if refused == Some(self) { Err(BackendError::Unauthorised) } else { Ok(self.clone()) };
        Box::pin(std::future::ready(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_trimmed_and_never_printed() {
        let token = Token::new(" ab_secret\r\n");
        assert_eq!(token.expose(), "ab_secret");
        assert!(!format!("{token:?}").contains("secret"));
    }
}
