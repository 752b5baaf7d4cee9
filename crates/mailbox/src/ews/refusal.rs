//! What a refusal means.

use std::time::Duration;

use crate::exchange::pause::{A_WHILE, LONGEST};
use crate::{Error, ErrorKind};

/// An answer that isn't a success.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: u16,
    code: String,
    wait: Option<Duration>,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Wait, and ask again.
    NotNow(Duration),
    /// What was asked for isn't there.
    Gone,
    /// The sync state or the subscription is not known any more.
    Expired,
    /// One may not read this.
    NotAllowed,
    /// The address has no mailbox there.
    NoMailbox,
    /// Anything else.
    Other,
}

impl Refusal {
    /// `code` is Exchange's ResponseCode, where there is one.
    pub(super) fn new(status: u16, code: &str, wait: Option<Duration>) -> Self {
        Self { status, code: code.to_owned(), wait: wait.map(|wait| wait.min(LONGEST)) }
    }

    pub(super) fn meaning(&self) -> Meaning {
        match self.code.as_str() {
            "ErrorServerBusy"
            | "ErrorExceededConnectionCount"
            | "ErrorExceededSubscriptionCount"
            | "ErrorTooManyObjectsOpened"
            | "ErrorInternalServerTransientError"
            | "ErrorMailboxStoreUnavailable"
            | "ErrorMailboxMoveInProgress"
            | "ErrorMailboxFailover"
            | "ErrorConnectionFailed"
            | "ErrorTimeoutExpired"
            | "ErrorInsufficientResources"
            | "ErrorADUnavailable"
            | "ErrorADOperation"
            | "ErrorProxyRequestProcessingFailed" => Meaning::NotNow(self.wait.unwrap_or(A_WHILE)),
            "ErrorItemNotFound" | "ErrorFolderNotFound" | "ErrorSyncFolderNotFound" => Meaning::Gone,
            "ErrorInvalidSyncStateData"
            | "ErrorInvalidSubscription"
            | "ErrorSubscriptionNotFound"
            | "ErrorExpiredSubscription"
            | "ErrorInvalidWatermark" => Meaning::Expired,
            "ErrorAccessDenied" => Meaning::NotAllowed,
            "ErrorNonExistentMailbox" | "ErrorMissingEmailAddress" | "ErrorUserNotAllowedByPolicy" => {
                Meaning::NoMailbox
            }
            _ => match self.status {
                429 | 502 | 503 | 504 => Meaning::NotNow(self.wait.unwrap_or(A_WHILE)),
                500 if self.code.is_empty() => Meaning::NotNow(A_WHILE),
                403 => Meaning::NotAllowed,
                _ => Meaning::Other,
            },
        }
    }

    /// For a person, where there is nothing else to do about it.
    pub(super) fn into_error(self, host: &str) -> Error {
        match self.meaning() {
            Meaning::NotNow(wait) => Error {
                retry_after: Some(wait),
                ..Error::new(ErrorKind::Throttled, format!("{host} asks to be left alone for a while"))
            },
            Meaning::NotAllowed => Error::new(
                ErrorKind::ConsentMissing,
                format!("{host} does not let Answerback read this mailbox through Exchange Web Services"),
            ),
            Meaning::NoMailbox => {
                Error::new(ErrorKind::Unsupported, format!("this account has no mailbox on {host}"))
            }
            Meaning::Gone | Meaning::Expired | Meaning::Other => {
                // Exchange's codes are words without mail in them; anything else is not shown.
                let code = self.code.chars().filter(char::is_ascii_alphanumeric).take(60).collect::<String>();
                let status = self.status;
                Error::new(ErrorKind::Denied, format!("{host} refused a request (status {status} {code})"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart() {
        let short = Duration::from_millis(1500);
        for (status, code, wait, meaning) in [
            (200, "ErrorServerBusy", Some(short), Meaning::NotNow(short)),
            (500, "ErrorServerBusy", Some(LONGEST * 9), Meaning::NotNow(LONGEST)),
            (500, "ErrorMailboxMoveInProgress", None, Meaning::NotNow(A_WHILE)),
            (503, "", None, Meaning::NotNow(A_WHILE)),
            (500, "", None, Meaning::NotNow(A_WHILE)),
            (200, "ErrorItemNotFound", None, Meaning::Gone),
            (200, "ErrorInvalidSyncStateData", None, Meaning::Expired),
            (200, "ErrorSubscriptionNotFound", None, Meaning::Expired),
            (403, "", None, Meaning::NotAllowed),
            (200, "ErrorAccessDenied", None, Meaning::NotAllowed),
            (500, "ErrorNonExistentMailbox", None, Meaning::NoMailbox),
            (500, "ErrorSchemaValidation", None, Meaning::Other),
            (404, "", None, Meaning::Other),
        ] {
            assert_eq!(Refusal::new(status, code, wait).meaning(), meaning, "{status} {code}");
        }
    }

    #[test]
    fn an_error_shows_a_code_and_never_more() {
        let error = Refusal::new(500, "ErrorOdd<subject of a mail>", None).into_error("mail.sales.example");
        assert_eq!(error.kind, ErrorKind::Denied);
        assert!(error.detail.contains("mail.sales.example") && !error.detail.contains('<'), "{error}");
    }
}
