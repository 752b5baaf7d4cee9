//! `/v1/gate`: may the next step go out?

use answerback_backend::{Gate, GateState, Problem};
use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Denied;
use crate::extract::{Params, Platform};
use crate::problem::ApiError;
use crate::server::App;
use crate::store::enrolments::Enrolment;

/// Whose next step: a send of theirs, or the platform's own ids.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GateParams {
    /// A send to the prospect in the campaign.
    send_id: Option<String>,
    /// The prospect, with `campaign_id`.
    prospect_id: Option<String>,
    /// The campaign, with `prospect_id`.
    campaign_id: Option<String>,
}

/// May the next step go out? Ask right before it is sent.
#[utoipa::path(
    get, path = "/v1/gate", tag = "platform", security(("platform" = [])), params(GateParams),
    responses(
        (status = 200, description = "The answer", body = Gate),
        (status = 404, description = "There is no such send", body = Problem, content_type = "application/problem+json"),
        Denied,
    )
)]
pub async fn read(
    State(app): State<App>,
    platform: Platform,
    Params(params): Params<GateParams>,
) -> Result<Json<Gate>, ApiError> {
    let of = match (&params.send_id, &params.campaign_id, &params.prospect_id) {
        (Some(send), None, None) => Enrolment::OfSend(send),
        (None, Some(campaign), Some(prospect)) => Enrolment::Of { campaign, prospect },
        _ => return Err(ApiError::Invalid("Give send_id, or prospect_id and campaign_id.".into())),
    };
    let gate = app.store.gate(&platform.org, &of, Timestamp::now()).await?;
    let gate = gate.ok_or(ApiError::NotFound("There is no such send."))?;
    app.metrics.gate(match gate.state {
        GateState::Clear => "clear",
        GateState::Hold => "hold",
        GateState::Paused => "paused",
        GateState::Stopped => "stopped",
    });
    Ok(Json(gate))
}
