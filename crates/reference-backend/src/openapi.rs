//! The OpenAPI 3.1 document, made from the code.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::api;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Answerback backend",
        description = "What the laptops of sales reps and the sales platform say to each other: tracked sends in, replies out. \
                       Three operations suffice for a laptop: `GET /v1/sends`, `GET /v1/policy` and `POST /v1/events`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        api::sends::read, api::sends::write, api::sends::remove, api::events::push, api::events::pull,
        api::oauth::begin, api::oauth::token, api::laptops::list, api::laptops::revoke, api::gate::read, api::policy::read, api::policy::write, api::campaigns::write,
        api::webhooks::create, api::webhooks::list, api::webhooks::change, api::webhooks::remove, api::webhooks::rotate,
        api::webhooks::test, api::webhooks::dead_letters, api::webhooks::redeliver,
        api::operations::healthz, api::operations::readyz, api::operations::metrics, api::operations::openapi,
    ),
    components(schemas(
        answerback_backend::event::Stop, answerback_backend::event::Pause, answerback_backend::event::Suppress,
        answerback_backend::event::Log, answerback_backend::event::Retract, answerback_backend::event::Coverage,
    )),
    tags(
        (name = "laptop", description = "For the agent on a rep's laptop, with that laptop's token"),
        (name = "platform", description = "For the sales platform behind, with its own token"),
        (name = "pairing", description = "For a laptop that has no token yet (RFC 8628), and for the next one"),
        (name = "operations", description = "For those who run the server; no token"),
    ),
    modifiers(&Tokens),
)]
struct Document;

struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        for (name, whose) in
            [("laptop", "The token of a rep's laptop"), ("platform", "The token of the platform behind")]
        {
            let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(whose)).build();
            components.add_security_scheme(name, SecurityScheme::Http(bearer));
        }
    }
}

/// The document as JSON text, with a line break at its end.
pub fn json() -> String {
    Document::openapi().to_pretty_json().map(|json| json + "\n").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_in_docs_is_that_of_the_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(written == json(), "docs/openapi.json is stale: run `cargo xtask openapi`");
    }
}
