//! Signing in through the browser.

use serde::{Deserialize, Serialize};

use super::{AccountView, Check, Door};

/// A sign-in through the browser that waits for the rep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct BrowserSignIn {
    /// To wait for it, or to call it off.
    pub id: String,
    /// What to open in the browser.
    pub url: String,
    /// By which door the mailbox will be read.
    pub door: Door,
    /// Where an administrator allows Answerback for the whole organisation, in case the page wants that.
    pub admin_page: Option<String>,
}

/// What a sign-in through the browser came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(tag = "outcome", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum SignInOutcome {
    /// The mailbox is watched.
    Watched {
        /// The mailbox.
        account: Box<AccountView>,
        /// What works, step by step.
        checks: Vec<Check>,
    },
    /// The organisation does not allow the first door; the same is asked for the next one.
    Next {
        /// What the rep goes on with.
        sign_in: BrowserSignIn,
    },
    /// The rep is signed in, and the mailbox can't be read all the same. Nothing was kept.
    Unreadable {
        /// What works and what doesn't, step by step.
        checks: Vec<Check>,
    },
}
