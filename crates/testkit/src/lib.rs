//! What the tests and the demo stand on: mail servers, a keychain, a backend, and the people of the story.
//!
//! Nothing here is shipped. Everything cleans up after itself: dropping a server stops it and removes its folder.
#![forbid(unsafe_code)]

#[cfg(unix)]
pub mod agent;
#[cfg(unix)]
pub mod backend;
pub mod bad_network;
pub mod campaign;
#[cfg(unix)]
pub mod courier;
pub mod crm;
#[cfg(unix)]
pub mod cyrus;
#[cfg(unix)]
pub mod dovecot;
#[cfg(unix)]
pub mod e2e;
pub mod ews;
pub mod exchange;
#[cfg(unix)]
pub mod faults;
#[cfg(unix)]
pub mod figures;
pub mod graph;
#[cfg(unix)]
pub mod hubspot;
mod identity;
pub mod identity_provider;
pub mod imap;
#[cfg(target_os = "linux")]
pub mod keyring;
pub mod lmtp;
pub mod mail;
pub mod mail_client;
#[cfg(unix)]
mod mail_ports;
pub mod mail_server;
pub mod name_server;
pub mod personas;
#[cfg(unix)]
pub mod postgres;
#[cfg(unix)]
pub mod process;
pub mod program;
pub mod proxy;
pub mod real_mailbox;
pub mod salesforce;
pub mod snapshot;
pub mod tls;
#[cfg(unix)]
pub mod unpacked;
#[cfg(target_os = "linux")]
pub mod usage;
pub mod web_server;

pub use snapshot::Snapshot;
