//! What HubSpot's errors mean.

use std::time::Duration;

use serde_json::Value;

use super::settings::is_name;
use crate::crm::CrmError;

/// From an error answer: `{"status": "error", "message", "category", "errors": [{"code", "context"}]}`.
pub fn of_answer(status: u16, body: &Value, retry_after: Option<Duration>) -> CrmError {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let category =
        if text("category").is_empty() { format!("HTTP {status}") } else { code(text("category")) };
    match status {
        401 => CrmError::SignIn(
            "HubSpot does not accept the token. It may have been rotated or the private app deleted: put the app's new token into the file.",
        ),
        403 => CrmError::Forbidden { code: category, needs: scopes(body), optional: false },
        // The day's requests are used up, or those of ten seconds.
        429 if text("policyName") == "DAILY" => CrmError::RequestLimit,
        429 => CrmError::Throttled { retry_after },
        404 => CrmError::Missing(category),
        409 => CrmError::Duplicate,
        // A property with unique values has no category of its own.
        400 if body.to_string().contains("CONFLICTING_UNIQUE_VALUE") => CrmError::Duplicate,
        // 423: "locked while a batch is under way"; 477: an account is being moved.
        423 => CrmError::Locked,
        408 | 477 | 500..=599 => CrmError::Unavailable(format!("HTTP {status}")),
        _ => CrmError::Refused { code: category, fields: properties(body) },
    }
}

/// The scopes that the token lacks.
fn scopes(body: &Value) -> String {
    let listed = body.pointer("/errors/0/context/requiredGranularScopes").and_then(Value::as_array);
    let scopes: Vec<&str> = listed.into_iter().flatten().filter_map(Value::as_str).collect();
    let plain = |scope: &&&str| scope.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    match scopes.iter().filter(plain).copied().collect::<Vec<_>>().join(", ") {
        scopes if scopes.is_empty() => "a scope of the private app".into(),
        scopes => format!("the scope {scopes} of the private app"),
    }
}

/// The properties that are at fault.
fn properties(body: &Value) -> Vec<String> {
    let errors = body.get("errors").and_then(Value::as_array).into_iter().flatten();
    let named = errors.filter_map(|error| error.pointer("/context/propertyName")?.get(0)?.as_str());
    named.filter(|name| is_name(name)).map(str::to_owned).collect()
}

/// A code as it may be shown: in capitals, so that it is no sentence that quotes somebody.
fn code(category: &str) -> String {
    let plain = category.len() <= 60 && category.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    if plain { category.to_owned() } else { "an error".into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_answer_has_its_meaning() {
        let of = |status, body: Value| of_answer(status, &body, Some(Duration::from_secs(7)));
        assert!(matches!(of(401, json!({})), CrmError::SignIn(_)));
        let scope = json!({"category": "MISSING_SCOPES", "errors": [{"context": {"requiredGranularScopes": ["crm.objects.contacts.write"]}}]});
        assert!(of(403, scope).to_string().contains("crm.objects.contacts.write"));
        assert_eq!(of(429, json!({"policyName": "DAILY"})), CrmError::RequestLimit);
        assert_eq!(of(429, json!({"policyName": "SECONDLY"})).retry_after(), Some(Duration::from_secs(7)));
        let taken =
            json!({"category": "VALIDATION_ERROR", "message": "… \"error\":\"CONFLICTING_UNIQUE_VALUE\" …"});
        assert_eq!(of(400, taken), CrmError::Duplicate);
        assert!(matches!(of(502, Value::Null), CrmError::Unavailable(_)));
    }

    #[test]
    fn what_hubspot_says_is_not_repeated() {
        let body = json!({"category": "VALIDATION_ERROR", "message": "secret",
            "errors": [{"message": "secret", "context": {"propertyName": ["hs_email_subject"]}}]});
        assert_eq!(
            of_answer(400, &body, None).to_string(),
            "It was refused (VALIDATION_ERROR: hs_email_subject)."
        );
        let odd = json!({"category": "some sentence"});
        assert_eq!(of_answer(400, &odd, None).to_string(), "It was refused (an error).");
    }
}
