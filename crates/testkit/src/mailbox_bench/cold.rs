//! What it costs to go on after waiting, whoever does: processors slow down and caches are lost, and a virtual machine's memory may be
//! lent to others meanwhile.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

const PAGE: usize = 4096;
/// Eight megabytes.
const PAGES: usize = 2048;

/// How long it takes to read from each of some pages of memory, just after they were read and after waiting so long; medians.
pub fn read_again(after: Duration) -> (Duration, Duration) {
    let memory = vec![1_u8; PAGES * PAGE];
    let median = |wait: Duration| {
        let mut times: Vec<Duration> = (0..7)
            .map(|_| {
                thread::sleep(wait);
                let began = Instant::now();
                black_box(
                    memory.iter().step_by(PAGE).map(|byte| usize::from(*black_box(byte))).sum::<usize>(),
                );
                began.elapsed()
            })
            .collect();
        times.sort();
        times.get(times.len() / 2).copied().unwrap_or_default()
    };
    (median(Duration::ZERO), median(after))
}
