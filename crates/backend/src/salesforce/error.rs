//! What Salesforce's errors mean.

use serde_json::Value;

use super::settings::is_name;
use crate::crm::CrmError;

/// What was being done, so that the missing permission can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// Reading this object.
    Read(&'a str),
    /// Creating a record of it.
    Create(&'a str),
    /// Changing a record of it.
    Edit(&'a str),
    /// Deleting a record of it.
    Delete(&'a str),
    /// Anything at all.
    Any,
}

impl Operation<'_> {
    /// Whether entries can be made without it: campaigns, cadences and opt-outs are beside them.
    fn is_optional(self) -> bool {
        matches!(self, Self::Edit(_) | Self::Read("CampaignMember" | "ActionCadenceTracker"))
    }

    /// The permission that it needs, as Salesforce's set-up names it.
    pub fn permission(self) -> String {
        match self {
            Self::Any => "“API Enabled”, in one of the user's permission sets.".into(),
            Self::Read("OpportunityContactRole" | "Opportunity") => "“Read” on Opportunities.".into(),
            Self::Read("EmailMessage" | "EmailMessageRelation" | "Task") => "“Access Activities”.".into(),
            Self::Create("EmailMessage" | "EmailMessageRelation" | "Task") | Self::Edit("Task") => {
                "“Edit Tasks” and “Access Activities”, and edit access to the record that it is logged to."
                    .into()
            }
            Self::Delete("EmailMessage" | "Task") => "“Edit Tasks” and “Delete” on what it logged.".into(),
            Self::Read("ActionCadenceTracker") | Self::Edit("ActionCadenceTracker") => {
                "the permission set “Sales Engagement User”.".into()
            }
            Self::Edit("CampaignMember") => {
                "“Edit” on Campaigns, and the user's “Marketing User” feature licence.".into()
            }
            Self::Read(object) => format!("“Read” on {object}."),
            Self::Create(object) => format!("“Create” on {object}."),
            Self::Edit(object) => format!("“Edit” on {object}, and edit access to the record."),
            Self::Delete(object) => format!("“Delete” on {object}."),
        }
    }
}

/// From an error answer: a list of `{"errorCode", "message", "fields"}`, in collections with `statusCode` for the code, or an action's
/// results that hold such lists.
pub fn of_answer(status: u16, body: &Value, operation: Operation<'_>) -> CrmError {
    let first_of = |value: &'_ Value| value.as_array().and_then(|errors| errors.first()).cloned();
    let first = first_of(body).unwrap_or_else(|| body.clone());
    let first = first.get("errors").and_then(first_of).unwrap_or(first);
    let text = |name| first.get(name).and_then(Value::as_str);
    let code = text("errorCode").or(text("statusCode")).filter(|code| is_name(code));
    let named = first.get("fields").and_then(Value::as_array).into_iter().flatten();
    let mut fields: Vec<String> =
        named.filter_map(Value::as_str).filter(|f| is_name(f)).map(str::to_owned).collect();
    if fields.is_empty() {
        fields.extend(column(text("message").unwrap_or_default()).map(str::to_owned));
    }
    of_code(status, code, fields, operation)
}

fn of_code(status: u16, code: Option<&str>, fields: Vec<String>, operation: Operation<'_>) -> CrmError {
    let Some(code) = code else {
        return match status {
            401 => CrmError::Session,
            408 | 429 | 500..=599 => CrmError::Unavailable(format!("HTTP {status}")),
            404 => CrmError::Missing("HTTP 404".into()),
            _ => CrmError::Refused { code: format!("HTTP {status}"), fields },
        };
    };
    let forbidden = |needs: String| CrmError::Forbidden {
        code: code.to_owned(),
        needs,
        optional: operation.is_optional(),
    };
    match code {
        "INVALID_SESSION_ID" | "INVALID_AUTH_HEADER" => CrmError::Session,
        "REQUEST_LIMIT_EXCEEDED" => CrmError::RequestLimit,
        "UNABLE_TO_LOCK_ROW" => CrmError::Locked,
        "SERVER_UNAVAILABLE" | "QUERY_TIMEOUT" => CrmError::Unavailable(code.to_owned()),
        "DUPLICATE_VALUE" => CrmError::Duplicate,
        "NOT_FOUND" | "ENTITY_IS_DELETED" | "INVALID_CROSS_REFERENCE_KEY" => {
            CrmError::Missing(code.to_owned())
        }
        "API_CURRENTLY_DISABLED" | "API_DISABLED_FOR_ORG" => {
            CrmError::Forbidden { code: code.to_owned(), needs: Operation::Any.permission(), optional: false }
        }
        // A field that the user may not see does not exist for the user.
        "INVALID_FIELD" | "INVALID_FIELD_FOR_INSERT_UPDATE" => forbidden(match fields.first() {
            Some(field) => {
                format!("edit access to the field {field} (field-level security), or the field is missing.")
            }
            None => operation.permission(),
        }),
        "INVALID_TYPE" => forbidden(operation.permission()),
        _ if code.starts_with("INSUFFICIENT_ACCESS") => forbidden(operation.permission()),
        _ if status >= 500 => CrmError::Unavailable(code.to_owned()),
        _ => CrmError::Refused { code: code.to_owned(), fields },
    }
}

/// Why no token was given (RFC 6749 §5.2, and Salesforce's descriptions of `invalid_grant`).
pub fn of_token_answer(status: u16, body: &Value) -> CrmError {
    let text = |name| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let description = text("error_description").to_ascii_lowercase();
    match text("error") {
        "invalid_grant" if description.contains("ip restricted") => CrmError::SignIn(
            "Salesforce does not let the integration user in from this server's address. Add it to the login IP ranges of \
             the user's profile, or relax IP restrictions in the External Client App's policies.",
        ),
        "invalid_grant"
            if description.contains("client credentials")
                || description.contains("no client credentials user") =>
        {
            CrmError::SignIn(
                "The External Client App has no user to run as. Set one under its client-credentials flow.",
            )
        }
        "invalid_client" | "invalid_client_id" => CrmError::SignIn(
            "Salesforce does not know the client id, or the client secret is wrong. Copy both from the External Client App \
             again; a new app needs some minutes before it is known.",
        ),
        "unsupported_grant_type" => CrmError::SignIn(
            "The client-credentials flow is not enabled for the External Client App. Enable it there.",
        ),
        "invalid_grant" if description.contains("refresh token") || description.contains("expired") => {
            CrmError::SignIn(
                "The refresh token has been revoked or has expired. Sign the integration user in again and put the new token into \
                 the file.",
            )
        }
        "inactive_user" | "inactive_org" => {
            CrmError::SignIn("The integration user or the organisation is inactive.")
        }
        "rate_limit_exceeded" => CrmError::Unavailable("too many sign-ins".into()),
        "" if status >= 500 || status == 429 => CrmError::Unavailable(format!("HTTP {status}")),
        _ => CrmError::SignIn(
            "Salesforce refused the sign-in. Check the client id and secret, and that the client-credentials flow has a user; \
             it works only at the organisation's own My Domain address.",
        ),
    }
}

/// The field in "No such column 'X' on entity 'Y'".
fn column(message: &str) -> Option<&str> {
    let (_, after) = message.split_once("No such column '")?;
    let (name, _) = after.split_once('\'')?;
    is_name(name).then_some(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(status: u16, code: &str, operation: Operation<'_>) -> CrmError {
        of_answer(status, &json!([{"errorCode": code, "message": "flynn@flynnsarcade.com"}]), operation)
    }

    #[test]
    fn each_code_has_its_meaning() {
        let any = Operation::Any;
        assert_eq!(of(401, "INVALID_SESSION_ID", any), CrmError::Session);
        assert_eq!(of(403, "REQUEST_LIMIT_EXCEEDED", any), CrmError::RequestLimit);
        assert_eq!(of(400, "UNABLE_TO_LOCK_ROW", any), CrmError::Locked);
        assert_eq!(of(400, "DUPLICATE_VALUE", any), CrmError::Duplicate);
        assert!(matches!(of(503, "SERVER_UNAVAILABLE", any), CrmError::Unavailable(_)));
        assert!(matches!(of(404, "ENTITY_IS_DELETED", any), CrmError::Missing(_)));
        assert!(matches!(of(400, "STRING_TOO_LONG", any), CrmError::Refused { .. }));
        assert!(matches!(of_answer(502, &Value::Null, any), CrmError::Unavailable(_)));
    }

    #[test]
    fn a_missing_permission_is_named() {
        for (code, operation, words) in [
            ("INSUFFICIENT_ACCESS_OR_READONLY", Operation::Create("EmailMessage"), "Edit Tasks"),
            (
                "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
                Operation::Edit("CampaignMember"),
                "Marketing User",
            ),
            ("INSUFFICIENT_ACCESS", Operation::Edit("Contact"), "“Edit” on Contact"),
            ("API_CURRENTLY_DISABLED", Operation::Any, "API Enabled"),
            ("INVALID_TYPE", Operation::Read("Lead"), "“Read” on Lead"),
        ] {
            let error = of(403, code, operation);
            assert!(
                matches!(error, CrmError::Forbidden { .. }) && error.to_string().contains(words),
                "{error}"
            );
        }
        let hidden = json!([{"errorCode": "INVALID_FIELD",
            "message": "\nSELECT X__c FROM Lead\nERROR: No such column 'X__c' on entity 'Lead'."}]);
        assert!(of_answer(400, &hidden, Operation::Any).to_string().contains("X__c"));
    }

    #[test]
    fn what_salesforce_says_is_not_repeated() {
        let body = json!([{"errorCode": "STRING_TOO_LONG", "message": "Subject: secret", "fields": ["Subject", "se cret"]}]);
        let text = of_answer(400, &body, Operation::Any).to_string();
        assert_eq!(text, "It was refused (STRING_TOO_LONG: Subject).");
    }

    #[test]
    fn a_refused_sign_in_says_what_to_do() {
        for (error, description, words) in [
            ("invalid_grant", "ip restricted", "login IP ranges"),
            ("invalid_client", "invalid client credentials", "client secret"),
            ("invalid_grant", "no client credentials user enabled", "no user to run as"),
            ("invalid_grant", "request not supported on this domain", "My Domain"),
            ("invalid_grant", "expired access/refresh token", "Sign the integration user in again"),
        ] {
            let answer = json!({"error": error, "error_description": description});
            assert!(of_token_answer(400, &answer).to_string().contains(words), "{description}");
        }
    }
}
