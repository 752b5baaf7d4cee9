//! From every crate's errors to a problem that a person can act on.
//!
//! The codes, which the window translates by: `wrong_password`, `sign_in_again`, `wrong_account`, `no_client_id`,
//! `consent_refused`, `admin_consent`, `ews_not_allowed`, `client_blocked`, `scope_missing`, `sign_in_timeout`, `sign_in_cancelled`,
//! `bad_client`, `provider_unreachable`, `provider_busy`, `not_a_provider`, `sign_in_setup`, `unknown_host`, `proxy`, `refused_port`, `no_network`,
//! `timed_out`, `certificate`, `tls`, `unsupported`, `settings`, `throttled`, `lost`, `denied`, `protocol`,
//! `backend_url`, `backend_down`, `backend_certificate`, `bad_token`, `forbidden`, `not_a_backend`,
//! `backend_refused`, `no_keychain`, `keychain_locked`, `keychain_denied`, `keychain_timeout`, `secret_missing`,
//! `secret_file`, `disk_full`, `store_newer`, `store_damaged`, `store_unavailable`, `config_unreadable`,
//! `config_wrong`, `policy_wrong`, `provider_not_allowed`, `import_wrong`, `message_gone`, `not_deleted`, `config_unwritable`,
//! `already_running`, `not_found`, `account_exists`, `clock`, `sign_in_network`, `salesforce_requests`,
//! `salesforce_sends`, `salesforce_tasks`, `salesforce_object_read`, `salesforce_object_change`, `salesforce_field`, `salesforce_emails`,
//! `salesforce_key`, `salesforce_members`.
//!
//! Not translated, because their sentence names a permission or a record: `salesforce_permission`, `salesforce_left`.

mod salesforce;

use std::path::Path;

use answerback_backend::{BackendError, Unreachable};
use answerback_keychain::{KeychainError, SourceError};
use answerback_mailbox::ErrorKind;
use answerback_provider::OauthError;

use crate::config::{ConfigError, Server};
use crate::view::{ClientView, Problem};

const SIGN_IN_AGAIN: &str = "Sign in again through the browser.";

impl Problem {
    /// A problem in words.
    pub(crate) fn new(
        code: &str,
        about: &str,
        summary: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            code: code.into(),
            about: about.into(),
            summary: summary.into(),
            remedy: remedy.into(),
            client: None,
        }
    }

    /// With what an administrator needs to allow this program, where that is what is missing.
    pub(crate) fn with_client(self, client: &ClientView) -> Self {
        match self.code.as_str() {
            "admin_consent" | "client_blocked" | "sign_in_timeout" => {
                Self { client: Some(Box::new(client.clone())), ..self }
            }
            _ => self,
        }
    }

    /// A mailbox's trouble, about `server`.
    pub(crate) fn of_mailbox(error: &answerback_mailbox::Error, server: &str) -> Self {
        let (code, remedy) = match error.kind {
            ErrorKind::WrongPassword => (
                "wrong_password",
                "Enter the password again. Many providers want an app password here instead of your usual one.",
            ),
            ErrorKind::WrongToken => ("sign_in_again", SIGN_IN_AGAIN),
            ErrorKind::ConsentMissing => (
                "admin_consent",
                "Ask your administrator to open \
                 https://login.microsoftonline.com/organizations/adminconsent?client_id=… with Answerback's client id in it, \
                 and to accept; then sign in again.",
            ),
            ErrorKind::UnknownHost => {
                ("unknown_host", "Check the server's name for typing errors, and your network.")
            }
            ErrorKind::Refused => {
                ("refused_port", "Check the port (usually 993) and that IMAP is switched on there.")
            }
            ErrorKind::Proxy => (
                "proxy",
                "Check the proxy in the system's settings, or [network] in the configuration. It is tried again by \
                 itself.",
            ),
            ErrorKind::NoNetwork => ("no_network", "Connect to a network. It is tried again by itself."),
            ErrorKind::TimedOut => (
                "timed_out",
                "Check your network and the server's name and port. It is tried again by itself.",
            ),
            ErrorKind::Certificate => (
                "certificate",
                "If your organisation runs its own certificate authority, add its root certificate to this mailbox. \
                 On a guest network, sign in to that network first.",
            ),
            ErrorKind::Tls => (
                "tls",
                "Check port and security: 993 goes with TLS, 143 with STARTTLS. On a guest network, sign in to that \
                 network first.",
            ),
            ErrorKind::Unsupported => (
                "unsupported",
                "Ask your mail administrator to allow IMAP with TLS and a password or app password.",
            ),
            ErrorKind::Settings => ("settings", "Correct the mailbox's settings."),
            ErrorKind::Throttled => {
                ("throttled", "Nothing to do: the server asked for a pause, and it is tried again by itself.")
            }
            ErrorKind::Lost => ("lost", "Nothing to do: it is connected again by itself."),
            ErrorKind::Denied => {
                ("denied", "It is tried again by itself. If it stays, ask your mail administrator.")
            }
            ErrorKind::Protocol => {
                ("protocol", "Check that this is an IMAP server and its port. If it is, please report it.")
            }
        };
        Self::new(code, server, sentence(&error.detail), remedy)
    }

    /// The trouble of a mailbox, whichever way it is reached.
    pub(crate) fn of_server(error: &answerback_mailbox::Error, server: Server<'_>, name: &str) -> Self {
        match server {
            Server::Imap(_) => Self::of_mailbox(error, name),
            Server::Graph(_) => Self::of_graph(error, name),
            Server::Ews(_) => Self::of_ews(error, name),
        }
    }

    fn of_ews(error: &answerback_mailbox::Error, server: &str) -> Self {
        let problem = Self::of_mailbox(error, server);
        let (code, remedy) = match error.kind {
            ErrorKind::WrongPassword => (
                "wrong_password",
                "Enter the password again; some servers want DOMAIN\\name as the user name. Where the network looks into encrypted \
                 connections, the server may refuse every password: ask your administrator.",
            ),
            ErrorKind::ConsentMissing => (
                "ews_not_allowed",
                "Ask your administrator to allow Exchange Web Services for your mailbox (Set-CASMailbox -EwsEnabled $true), and \
                 for this program where there is a list (EwsAllowList).",
            ),
            ErrorKind::Unsupported => (
                "unsupported",
                "Ask your administrator whether your mailbox is on this server, and for NTLM (Windows authentication), Basic or modern \
                 authentication on its EWS virtual directory; or use IMAP where the server has it.",
            ),
            ErrorKind::Refused => {
                ("refused_port", "Check the server's name with your administrator, or type it in.")
            }
            ErrorKind::UnknownHost => (
                "unknown_host",
                "Check your network, and type in the server that your administrator names (`url` in the configuration).",
            ),
            ErrorKind::Settings => (
                "settings",
                "Ask your administrator for the EWS external URL, and type it in as the server (`url` in the configuration).",
            ),
            ErrorKind::Tls => (
                "tls",
                "On a guest network, sign in to that network first. Otherwise check the server with your administrator.",
            ),
            ErrorKind::Protocol => (
                "protocol",
                "On a guest network, sign in to that network first. Otherwise check the server with your administrator.",
            ),
            _ => return problem,
        };
        Self { code: code.to_owned(), remedy: remedy.to_owned(), ..problem }
    }

    /// The trouble of a mailbox that is reached through Microsoft Graph.
    fn of_graph(error: &answerback_mailbox::Error, server: &str) -> Self {
        let problem = Self::of_mailbox(error, server);
        let remedy = match error.kind {
            ErrorKind::Unsupported => {
                "Use IMAP for this mailbox, or ask your mail administrator where it is kept."
            }
            ErrorKind::Refused => "Check your network. If a `url` stands in [account.graph], check that.",
            ErrorKind::Tls => {
                "On a guest network, sign in to that network first. It is tried again by itself."
            }
            ErrorKind::Protocol => {
                "On a guest network, sign in to that network first. If it stays, please report it."
            }
            _ => return problem,
        };
        Self { remedy: remedy.to_owned(), ..problem }
    }

    /// A sign-in's trouble, about the account.
    pub(crate) fn of_oauth(error: &OauthError, about: &str) -> Self {
        let again = "It is tried again by itself.";
        let (code, remedy) = match error {
            OauthError::NoClientId(_) => (
                "no_client_id",
                "Ask your administrator for one, or use an app password where the provider has them."
                    .to_owned(),
            ),
            OauthError::Denied => {
                ("consent_refused", "Sign in again and allow Answerback to read mail.".to_owned())
            }
            OauthError::AdminConsent { client_id } => (
                "admin_consent",
                format!(
                    "Ask your administrator to open https://login.microsoftonline.com/organizations/adminconsent?client_id={client_id} \
                     and accept, then sign in again."
                ),
            ),
            OauthError::Blocked { client_id } => (
                "client_blocked",
                format!(
                    "Ask your administrator to trust the client id {client_id} for IMAP, then sign in again."
                ),
            ),
            OauthError::ScopeMissing => {
                ("scope_missing", "Sign in again and leave the permission to read mail ticked.".to_owned())
            }
            OauthError::TimedOut { client_id } => (
                "sign_in_timeout",
                format!(
                    "Sign in again. If the page in the browser says that the app is blocked, ask your administrator to \
                     trust the client id {client_id}."
                ),
            ),
            OauthError::SignInAgain => ("sign_in_again", SIGN_IN_AGAIN.to_owned()),
            OauthError::WrongNetwork { .. } => (
                "sign_in_network",
                "Connect to your organisation's network or VPN. It is tried again by itself.".to_owned(),
            ),
            OauthError::BadClient { client_id, .. } => (
                "bad_client",
                format!(
                    "Ask your administrator to check the client id {client_id}, its secret, and that it is registered \
                     for desktop apps with a loopback address to return to."
                ),
            ),
            OauthError::Unreachable { .. } => ("provider_unreachable", again.to_owned()),
            OauthError::Busy { .. } => ("provider_busy", again.to_owned()),
            OauthError::Nonsense { .. } | OauthError::Url => {
                ("not_a_provider", "Check the issuer's URL with your administrator.".to_owned())
            }
            OauthError::Setup(_) => ("sign_in_setup", "Restart Answerback and try again.".to_owned()),
            OauthError::Keychain(error) => return Self::of_keychain(error, about),
        };
        let client_id = match error {
            OauthError::AdminConsent { client_id }
            | OauthError::Blocked { client_id }
            | OauthError::TimedOut { client_id }
            | OauthError::BadClient { client_id, .. } => Some(client_id.clone()),
            _ => None,
        };
        let client = client_id.map(|id| Box::new(ClientView { id, page: None }));
        Self { client, ..Self::new(code, about, sentence(&error.to_string()), remedy) }
    }

    /// The backend's trouble, about `url`.
    pub(crate) fn of_backend(error: &BackendError, url: &str) -> Self {
        let summary = sentence(&error.to_string());
        let again = "It is tried again by itself; nothing is lost meanwhile.";
        let (code, remedy) = match error {
            BackendError::Url(_) => ("backend_url", "Correct the backend's URL."),
            BackendError::TlsSetup(_) => ("certificate", "Check the file with the root certificate."),
            BackendError::Unreachable { why: Unreachable::UnknownHost, .. } => {
                ("unknown_host", "Check the backend's URL and your network.")
            }
            BackendError::Unreachable { why: Unreachable::NoNetwork, .. } => ("no_network", again),
            BackendError::Unreachable { .. } | BackendError::Server { .. } => ("backend_down", again),
            BackendError::Throttled { .. } | BackendError::Gone => ("throttled", again),
            BackendError::Certificate { .. } => {
                ("backend_certificate", "Ask your administrator for the organisation's root certificate.")
            }
            BackendError::Unauthorised => {
                ("bad_token", "Connect this laptop to the backend again with a new token.")
            }
            BackendError::Forbidden => {
                ("forbidden", "Ask the administrator of the backend to allow this laptop.")
            }
            BackendError::NotABackend { .. } | BackendError::Redirected { .. } => {
                ("not_a_backend", "Check the backend's URL with your administrator.")
            }
            BackendError::NotKept => ("keychain_locked", "Unlock the keychain."),
            BackendError::Rejected { .. } => ("backend_refused", "Check that the backend is up to date."),
        };
        Self::new(code, url, summary, remedy)
    }

    /// A secret that can't be had, about an account or the backend.
    pub(crate) fn of_secret(error: &SourceError, about: &str) -> Self {
        let code = match error {
            SourceError::Keychain(error) => keychain_code(error),
            SourceError::EnvMissing(_) | SourceError::EnvNotText(_) => "secret_missing",
            SourceError::FileUnreadable { .. }
            | SourceError::FileMode { .. }
            | SourceError::FileContent { .. } => "secret_file",
        };
        Self::split(code, about, &error.to_string())
    }

    /// The keychain's trouble.
    pub(crate) fn of_keychain(error: &KeychainError, about: &str) -> Self {
        Self::split(keychain_code(error), about, &error.to_string())
    }

    /// The store's trouble.
    pub(crate) fn of_store(error: &answerback_store::Error, path: &Path) -> Self {
        use answerback_store::Error;
        let about = path.display().to_string();
        match error {
            Error::DiskFull => Self::new(
                "disk_full",
                &about,
                "The disk is full: nothing more can be written down.",
                "Free some space. Answerback goes on by itself where it stopped, nothing is lost.",
            ),
            Error::Newer { .. } => Self::new(
                "store_newer",
                &about,
                "A newer version of Answerback has used this data folder.",
                "Update Answerback, or choose another data folder.",
            ),
            Error::Damaged | Error::Row { .. } => Self::new(
                "store_damaged",
                &about,
                format!("The store {about} is damaged."),
                "Move the file away and start again: the mailbox is read anew, and the backend drops what it has already.",
            ),
            Error::Unavailable(_) => Self::new(
                "store_unavailable",
                &about,
                format!("The store {about} can't be opened."),
                "Check that the folder exists and may be written to.",
            ),
            Error::Sqlite(_) => Self::new(
                "store_unavailable",
                &about,
                format!("The store {about} failed."),
                "It is tried again by itself. If it stays, restart Answerback.",
            ),
        }
    }

    /// The configuration's trouble.
    pub(crate) fn of_config(error: &ConfigError, path: &Path) -> Self {
        let (code, remedy) = match error {
            ConfigError::Unreadable { .. } => {
                ("config_unreadable", "Check the path and that the file may be read.")
            }
            ConfigError::Syntax { .. } | ConfigError::Senseless { .. } => {
                ("config_wrong", "Correct the file and start again.")
            }
            ConfigError::Unwritable { .. } => {
                ("config_unwritable", "Check that the folder may be written to and has space.")
            }
        };
        Self::new(code, &path.display().to_string(), sentence(&error.to_string()), remedy)
    }

    /// The first sentence says what happened, the rest what to do.
    fn split(code: &str, about: &str, text: &str) -> Self {
        let (summary, remedy) = text.split_once(". ").map_or((text, ""), |(first, rest)| (first, rest));
        Self::new(code, about, sentence(summary), remedy)
    }

    /// Nothing changes until somebody acts: trying again by itself would be useless, or harmful.
    pub(crate) fn needs_somebody(&self) -> bool {
        matches!(
            self.code.as_str(),
            "wrong_password"
                | "sign_in_again"
                | "no_client_id"
                | "consent_refused"
                | "admin_consent"
                | "ews_not_allowed"
                | "client_blocked"
                | "scope_missing"
                | "bad_client"
                | "not_a_provider"
                | "unsupported"
                | "settings"
                | "secret_missing"
                | "secret_file"
                | "no_keychain"
                | "keychain_denied"
                | "bad_token"
                | "forbidden"
                | "backend_url"
                | "store_newer"
                | "store_damaged"
                | "config_wrong"
        )
    }
}

/// What makes two problems the same to somebody who reads them.
pub(crate) fn fingerprint(problem: &Problem) -> (&str, &str, &str) {
    (&problem.code, &problem.about, &problem.summary)
}

fn keychain_code(error: &KeychainError) -> &'static str {
    match error {
        KeychainError::NoKeychain => "no_keychain",
        KeychainError::Locked => "keychain_locked",
        KeychainError::Denied => "keychain_denied",
        KeychainError::TimedOut(_) => "keychain_timeout",
        KeychainError::NotFound(_) => "secret_missing",
        KeychainError::Other(_) => "keychain_denied",
    }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.trim().chars();
    let Some(first) = chars.next() else { return String::new() };
    // A host name at the start stays as it is written.
    let first_word_is_host =
        text.split_whitespace().next().is_some_and(|word| word.contains(['.', ':', '/', '@']));
    let start: String = if first_word_is_host { first.to_string() } else { first.to_uppercase().collect() };
    let stop = if text.trim().ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{start}{}{stop}", chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_missing_says_what_happened_and_what_to_do() {
        let problem = Problem::of_keychain(&KeychainError::Locked, "rep@sales.example");
        assert_eq!(problem.code, "keychain_locked");
        assert_eq!(problem.summary, "The keychain is locked.");
        assert!(problem.remedy.starts_with("Unlock it"));
    }

    #[test]
    fn a_host_at_the_start_of_a_sentence_keeps_its_spelling() {
        assert_eq!(sentence("imap.sales.example refused"), "imap.sales.example refused.");
        assert_eq!(sentence("no network"), "No network.");
    }
}
