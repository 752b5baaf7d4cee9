//! Something is wrong, and what to do about it.

use serde::{Deserialize, Serialize};

/// A problem that a person can act on. The window translates by `code`; the texts are the English ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// A stable name, such as `wrong_password`; the agent's source lists them.
    pub code: String,
    /// One sentence: what happened, with the host or address concerned.
    pub summary: String,
    /// One sentence: what to do now.
    pub remedy: String,
    /// What it is about (a host, an address, a path), for the translated sentence.
    pub about: String,
    /// What the administrator has to look at, where the sign-in through the browser failed by it.
    #[serde(default)]
    pub client: Option<Box<ClientView>>,
}

/// This program as a provider knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ClientView {
    /// Its client id there.
    pub id: String,
    /// The page on which an administrator allows it for the whole organisation.
    #[serde(default)]
    pub page: Option<String>,
}

/// One line of a checklist: a connection test or the doctor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// A stable name: `server_found`, `secure_connection`, `signed_in`, `folders_seen`, `keychain`, `store`,
    /// `backend_reached`, `backend_token`, `clock`.
    pub name: String,
    /// What it is about: an address or a host.
    pub about: String,
    /// How it went.
    pub state: CheckState,
    /// A few words on a passed check, such as `TLS 1.3` or `7 folders`.
    pub detail: Option<String>,
    /// What is wrong, when it failed.
    pub problem: Option<Problem>,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// It is as it should be.
    Passed,
    /// It works, with something worth knowing.
    Warning,
    /// It does not work.
    Failed,
    /// Not tried, because an earlier check failed.
    Skipped,
}
