//! Microsoft Graph's mail, as far as an agent that watches a mailbox needs it: in memory, on loopback, scripted.
//!
//! Written from Microsoft's public documentation (mailFolder, message, `message: delta`, `mailFolder: delta`, JSON
//! batching, throttling, immutable ids, error codes) and from what its users report; never compared with the service
//! itself. It knows one rep's mailbox, checks the access token, keeps Outlook's limits (four requests at a time, 10,000
//! in ten minutes) and can be made to misbehave ([`Fault`]).
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use answerback_testkit::graph::{Fault, GraphServer};
//!
//! let server = GraphServer::start("rep@sales.example", "a-token").await?;
//! server.mailbox().deliver("Inbox", b"Subject: hello\r\n\r\nHi\r\n");
//! server.fault_once("/messages/delta", Fault::Throttled(std::time::Duration::from_secs(3)));
//! # Ok(())
//! # }
//! ```

mod answer;
mod api;
mod batch;
mod delta;
mod resource;
mod script;
mod server;

pub use script::{Fault, Seen};
pub use server::GraphServer;

pub use crate::exchange::{Account, Language};
