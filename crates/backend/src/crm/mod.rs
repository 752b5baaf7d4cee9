//! What every CRM has in common: an event becomes an entry, or a change of fields, there, and each once.
//!
//! ```text
//! event ─▶ people (who is meant) ─▶ entry (what it says) ─▶ once: journal, then write ─▶ the CRM
//!                                   changes of fields ────▶ undo: journal, then write ─▶ the CRM
//! ```
//! A CRM of its own ([`crate::salesforce`], [`crate::hubspot`]) says who is there, how a record is shaped and how it is asked for; what keeps an
//! entry from being made twice and how one is taken back is here.

pub mod budget;
pub mod entry;
pub mod error;
pub mod journal;
pub mod once;
pub mod people;
pub mod trial;
pub mod undo;

use answerback_reply::TrackedSend;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use error::CrmError;
pub use journal::{Journal, JournalError, Record};

use crate::event::Event;

/// What came of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrote {
    /// There was nothing to write.
    Nothing,
    /// Nobody is there to write it to, and the settings say to leave it at that.
    Skipped,
    /// It was there already.
    Already,
    /// A new entry.
    Entry,
    /// Fields were changed.
    Changes,
    /// Earlier writes were taken back.
    TakenBack,
}

/// A line of the set-up's check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its stable name, by which it can be translated.
    pub name: &'static str,
    /// The object or field that it is about; empty where its name says all.
    pub about: String,
    /// Whether it is well.
    pub good: bool,
    /// Whether nothing can be written while it is not.
    pub needed: bool,
    /// What, in English.
    pub text: String,
}

/// What to do with a reply of which nobody is in the CRM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// It is tried again for a day and a half, then set aside with its reason; it can be delivered again.
    #[default]
    SetAside,
    /// A lead or contact is created.
    #[serde(rename = "lead", alias = "contact")]
    Create,
    /// Nothing is written; the answer stays in the backend.
    Skip,
}

/// Own fields of the people there, by their API names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fields {
    /// Text: why the campaign ended: reply, opt_out, calendar_response, bounce, complaint.
    pub stop_reason: Option<String>,
    /// Date: until when the campaign is held.
    pub paused_until: Option<String>,
}

impl Fields {
    /// Those that are named.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        [&self.stop_reason, &self.paused_until].into_iter().filter_map(|field| field.as_deref())
    }
}

/// Writes one organisation's events into its CRM.
pub trait Crm: Sized + Sync {
    /// Writes an event. Doing so again, whatever happened in between, changes nothing more.
    fn deliver<J: Journal>(
        &self,
        event: &Event,
        send: Option<&TrackedSend>,
        journal: &J,
        now: Timestamp,
    ) -> impl Future<Output = Result<Wrote, CrmError>> + Send;

    /// Signs in and looks at what may be done there.
    fn check(&self) -> impl Future<Output = Result<Vec<Finding>, CrmError>> + Send;

    /// Requests made since this was last asked.
    fn take_calls(&self) -> u32;

    /// The same, but nobody is created.
    fn for_trial(&self) -> Result<Self, CrmError>;
}
