//! What every page looks like.

use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::session::Session;
use crate::problem::ApiError;
use crate::store::StoreError;

/// No script at all, styles from here only, and no other site may show these pages in a frame.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// A page of the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Overview,
    Campaigns,
    Answers,
    Suppressed,
    Laptops,
    Webhooks,
    Salesforce,
}

const MENU: [(Place, &str, &str); 7] = [
    (Place::Overview, "/admin", "Overview"),
    (Place::Campaigns, "/admin/campaigns", "Campaigns"),
    (Place::Answers, "/admin/answers", "Answers"),
    (Place::Suppressed, "/admin/suppressed", "Suppressed"),
    (Place::Laptops, "/admin/laptops", "Laptops"),
    (Place::Webhooks, "/admin/webhooks", "Webhooks"),
    (Place::Salesforce, "/admin/salesforce", "Salesforce"),
];

/// A page for somebody who has signed in.
pub fn page(session: &Session, place: Place, title: &str, body: &Markup) -> Response {
    page_with(StatusCode::OK, session, place, title, body)
}

/// The same with another status.
pub fn page_with(
    status: StatusCode,
    session: &Session,
    place: Place,
    title: &str,
    body: &Markup,
) -> Response {
    let menu = html! {
        header.top {
            div {
                a.brand href="/admin" { "Answerback" span { bdi { (session.org) } } }
                nav aria-label="Pages" {
                    @for (at, path, name) in MENU {
                        a href=(path) aria-current=[(at == place).then_some("page")] { (name) }
                    }
                }
                form.inline method="post" action="/admin/sign-out" {
                    (session.field())
                    button.link { "Sign out" }
                }
            }
        }
    };
    document(status, title, &html! { (menu) main #main { (body) } })
}

/// A page for anybody.
pub fn plain(status: StatusCode, title: &str, body: &Markup) -> Response {
    document(status, title, &html! { main.narrow #main { (body) } })
}

fn document(status: StatusCode, title: &str, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " · Answerback" }
                link rel="stylesheet" href="/admin/style.css";
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                (body)
            }
        }
    };
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (OPENER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ];
    (status, headers, page).into_response()
}

/// What a page can fail with, as a page.
#[derive(Debug)]
pub struct PageError(pub ApiError);

impl From<ApiError> for PageError {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let status = self.0.status();
        let title = status.canonical_reason().unwrap_or("Error");
        let body = html! {
            h1 { (title) }
            p.lead { (self.0) }
            p { a href="/admin" { "To the overview" } }
        };
        plain(status, title, &body)
    }
}

/// What stands where a table would be empty.
pub fn empty(title: &str, advice: &str) -> Markup {
    html! { div.card { p.empty { strong { (title) } (advice) } } }
}

/// Links to the pages before and after; `path` ends with `?` or `&`.
pub fn pages(path: &str, page: i64, more: bool) -> Markup {
    html! {
        @if page > 0 || more {
            div.pages {
                @if page > 0 { a href={ (path) "page=" (page - 1) } rel="prev" { "← Newer" } } @else { span {} }
                @if more { a href={ (path) "page=" (page + 1) } rel="next" { "Older →" } }
            }
        }
    }
}
