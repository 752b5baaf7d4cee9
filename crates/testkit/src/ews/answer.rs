//! Answers over HTTP, as they should be and as they should not.

use axum::body::{Body, Bytes};
use axum::http::{Response, StatusCode};
use futures::StreamExt as _;

use super::door::Refusal;

pub(super) fn web_page() -> Response<Body> {
    respond(StatusCode::OK, "<html><body>Welcome to our guest network</body></html>".into())
}

pub(super) fn redirect(to: &str) -> Response<Body> {
    let mut response = respond(StatusCode::FOUND, Body::empty());
    if let Ok(to) = to.parse() {
        response.headers_mut().insert("Location", to);
    }
    response
}

pub(super) fn shut_out(offers: Refusal) -> Response<Body> {
    let mut response = respond(StatusCode::UNAUTHORIZED, "You may not come in.".into());
    for offer in offers {
        if let Ok(offer) = offer.parse() {
            response.headers_mut().append("WWW-Authenticate", offer);
        }
    }
    response
}

/// Faults come with 500.
pub(super) fn fault(text: String) -> Response<Body> {
    respond(StatusCode::INTERNAL_SERVER_ERROR, text.into())
}

pub(super) fn respond(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Ok(kind) = "text/xml; charset=utf-8".parse() {
        response.headers_mut().insert("Content-Type", kind);
    }
    response
}

/// The connection ends in the middle.
pub(super) fn cut(text: String, at: usize) -> Response<Body> {
    let mut bytes = text.into_bytes();
    bytes.truncate(at.min(bytes.len().saturating_sub(1)));
    let part = futures::stream::once(async move { Ok::<_, std::io::Error>(Bytes::from(bytes)) });
    let end = futures::stream::once(async { Err(std::io::ErrorKind::ConnectionReset.into()) });
    respond(StatusCode::OK, Body::from_stream(part.chain(end)))
}
