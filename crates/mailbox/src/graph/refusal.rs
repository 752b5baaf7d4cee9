//! What a refusal means.

use std::time::Duration;

use serde_json::Value;

use crate::exchange::pause::{A_WHILE, LONGEST};
use crate::{Error, ErrorKind};

/// An answer that isn't a success.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    code: String,
    pub(super) retry_after: Option<Duration>,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Wait, and ask again.
    NotNow(Duration),
    /// The access token is no good any more.
    Token,
    /// Nobody has allowed it.
    NoConsent,
    /// What was asked for isn't there.
    Gone,
    /// The delta token is not known any more.
    Expired,
    /// The account has no mailbox in Microsoft 365.
    NoMailbox,
    /// Anything else.
    Other,
}

impl Refusal {
    /// `body` is Graph's error object, where there is one.
    pub(super) fn new(status: u16, body: &Value, retry_after: Option<&str>) -> Self {
        let code = body.pointer("/error/code").and_then(Value::as_str).unwrap_or_default().to_owned();
        let seconds = retry_after.and_then(|text| text.trim().parse::<u64>().ok());
        Self { status, code, retry_after: seconds.map(|s| Duration::from_secs(s).min(LONGEST)) }
    }

    pub(super) fn meaning(&self) -> Meaning {
        let is = |codes: &[&str]| codes.iter().any(|code| self.code.eq_ignore_ascii_case(code));
        match self.status {
            // Documented as "410" and, elsewhere, as "a 40X error" with this code.
            410 => Meaning::Expired,
            _ if is(&["syncStateNotFound", "resyncRequired", "ErrorInvalidSyncStateData"]) => {
                Meaning::Expired
            }
            429 | 500 | 502 | 503 | 504 => Meaning::NotNow(self.retry_after.unwrap_or(A_WHILE)),
            _ if is(&["MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI"]) => Meaning::NoMailbox,
            401 => Meaning::Token,
            403 => Meaning::NoConsent,
            404 => Meaning::Gone,
            _ => Meaning::Other,
        }
    }

    /// For a person, where there is nothing else to do about it.
    pub(super) fn into_error(self, host: &str) -> Error {
        let status = self.status;
        match self.meaning() {
            Meaning::NotNow(wait) => Error {
                retry_after: Some(wait),
                ..Error::new(ErrorKind::Throttled, format!("{host} asks to be left alone for a while"))
            },
            Meaning::Token => Error::new(
                ErrorKind::WrongToken,
                format!("{host} did not accept the sign-in that was made in the browser"),
            ),
            Meaning::NoConsent => Error::new(
                ErrorKind::ConsentMissing,
                format!("{host} does not let Answerback read this mailbox: nobody has allowed it yet"),
            ),
            Meaning::NoMailbox => Error::new(
                ErrorKind::Unsupported,
                "this account has no mailbox in Microsoft 365: it is kept elsewhere, not licensed, or inactive"
                    .to_owned(),
            ),
            Meaning::Gone | Meaning::Expired | Meaning::Other => {
                Error::new(ErrorKind::Denied, format!("{host} refused a request (status {status})"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn refusals_are_told_apart() {
        let (secs, long) = (Duration::from_secs(7), Duration::from_secs(3600));
        for (status, code, retry, meaning) in [
            (429, "ApplicationThrottled", Some("7"), Meaning::NotNow(secs)),
            (429, "ApplicationThrottled", Some("99999999"), Meaning::NotNow(long)),
            (503, "serviceNotAvailable", None, Meaning::NotNow(A_WHILE)),
            (504, "", Some("soon"), Meaning::NotNow(A_WHILE)),
            (401, "InvalidAuthenticationToken", None, Meaning::Token),
            (403, "ErrorAccessDenied", None, Meaning::NoConsent),
            (404, "ErrorItemNotFound", None, Meaning::Gone),
            (404, "MailboxNotEnabledForRESTAPI", None, Meaning::NoMailbox),
            (410, "", None, Meaning::Expired),
            (400, "SyncStateNotFound", None, Meaning::Expired),
            (400, "ErrorInvalidUrlQuery", None, Meaning::Other),
        ] {
            let refusal = Refusal::new(status, &json!({"error": {"code": code}}), retry);
            assert_eq!(refusal.meaning(), meaning, "{status} {code}");
        }
    }

    #[test]
    fn an_error_never_shows_what_the_server_wrote() {
        let body = json!({"error": {"code": "x", "message": "subject of a mail"}});
        for status in [400, 401, 403, 404, 410, 429, 503] {
            let error = Refusal::new(status, &body, None).into_error("graph.example").to_string();
            assert!(error.contains("graph.example") && !error.contains("subject"), "{error}");
        }
    }
}
