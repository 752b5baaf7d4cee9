//! What can go wrong with a CRM. What it says itself may quote what somebody wrote, so only codes and names of fields are kept.

use std::time::Duration;

use super::journal::JournalError;
use crate::{BackendError, SecretError};

/// Why something was not written. Displays as a sentence for an administrator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CrmError {
    /// The settings can't be right.
    #[error("{0}")]
    Settings(String),
    /// No answer, or none that is the CRM's.
    #[error(transparent)]
    Connection(#[from] BackendError),
    /// No token was given.
    #[error("{0}")]
    SignIn(&'static str),
    /// A secret can't be read, or its successor can't be kept.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The token has run out.
    #[error("The session has expired.")]
    Session,
    /// It can't answer now.
    #[error("The CRM is not available now ({0}).")]
    Unavailable(String),
    /// Too many requests in a short time.
    #[error("There were too many requests in a short time. It is tried again.")]
    Throttled {
        /// When to come back, where it said so.
        retry_after: Option<Duration>,
    },
    /// The organisation's requests of the day are used up.
    #[error(
        "The organisation has used up its API requests of the last 24 hours. Entries wait until there are some again."
    )]
    RequestLimit,
    /// Somebody else writes to the same record.
    #[error("Another program is writing to the same record. It is tried again.")]
    Locked,
    /// The user who is signed in may not do that.
    #[error("The user who is signed in lacks a permission ({code}): {needs}")]
    Forbidden {
        /// The CRM's code.
        code: String,
        /// Which one.
        needs: String,
        /// One change needs it, and entries can be made without.
        optional: bool,
    },
    /// There is a record with this key already.
    #[error("It is there already.")]
    Duplicate,
    /// The record is gone.
    #[error("The record is not there ({0}).")]
    Missing(String),
    /// It will never be accepted as it is.
    #[error("It was refused ({code}{}).", if fields.is_empty() { String::new() } else { format!(": {}", fields.join(", ")) })]
    Refused {
        /// The CRM's code.
        code: String,
        /// The fields at fault.
        fields: Vec<String>,
    },
    /// Nobody is there to write it to.
    #[error(
        "Nobody in the CRM has the address of the author or of the person whom the email was for. Add them there, then deliver it again."
    )]
    Nobody,
    /// A request was cut off before, and the CRM may still be working on it.
    #[error("An earlier request was cut off, and it is not known yet whether it was carried out.")]
    Unsettled {
        /// When that is known.
        wait: Duration,
    },
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl CrmError {
    /// Whether it may be that the request was carried out all the same.
    pub const fn is_uncertain(&self) -> bool {
        matches!(self, Self::Connection(_) | Self::Unavailable(_))
    }

    /// Whether it is about the organisation or the way there, and not about this event.
    pub const fn is_general(&self) -> bool {
        !matches!(
            self,
            Self::Refused { .. }
                | Self::Nobody
                | Self::Duplicate
                | Self::Missing(_)
                | Self::Locked
                | Self::Unsettled { .. }
        )
    }

    /// Whether one change lacks a permission that entries do without.
    pub const fn lacks_an_optional_permission(&self) -> bool {
        matches!(self, Self::Forbidden { optional: true, .. })
    }

    /// How long to wait, where that is known.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RequestLimit => Some(Duration::from_secs(60 * 60)),
            Self::Unsettled { wait } => Some(*wait),
            Self::Throttled { retry_after } => *retry_after,
            Self::Connection(error) => error.retry_after(),
            _ => None,
        }
    }
}
