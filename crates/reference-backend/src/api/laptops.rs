//! `/v1/laptops`: which laptops are paired, and revoking one.

use answerback_backend::Problem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Denied;
use crate::extract::Platform;
use crate::problem::ApiError;
use crate::server::App;
use crate::store::laptops::Laptop;

/// The organisation's laptops.
#[derive(Debug, Serialize, ToSchema)]
pub struct Laptops {
    /// The newest first, revoked ones included.
    laptops: Vec<Laptop>,
}

/// The laptops that were paired.
#[utoipa::path(
    get, path = "/v1/laptops", tag = "platform", security(("platform" = [])),
    responses((status = 200, description = "They are", body = Laptops), Denied)
)]
pub async fn list(State(app): State<App>, platform: Platform) -> Result<Json<Laptops>, ApiError> {
    Ok(Json(Laptops { laptops: app.store.laptops(&platform.org).await? }))
}

/// Revokes a laptop: its tokens are refused from now on.
#[utoipa::path(
    delete, path = "/v1/laptops/{id}", tag = "platform", security(("platform" = [])),
    params(("id" = String, Path, description = "The laptop's id")),
    responses(
        (status = 204, description = "It is revoked"),
        (status = 404, description = "There is no such laptop", body = Problem, content_type = "application/problem+json"),
        Denied,
    )
)]
pub async fn revoke(
    State(app): State<App>,
    platform: Platform,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    if app.store.revoke_laptop(&platform.org, &id, Timestamp::now()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::NotFound("There is no such laptop."))
    }
}
