//! A simulator of HubSpot's REST API, written from its public documentation (CRM API v3, subscription preferences v4): what the connector uses,
//! with HubSpot's shapes of answers and errors, and faults on demand. It is no HubSpot: what is proved against it is proved of the
//! documentation as read here.

mod account;
mod server;

pub use account::Options;
pub use server::{Fault, Simulator, TOKEN};
