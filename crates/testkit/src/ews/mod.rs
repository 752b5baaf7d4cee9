//! Exchange Web Services, as far as an agent that watches a mailbox needs them: in memory, on loopback, scripted.
//!
//! Written from Microsoft's public documentation ([MS-OXWSSYNC], [MS-OXWSFOLD], [MS-OXWSNTIF], [MS-OXWSMSG], [MS-OXDSCLI], [MS-OXWSADISC],
//! [MS-NLMP], response codes, throttling); never compared with a real Exchange server. It knows one rep's mailbox, checks user name and
//! password, a token, or an NTLM sign-in of each connection, wants elements in the order of the published schema, and can be made to
//! misbehave ([`Fault`]).
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use answerback_testkit::ews::{EwsServer, Fault};
//!
//! let server = EwsServer::start("rep@sales.example", "a-password").await?;
//! server.mailbox().deliver("Inbox", b"Subject: hello\r\n\r\nHi\r\n");
//! server.fault_once("SyncFolderItems", Fault::Busy(std::time::Duration::from_secs(3)));
//! # Ok(())
//! # }
//! ```

mod answer;
mod autodiscover;
mod door;
mod ntlm;
mod operation;
mod server;
mod soap;
mod stream;
mod sync;
mod xml;

pub use door::SignIn;
pub use server::{EwsServer, Exchanged, Fault};
