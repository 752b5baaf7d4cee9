//! What this laptop reports to: the organisation's backend, or Salesforce itself.

use std::path::Path;
use std::time::Duration;

use answerback_backend::{BackendError, Client, SendsPage};
use jiff::SignedDuration;

use crate::context::Context;
use crate::salesforce::Direct;
use crate::view::Problem;

/// The way to whoever tells the sends and takes the events. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Link {
    /// The organisation's backend.
    Backend(Client),
    /// Salesforce itself.
    Salesforce(Direct),
}

/// Why nothing came of it.
#[derive(Clone, Debug)]
pub struct LinkError {
    /// For the rep.
    pub problem: Problem,
    /// How long to wait, where that is known.
    pub retry_after: Option<Duration>,
}

impl LinkError {
    /// The backend's, about its `url`.
    pub fn of_backend(error: &BackendError, url: &str) -> Self {
        Self { problem: Problem::of_backend(error, url), retry_after: error.retry_after() }
    }

    /// The store's.
    pub fn of_store(error: &answerback_store::Error, file: &Path) -> Self {
        Self { problem: Problem::of_store(error, file), retry_after: None }
    }
}

impl Link {
    /// The sends that are new or changed since the cursor, at most `limit` where the other side can be asked for that; `None` where everything
    /// is to be read anew. With a `wait`, the answer may take so long, or in Salesforce's case takes some minutes.
    pub async fn sends(
        &self,
        context: &Context,
        url: &str,
        cursor: Option<&str>,
        limit: u32,
        wait: Duration,
    ) -> Result<Option<SendsPage>, LinkError> {
        match self {
            Self::Backend(client) => match client.sends(cursor, limit, wait).await {
                // The cursor is too old for the backend.
                Err(BackendError::Gone) => Ok(None),
                answer => answer.map(Some).map_err(|error| LinkError::of_backend(&error, url)),
            },
            Self::Salesforce(direct) => direct.sends(context, cursor, !wait.is_zero()).await,
        }
    }

    /// How far its clock is ahead of this computer's, as far as it said. Salesforce is told no times by this one.
    pub fn clock_offset(&self) -> Option<SignedDuration> {
        match self {
            Self::Backend(client) => client.clock_offset(),
            Self::Salesforce(_) => None,
        }
    }
}
