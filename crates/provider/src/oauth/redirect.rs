//! What the browser brings back.

use reqwest::Url;

use super::OauthError;
use super::exchange::needs_admin;

/// What a request to our port means.
#[derive(Debug)]
pub(super) enum Returned {
    /// The rep agreed, and this is the code.
    Code(String),
    /// It came to nothing.
    Failed(OauthError),
    /// It has nothing to do with this sign-in: an icon, a guess from another page, an old tab.
    Foreign,
}

/// What must be in it.
pub(super) struct Expected<'a> {
    pub(super) state: &'a str,
    /// Where the provider says who it is (RFC 9207).
    pub(super) issuer: Option<&'a str>,
    pub(super) client_id: &'a str,
}

/// Reads the target of a request, such as `/?code=…&state=…`.
pub(super) fn read(target: &str, expected: &Expected<'_>) -> Returned {
    let Ok(url) = Url::parse("http://127.0.0.1").and_then(|base| base.join(target)) else {
        return Returned::Foreign;
    };
    let one = |name: &str| {
        let mut values = url.query_pairs().filter(|(key, _)| key == name);
        let value = values.next().map(|(_, value)| value.into_owned());
        if values.next().is_some() { None } else { value }
    };
    if one("state").as_deref() != Some(expected.state) {
        return Returned::Foreign;
    }
    if let (Some(stated), Some(issuer)) = (one("iss"), expected.issuer)
        && stated.trim_end_matches('/') != issuer.trim_end_matches('/')
    {
        return Returned::Foreign;
    }
    if let Some(error) = one("error") {
        return Returned::Failed(explain(
            &error,
            &one("error_description").unwrap_or_default(),
            expected.client_id,
        ));
    }
    match one("code") {
        Some(code) if !code.is_empty() => Returned::Code(code),
        _ => Returned::Foreign,
    }
}

fn explain(error: &str, description: &str, client_id: &str) -> OauthError {
    let client_id = client_id.to_owned();
    match error {
        _ if needs_admin(description) => OauthError::AdminConsent { client_id },
        "consent_required" | "interaction_required" => OauthError::AdminConsent { client_id },
        // AADSTS50105, AADSTS53003: not assigned to the program, or kept out by a conditional access rule.
        _ if ["AADSTS50105", "AADSTS53003", "AADSTS7000112"]
            .iter()
            .any(|code| description.contains(code)) =>
        {
            OauthError::Blocked { client_id }
        }
        "admin_policy_enforced" | "org_internal" | "disabled_client" => OauthError::Blocked { client_id },
        // Salesforce: the administrator has blocked the app, or has not approved this user for it.
        "OAUTH_APP_BLOCKED" | "OAUTH_APP_ACCESS_DENIED" => OauthError::Blocked { client_id },
        "access_denied" => OauthError::Denied,
        "unauthorized_client"
        | "invalid_client"
        | "invalid_request"
        | "invalid_scope"
        | "unsupported_response_type" => OauthError::BadClient { host: "the provider".to_owned(), client_id },
        "temporarily_unavailable" | "server_error" => {
            OauthError::Busy { host: "the provider".to_owned(), retry_after: None }
        }
        _ => OauthError::Denied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_with(target: &str) -> Returned {
        read(target, &Expected { state: "st", issuer: Some("https://login.example"), client_id: "id-1" })
    }

    #[test]
    fn only_a_request_with_our_state_counts() {
        assert!(matches!(read_with("/?code=c%201&state=st"), Returned::Code(code) if code == "c 1"));
        for foreign in [
            "/favicon.ico",
            "/?code=c",
            "/?code=c&state=other",
            "/?code=c&state=st&state=other",
            "/?code=&state=st",
            "/?state=st",
            "/?error=access_denied&state=x",
            "/?code=c&state=st&iss=https%3A%2F%2Fevil.example",
            "//[",
            "",
        ] {
            assert!(matches!(read_with(foreign), Returned::Foreign), "{foreign}");
        }
    }

    #[test]
    fn what_the_provider_refuses_is_told_apart() {
        let failed = |query: &str| match read_with(&format!("/?state=st&{query}")) {
            Returned::Failed(error) => error,
            other => panic!("{other:?}"),
        };
        assert!(matches!(failed("error=access_denied"), OauthError::Denied));
        let admin = failed("error=access_denied&error_description=AADSTS90094%3A+Admin+consent");
        assert!(matches!(&admin, OauthError::AdminConsent { client_id } if client_id == "id-1"));
        assert!(admin.to_string().contains("id-1"));
        assert!(matches!(failed("error=admin_policy_enforced"), OauthError::Blocked { .. }));
        assert!(matches!(failed("error=invalid_scope"), OauthError::BadClient { .. }));
        assert!(matches!(failed("error=server_error"), OauthError::Busy { .. }));
        let secret = failed("error=x&error_description=secret-words");
        assert!(!secret.to_string().contains("secret-words"));
    }
}
