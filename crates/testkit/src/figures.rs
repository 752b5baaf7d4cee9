//! Times and memory in figures that people read.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process, and the server that it starts, have as many connections as the system allows.
pub fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!("The limit of open files stays as it is: {error}.");
    }
}

/// Median, 99th percentile and maximum.
pub fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |share: f64| {
        let index = ((times.len() as f64 - 1.0) * share).round() as usize;
        times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    format!("p50 {:.1} ms, p99 {:.1} ms, max {:.0} ms", at(0.5), at(0.99), at(1.0))
}

/// So many a second.
pub fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64().max(f64::EPSILON)
}

/// Kibibytes as megabytes.
pub fn megabytes(kibibytes: u64) -> String {
    format!("{:.0} MB", kibibytes as f64 * 1024.0 / 1e6)
}
