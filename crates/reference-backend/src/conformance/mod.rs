//! The contract's tests, to be run against any implementation.
//!
//! Each check uses ids of its own, so that the kit can be run again and again against the same backend; it leaves its sends
//! there, removed, and its events.

#![allow(
    clippy::indexing_slicing,
    reason = "reading a JSON value that is not there gives null, and only objects of our own are written to"
)]

mod checks;
mod kit;

pub use kit::{Answer, Failure, Kit, Tracked, answer};

/// One check and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What the contract demands.
    pub name: &'static str,
    /// What was found instead; `None` where all is well.
    pub failure: Option<String>,
}

/// Runs every check, one after another.
pub async fn run(kit: &Kit) -> Vec<Report> {
    let mut reports = Vec::new();
    for (name, check) in checks::ALL {
        let failure = check(kit).await.err().map(|f| f.to_string());
        reports.push(Report { name, failure });
    }
    reports
}
