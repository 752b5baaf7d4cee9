//! Why the server said NO, BAD or BYE, as far as somebody must act differently.
//!
//! The server's text is read here and dropped: it may hold anything, so no error shows it.

use std::time::Duration;

use super::response::{Condition, Outcome};
use super::syntax::ascii;
use crate::{Error, ErrorKind};

/// A command refused, or a connection ended by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) outcome: Outcome,
    pub(crate) reason: Reason,
    /// How long the server asks to be left alone.
    pub(crate) backoff: Option<Duration>,
}

/// What a refusal comes down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The user name or password is wrong.
    Credentials,
    /// The password is right, and yet no good here: an app password is wanted.
    AppPassword,
    /// The password has expired.
    Expired,
    /// IMAP is switched off for the account.
    Disabled,
    /// Too many connections or commands; try again later.
    Throttled,
    /// A passing trouble of the server.
    Unavailable,
    /// Plain text is not accepted without encryption.
    Privacy,
    /// The folder doesn't exist, or isn't ours to read.
    NoSuchFolder,
    /// Not said.
    Unknown,
}

impl Refusal {
    pub(crate) fn of(condition: &Condition<'_>) -> Self {
        let code = condition.code_parts().map(|(name, _)| name.to_ascii_uppercase());
        let text = String::from_utf8_lossy(condition.text).to_ascii_lowercase();
        Self { outcome: condition.outcome, reason: reason(code.as_deref(), &text), backoff: backoff(&text) }
    }

    /// What to tell the owner when this ends the watch; `doing` completes "refused to …".
    pub(crate) fn into_error(self, server: &str, doing: &str) -> Error {
        let (kind, detail) = match self.reason {
            Reason::Credentials => {
                (ErrorKind::WrongPassword, format!("{server} did not accept the user name or password"))
            }
            Reason::AppPassword => (
                ErrorKind::WrongPassword,
                format!(
                    "{server} wants an app password, made in the account's security settings, not the usual one"
                ),
            ),
            Reason::Expired => (ErrorKind::WrongPassword, format!("the password for {server} has expired")),
            Reason::Disabled => (
                ErrorKind::Unsupported,
                format!(
                    "IMAP is switched off for this account; switch it on in the settings of {server}'s web mail"
                ),
            ),
            Reason::Throttled => {
                (ErrorKind::Throttled, format!("{server} asks for fewer connections or requests"))
            }
            Reason::Unavailable => (ErrorKind::Throttled, format!("{server} is temporarily unavailable")),
            Reason::Privacy => (
                ErrorKind::Unsupported,
                format!("{server} accepts the password over a secure connection only"),
            ),
            Reason::NoSuchFolder | Reason::Unknown if self.outcome == Outcome::Bye => {
                (ErrorKind::Lost, format!("{server} ended the connection"))
            }
            Reason::NoSuchFolder | Reason::Unknown => {
                (ErrorKind::Denied, format!("{server} refused to {doing}"))
            }
        };
        Error { kind, detail, retry_after: self.backoff }
    }

    /// Whether it is about the server's state rather than about what was asked.
    pub(crate) fn is_passing(self) -> bool {
        matches!(self.reason, Reason::Throttled | Reason::Unavailable)
    }

    /// The same for the answer to an access token.
    pub(crate) fn into_token_error(self, server: &str) -> Error {
        let error = self.into_sign_in_error(server);
        match error.kind {
            ErrorKind::WrongPassword => Error {
                kind: ErrorKind::WrongToken,
                detail: format!("{server} did not accept the sign-in that was made in the browser"),
                ..error
            },
            _ => error,
        }
    }

    /// The same for the answer to LOGIN or AUTHENTICATE, where an unexplained NO means a wrong password.
    pub(crate) fn into_sign_in_error(mut self, server: &str) -> Error {
        if self.outcome == Outcome::No && matches!(self.reason, Reason::Unknown | Reason::NoSuchFolder) {
            self.reason = Reason::Credentials;
        }
        self.into_error(server, "sign in")
    }
}

/// RFC 5530's codes first; then what big providers write without one.
fn reason(code: Option<&str>, text: &str) -> Reason {
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    // Gmail: [ALERT] Application-specific password required (Failure); Yahoo, iCloud and Fastmail alike.
    if says(&[
        "application-specific password",
        "app password",
        "app-specific password",
        "application password",
    ]) {
        return Reason::AppPassword;
    }
    // Gmail, GMX, Zoho, NetEase.
    if says(&["imap is disabled", "imap access is disabled", "not enabled for imap", "imap is not enabled"])
        || says(&["enable imap", "imap disabled", "access to imap", "imap service is not"])
    {
        return Reason::Disabled;
    }
    match code {
        // Gmail has answered so for too many connections (mustang#350), which says "too many".
        Some("AUTHENTICATIONFAILED" | "AUTHORIZATIONFAILED") if !says(&["too many"]) => {
            return Reason::Credentials;
        }
        Some("EXPIRED") => return Reason::Expired,
        Some("PRIVACYREQUIRED") => return Reason::Privacy,
        Some("LIMIT" | "INUSE" | "THROTTLED" | "OVERQUOTA") => return Reason::Throttled,
        Some("UNAVAILABLE" | "SERVERBUG" | "CONTACTADMIN") => return Reason::Unavailable,
        Some("NONEXISTENT" | "NOPERM" | "CANNOT") => return Reason::NoSuchFolder,
        _ => {}
    }
    // "User is authenticated but not connected" is Exchange's word for too many connections.
    let slow_down = ["throttled", "backoff time", "too many", "simultaneous connection", "rate limit"];
    if says(&slow_down) || says(&["maximum number of connections", "but not connected", "slow down"]) {
        return Reason::Throttled;
    }
    if says(&["temporar", "try again", "unavailable", "internal error", "server busy", "system error"]) {
        return Reason::Unavailable;
    }
    if says(&["does not exist", "doesn't exist", "no such mailbox", "nonexistent", "not found"]) {
        return Reason::NoSuchFolder;
    }
    if says(&["authentication failed", "login failed", "invalid credentials", "invalid password"]) {
        return Reason::Credentials;
    }
    Reason::Unknown
}

/// Exchange Online: `Request is throttled. Suggested Backoff Time: 299912 milliseconds`.
fn backoff(text: &str) -> Option<Duration> {
    let (_, after) = text.split_once("backoff time:")?;
    let after = after.trim_start();
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    let millis: u64 = ascii(digits.as_bytes()).parse().ok()?;
    // An hour is long enough whatever it says.
    Some(Duration::from_millis(millis).min(Duration::from_secs(3600)))
}

#[cfg(test)]
mod tests {
    use super::super::response::{Response, parse};
    use super::*;

    fn refusal(line: &str) -> Refusal {
        match parse(line.as_bytes()) {
            Response::Tagged { status, .. } => Refusal::of(&status),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn refusals_to_sign_in_are_told_apart() {
        use ErrorKind::*;
        for (line, kind) in [
            ("A NO [AUTHENTICATIONFAILED] Authentication failed.\r\n", WrongPassword),
            ("A NO LOGIN failed\r\n", WrongPassword),
            ("A NO [ALERT] Application-specific password required (Failure)\r\n", WrongPassword),
            ("A NO [ALERT] Too many simultaneous connections. (Failure)\r\n", Throttled),
            ("A NO [AUTHENTICATIONFAILED] too many connections\r\n", Throttled),
            ("A NO [UNAVAILABLE] Temporary authentication failure.\r\n", Throttled),
            ("A NO [INUSE] mailbox locked\r\n", Throttled),
            ("A NO [LIMIT] slow down\r\n", Throttled),
            ("A BAD User is authenticated but not connected.\r\n", Throttled),
            ("A NO [PRIVACYREQUIRED] Plaintext authentication disallowed\r\n", Unsupported),
            ("A NO [ALERT] Your account is not enabled for IMAP use. (Failure)\r\n", Unsupported),
            ("A NO [EXPIRED] password expired\r\n", WrongPassword),
            ("A BAD Unknown command\r\n", Denied),
        ] {
            assert_eq!(refusal(line).into_sign_in_error("imap.example").kind, kind, "{line:?}");
        }
    }

    #[test]
    fn a_suggested_backoff_time_is_obeyed_within_reason() {
        let line = "A NO Request is throttled. Suggested Backoff Time: 299912 milliseconds\r\n";
        let error = refusal(line).into_error("outlook.office365.com", "read the folder");
        assert_eq!(
            (error.kind, error.retry_after),
            (ErrorKind::Throttled, Some(Duration::from_millis(299_912)))
        );
        let error = refusal("A NO Suggested Backoff Time: 99999999999\r\n").into_error("x", "read");
        assert_eq!(error.retry_after, Some(Duration::from_secs(3600)));
    }

    #[test]
    fn an_error_never_shows_what_the_server_wrote() {
        for line in ["A NO [X] secret-words\r\n", "A BAD secret-words\r\n", "A NO [LIMIT] secret-words\r\n"] {
            let error = refusal(line).into_error("imap.example", "open a folder");
            assert!(!error.to_string().contains("secret-words"));
        }
    }

    #[test]
    fn a_good_bye_is_a_lost_connection_and_not_a_fault() {
        for text in ["Session expired, please login again.", "Autologout", "Server shutting down."] {
            let condition = Condition { outcome: Outcome::Bye, code: None, text: text.as_bytes() };
            assert_eq!(Refusal::of(&condition).into_error("x", "wait").kind, ErrorKind::Lost, "{text}");
        }
    }
}
