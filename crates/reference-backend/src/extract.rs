//! What handlers take from a request: who asks, the query, the body. Each failure is a problem.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Query, Request};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::ApiError;
use crate::server::App;
use crate::store::tokens::Principal;

/// A body that takes longer than this is not waited for.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A rep's laptop.
#[derive(Clone, Debug)]
pub struct Laptop {
    /// The organisation.
    pub org: String,
    /// The rep.
    pub rep: String,
}

/// The platform behind.
#[derive(Clone, Debug)]
pub struct Platform {
    /// The organisation.
    pub org: String,
}

/// Anybody with a good token.
#[derive(Clone, Debug)]
pub struct Anybody(pub Principal);

impl FromRequestParts<App> for Anybody {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let header =
            parts.headers.get(AUTHORIZATION).and_then(|h| h.to_str().ok()).ok_or(ApiError::Unauthorised)?;
        let (scheme, token) = header.split_once(' ').ok_or(ApiError::Unauthorised)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(ApiError::Unauthorised);
        }
        let token = token.trim();
        app.holder(token)?;
        match app.store.principal(token).await? {
            Some(principal) => Ok(Self(principal)),
            None => {
                let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
                peer.map_or(Ok(()), |ConnectInfo(peer)| app.strangers(*peer, &parts.headers))?;
                Err(ApiError::Unauthorised)
            }
        }
    }
}

impl FromRequestParts<App> for Laptop {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Anybody(Principal { org, rep }) = Anybody::from_request_parts(parts, app).await?;
        rep.map(|rep| Self { org, rep }).ok_or(ApiError::Forbidden("a laptop"))
    }
}

impl FromRequestParts<App> for Platform {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        match Anybody::from_request_parts(parts, app).await?.0 {
            Principal { org, rep: None } => Ok(Self { org }),
            Principal { .. } => Err(ApiError::Forbidden("the platform")),
        }
    }
}

/// The query.
#[derive(Clone, Copy, Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(params)| Self(params)).map_err(|e| ApiError::Invalid(e.body_text()))
    }
}

/// The body, unpacked, within the route's limit.
#[derive(Clone, Debug)]
pub struct Body(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let body = tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, state)).await;
        let body = body.map_err(|_| ApiError::Invalid("The body took too long.".into()))?;
        body.map(Self).map_err(|e| match e.status() {
            axum::http::StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge("The body is too large.".into()),
            _ => ApiError::Invalid("The body could not be read.".into()),
        })
    }
}

impl Body {
    /// The body as a JSON object, whose members of these names are objects as well: serde would take an array for a struct.
    pub fn object<T: DeserializeOwned>(&self, members: &[&str]) -> Result<T, ApiError> {
        let value: Value = self.json()?;
        if !value.is_object()
            || members.iter().filter_map(|name| value.get(name)).any(|member| !member.is_object())
        {
            return Err(ApiError::Invalid("The body is not what it must be: an object.".into()));
        }
        serde_json::from_value(whole_numbers(value))
            .map_err(|e| ApiError::Invalid(format!("The body is not what it must be: {e}.")))
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_slice(&self.0)
            .map_err(|e| ApiError::Invalid(format!("The body is not what it must be: {e}.")))
    }
}

/// JSON knows one sort of number: 3.0 is a whole one, and some clients write it so.
fn whole_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 9e15);
            // Exact: doubles hold whole numbers of up to 2^53.
            whole.filter(|_| number.is_f64()).map_or(Value::Number(number), |n| Value::from(n as i64))
        }
        Value::Array(members) => members.into_iter().map(whole_numbers).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, member)| (name, whole_numbers(member))).collect()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        let (odd, plain) = (json!({"a": [3.0, -0.0, 0.5, 1e300]}), json!({"a": [3, 0, 0.5, 1e300]}));
        assert_eq!(whole_numbers(odd), plain);
    }
}
