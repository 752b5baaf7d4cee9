//! Why a message is thought to answer a send.

use serde::{Deserialize, Serialize};

/// A rung of the attribution ladder; the first that answers wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// An id in In-Reply-To is a known id of a send.
    InReplyTo,
    /// An id in References, right to left, is a known id of a send.
    References,
    /// The original inside a DSN, MDN or ARF part names the send.
    Report,
    /// The provider's thread id equals that of the send's own copy.
    ThreadId,
    /// It answers a message that was itself attributed.
    Chain,
    /// A known Message-ID or the send's marker stands in the quoted text or the attached original.
    QuotedId,
    /// Participants, subject, time and quoted text agree.
    Content,
}

/// One rung that agreed, with the value that it found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// The rung.
    pub rung: Rung,
    /// What was found: a Message-ID with brackets, a thread id, or a short description without mail text.
    pub value: String,
}
