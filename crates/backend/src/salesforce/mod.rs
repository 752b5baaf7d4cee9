//! Salesforce: events become emails, tasks, campaign members' statuses and opt-outs there, each once.
//!
//! ```text
//! event ─▶ people (who is who there) ─▶ entry | change (what to write) ─▶ Connector: crate::crm's once and undo ─▶ Salesforce
//! ```
//! [`soql`], [`people`], [`entry`], [`change`] and [`error`] decide and are pure; [`rest`] speaks HTTP; [`connector`] puts them together.
//! An EmailMessage can't be changed once it is there, so a second one could never be mended: see [`connector`] for what keeps
//! it from coming into being.

pub mod authorize;
pub mod change;
pub mod connector;
pub mod entry;
pub mod error;
pub mod findings;
pub mod org;
pub mod people;
pub mod rest;
pub mod sent;
pub mod settings;
pub mod sign_in;
pub mod soql;

pub use connector::{Connector, Who};
pub use error::Operation;
pub use sent::Whose;
pub use settings::{LogAs, Mapping, Settings};
pub use sign_in::{Given, Grant, UserTokens};
