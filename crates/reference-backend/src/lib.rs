//! A small sales backend that implements the Answerback contract: what an integrator reads to write their own, what the demo
//! runs and what the tests talk to.
//!
//! ```text
//! platform ── POST /v1/sends ──▶ store ◀── GET /v1/sends (long poll) ── laptop
//! platform ◀── GET /v1/events ── store ◀── POST /v1/events ─────────── laptop
//! platform ◀── webhooks ──────── courier
//! platform ◀── GET /v1/gate ──── enrolment (stop, pause) + hold (coverage)
//! ```
//! [`enrolment`], [`hold`] and [`webhook::schedule`] decide and are pure; [`store`] keeps; [`api`] speaks HTTP; [`admin`] shows it to people.
#![forbid(unsafe_code)]

pub mod admin;
pub mod api;
pub mod cli;
pub mod conformance;
pub mod enrolment;
pub mod extract;
pub mod hold;
pub mod housekeeping;
pub mod import;
pub mod metrics;
pub mod openapi;
pub mod problem;
pub mod rate;
pub mod server;
pub mod settings;
pub mod store;
pub mod watch;
pub mod webhook;

pub use server::{Config, Handle, Limits, Server, StartError};
pub use store::{Store, StoreError};
pub use webhook::Networks;
