//! A short run of `cargo xtask faults`.
#![cfg(unix)]

use answerback_testkit::faults::{self, Act, Extent, Fault, Mailbox, Place, Plot};
use clap::ValueEnum as _;

/// With it, there is a story over each kind of mailbox.
const SEED: u64 = 4711;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reply_is_lost_or_told_twice_and_coverage_never_lies_whatever_fails() {
    let extent = Extent { faults: 48, each: 8, seed: SEED, at_once: 6, mailbox: None };
    let report = faults::run(extent, |_| {}).await.unwrap();
    assert!(report.failures.is_empty(), "{}", report.failures.join("\n\n"));
    assert!(report.faults() >= 48 && report.told.coverage > 0, "{report}");
    assert_eq!(report.told.mailboxes.len(), Mailbox::value_variants().len(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_token_that_somebody_else_renews_may_come_late() {
    let plot = Plot {
        seed: 0,
        mailbox: Mailbox::Graph,
        tls: false,
        postgres: false,
        small_disk: false,
        patient: true,
        acts: vec![
            Act::Wait(3000),
            // Long enough for the agent to ask, to ask once more, and to give up.
            Act::Fault(Fault::TokenRunsOut(25_000)),
            Act::Deliver(0, Place::Inbox),
        ],
    };
    faults::play(&plot).await.unwrap();
}
