//! Events pushed to the platform behind, as Standard Webhooks (<https://www.standardwebhooks.com>).
//!
//! ```text
//! receive(): event + deliveries, one transaction ─▶ Courier: claim (lease) ─▶ POST, signed ─▶ delivered | tried again | dead
//! ```
//! [`schedule`] decides and is pure; [`destination`] guards where requests go; [`signature`] signs; [`courier`] does the work.

pub mod courier;
pub mod crm;
pub mod destination;
pub mod schedule;
pub mod signature;

pub use courier::Courier;
pub use destination::Networks;
