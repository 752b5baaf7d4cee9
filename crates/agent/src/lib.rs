//! Watches the accounts, judges what arrives and keeps the backend in step.
//!
//! One task per account and one for the backend, all around one store:
//!
//! ```text
//! watch (account)   mailbox ─▶ judging ─▶ store: verdict + outbox + cursor in one transaction
//! feed (backend)    tracked sends and policy ─▶ store, index
//! delivery          outbox ─▶ backend, in order, until acknowledged; then coverage
//! ```
//!
//! [`Agent`] is the API that the settings window and the command line call. Nothing here knows of a window.
#![forbid(unsafe_code)]

pub mod agent;
mod backend;
mod backoff;
pub mod config;
mod connection;
mod context;
mod credentials;
mod delivery;
pub mod doctor;
pub mod event;
mod feed;
mod forget;
mod judging;
mod link;
mod live;
pub mod managed;
mod network;
mod power;
mod problem;
pub mod redact;
mod review;
mod salesforce;
mod show;
pub mod sign_in;
mod storage;
mod tasks;
pub mod view;
mod wake;
mod watch;

pub use agent::{Agent, Change};
pub use answerback_keychain::Keychain;
pub use config::Config;
pub use event::AgentEvent;
pub use forget::forget_everything;
pub use managed::Managed;
