//! The wire contract with the sales backend: its types, and a client that delivers events exactly once.
//!
//! The contract is three endpoints: the tracked sends come in with `GET /v1/sends`, the organisation's pins over the
//! policy with `GET /v1/policy`, and events go out with `POST /v1/events`. An [`Event`]'s id is a function of what
//! it is about, so that the same reply found again after a crash, a reinstall or on a second laptop is the same event
//! and the backend drops it as a duplicate.
//!
//! ```text
//! verdict ─▶ events_for() ─▶ the caller's outbox ─▶ Pusher (what to send when) ─▶ Client::push ─▶ Pusher
//! ```
#![forbid(unsafe_code)]

pub mod client;
pub mod crm;
pub mod error;
pub mod event;
pub mod event_id;
pub mod gate;
pub mod hubspot;
pub mod outbox;
pub mod pairing;
pub mod policy;
pub mod problem;
pub mod reply_facts;
pub mod results;
pub mod retry;
pub mod salesforce;
pub mod secret;
pub mod sends;
pub mod token;
mod transport;
pub mod verdict_events;

pub use client::{Client, ClientOptions, PolicyAnswer};
pub use error::{BackendError, Unreachable};
pub use event::{Event, EventData, EventType};
pub use event_id::{account_id, coverage_id, event_id, retract_id, source};
pub use gate::{Gate, GateState};
pub use outbox::{Effect, Outcome, Pusher, PusherConfig, Queued, Step};
pub use pairing::{PairedToken, Pairing, PairingState, Tokens};
pub use policy::{LogLevel, OauthClient, OrganisationPolicy, PolicyPins};
pub use problem::Problem;
pub use reply_facts::ReplyFacts;
pub use results::{EventResult, EventStatus, PushResults};
pub use secret::{SecretError, SecretSource};
pub use sends::SendsPage;
pub use token::{Token, TokenSource};
pub use verdict_events::{coverage, events_for, retract};
