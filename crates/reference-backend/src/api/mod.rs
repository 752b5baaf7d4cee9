//! The resources of the contract.
#![allow(unused_qualifications, reason = "the path macro of utoipa names the parameters' types in full")]

pub mod campaigns;
pub mod events;
pub mod gate;
pub mod laptops;
pub mod oauth;
pub mod operations;
pub mod policy;
pub mod sends;
pub mod webhooks;

use answerback_backend::Problem;
use utoipa::IntoResponses;

/// What every resource with a token may answer.
#[derive(Debug, IntoResponses)]
#[expect(dead_code, reason = "describes answers in the OpenAPI document")]
pub(crate) enum Denied {
    /// A parameter or the body is not what it must be.
    #[response(status = 400, content_type = "application/problem+json")]
    Invalid(Problem),
    /// The token is missing, unknown, has run out or was revoked.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorised(Problem),
    /// A laptop's token where the platform's is needed, or the other way round.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// Too many requests with this token; wait as long as Retry-After says.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(Problem),
    /// The database is not available; try again.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}
