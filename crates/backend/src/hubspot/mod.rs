//! HubSpot: events become emails and notes on the contacts' timelines, values of their properties and opt-outs, each once.
//!
//! ```text
//! event ─▶ contacts ─▶ entry ─▶ Connector: crate::crm's once and undo ─▶ rest ─▶ HubSpot
//! ```

pub mod connector;
mod contact;
mod entry;
mod error;
mod rest;
pub mod settings;

pub use connector::Connector;
pub use settings::Settings;
