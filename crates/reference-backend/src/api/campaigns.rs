//! `/v1/campaigns`: what the platform says about a campaign.

use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::Denied;
use crate::extract::{Body, Platform};
use crate::problem::ApiError;
use crate::server::App;
use crate::store::enrolments::CampaignSettings;

/// Sets a campaign's grace time and longest hold, and whether it is finished.
#[utoipa::path(
    put, path = "/v1/campaigns/{id}", tag = "platform", security(("platform" = [])), request_body = CampaignSettings,
    params(("id" = String, Path, description = "The campaign's id")),
    responses((status = 204, description = "It is set"), Denied)
)]
pub async fn write(
    State(app): State<App>,
    platform: Platform,
    Path(id): Path<String>,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let settings: CampaignSettings = body.object(&[])?;
    app.store.set_campaign(&platform.org, &id, &settings).await?;
    Ok(StatusCode::NO_CONTENT)
}
