//! A simulator of Salesforce's REST API, written from its public documentation (REST API Developer Guide and Object Reference, v67.0): what
//! the connector uses, with Salesforce's shapes of answers and errors, its transactions, and faults on demand. It is no Salesforce: what is
//! proved against it is proved of the documentation as read here.
//!
//! ```text
//! sign-in (oauth) ─▶ HTTP (server): session, limit, fault ─▶ resource (api) ─▶ record rules (org) · SOQL (soql)
//! ```

mod api;
mod oauth;
mod org;
mod schema;
mod server;
mod soql;
mod story;

pub use oauth::{CLIENT_ID, CLIENT_SECRET, DESKTOP_CLIENT_ID, REFRESH_TOKEN, USER};
pub use org::{Denied, Options};
pub use server::{Fault, Simulator};
pub use story::Story;
