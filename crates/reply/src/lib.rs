//! Tells from a message's bytes whether somebody answered a tracked email, which one, and why.
//!
//! Pure: no I/O, no clock, no async. Data flows one way:
//! header bytes → [`Message`] → [`Kind`] → attribution → [`Verdict`].
//!
//! A mailbox needs two looks at a message: one at its header, and one at a prefix of the whole where that may matter.
//!
//! ```
//! use answerback_reply::{Action, Identity, Judge, Kind, Message, Policy, SendIndex, TrackedSend, Triage};
//!
//! let mut sends = SendIndex::new();
//! sends.insert(&serde_json::from_str::<TrackedSend>(
//!     r#"{"id": "snd_1", "message_ids": ["<s1@sales.example>"], "to": ["flynn@flynnsarcade.com"],
//!         "subject": "Space Paranoids", "sent_at": "2026-11-18T08:00:00Z"}"#,
//! )?);
//! let me = Identity { addresses: vec!["rep@sales.example".into()], colleagues: vec!["sales.example".into()] };
//! let policy = Policy::default();
//! let judge = Judge { me: &me, sends: &sends, policy: &policy };
//!
//! let raw = b"From: Kevin Flynn <kevinf@flynnsarcade.com>\r\nMessage-ID: <r1@flynnsarcade.com>\r\n\
//!     In-Reply-To: <s1@sales.example>\r\nSubject: Re: Space Paranoids\r\n\r\nCall me on Friday.\r\n";
//! assert_eq!(judge.triage(&Message::from_header(raw)), Triage::Candidate);
//!
//! let verdict = judge.verdict(&Message::parse(raw));
//! assert_eq!(verdict.kind, Kind::Reply);
//! assert_eq!(verdict.send_id.as_deref(), Some("snd_1"));
//! assert_eq!(verdict.actions, [Action::Stop, Action::Log]);
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! What the rep sends teaches the index: [`Judge::own_copy`] recognises a tracked send in the Sent folder, whatever
//! Message-ID a server gave it, and [`Fingerprint::of`] what answers will quote of it.
#![forbid(unsafe_code)]

pub mod absence;
mod address;
mod attribution;
pub mod evidence;
pub mod explanation;
pub mod fingerprint;
pub mod identity;
pub mod index;
pub mod intent;
pub mod judge;
pub mod kind;
pub mod message;
pub mod message_id;
pub mod own;
pub mod phrases;
pub mod policy;
mod relation;
pub mod send;
pub mod text;
pub mod verdict;

pub use evidence::{Evidence, Rung};
pub use fingerprint::Fingerprint;
pub use identity::Identity;
pub use index::SendIndex;
pub use judge::{Judge, Triage};
pub use kind::{Bounce, BounceClass, BounceReason, Intent, Kind, Reason, Relation};
pub use message::Message;
pub use message_id::MessageId;
pub use own::OwnCopy;
pub use policy::{Action, Policy};
pub use send::TrackedSend;
pub use verdict::Verdict;
