//! A short run of `cargo xtask faults`.
#![cfg(unix)]

use answerback_testkit::faults::{self, Extent};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reply_is_lost_or_told_twice_and_coverage_never_lies_whatever_fails() {
    let report = faults::run(Extent { faults: 48, each: 8, seed: 4711, at_once: 6 }, |_| {}).await.unwrap();
    assert!(report.failures.is_empty(), "{}", report.failures.join("\n\n"));
    assert!(report.faults() >= 48 && report.told.coverage > 0, "{report}");
}
