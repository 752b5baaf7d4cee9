//! The pages for an organisation's administrator: which campaigns there are, who answered and why, which laptops watch.
//!
//! Rendered on the server, without script. Whoever signs in shows the platform's token once and gets a cookie that no script can
//! read and no other site can send; each form carries a token of its session besides.

mod answers;
mod campaigns;
mod laptops;
mod layout;
mod mapping;
mod overview;
mod person;
mod salesforce;
mod session;
mod suppressed;
mod webhooks;
mod words;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};

use crate::server::App;

const MAX_FORM_BYTES: usize = 64 * 1024;
/// Rows of a table at most.
const PAGE: i64 = 50;

/// Every page.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin", get(overview::show))
        .route("/admin/", get(async || Redirect::permanent("/admin")))
        .route("/admin/style.css", get(style))
        .route("/admin/sign-in", get(session::ask).post(session::sign_in))
        .route("/admin/sign-out", post(session::sign_out))
        .route("/admin/campaigns", get(campaigns::list))
        .route("/admin/campaign", get(campaigns::show))
        .route("/admin/person", get(person::show))
        .route("/admin/answers", get(answers::list))
        .route("/admin/suppressed", get(suppressed::list))
        .route("/admin/laptops", get(laptops::list))
        .route("/admin/laptops/revoke", post(laptops::revoke))
        .route("/admin/webhooks", get(webhooks::list).post(webhooks::add))
        .route("/admin/webhooks/test", post(webhooks::test))
        .route("/admin/webhooks/redeliver", post(webhooks::redeliver))
        .route("/admin/webhooks/remove", post(webhooks::remove))
        .route("/admin/salesforce", get(salesforce::show))
        .route("/admin/salesforce/check", post(salesforce::check))
        .route("/admin/salesforce/test", post(salesforce::test))
        .route("/admin/salesforce/mapping", post(salesforce::save))
        .route("/admin/salesforce/reset", post(salesforce::reset))
        .route("/pair", get(laptops::ask).post(laptops::decide))
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
}

async fn style() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=3600")];
    (headers, include_str!("style.css"))
}
