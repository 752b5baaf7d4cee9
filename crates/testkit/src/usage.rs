//! What a process uses of the computer, as proc(5) tells it.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// What a process uses. All zero where the system does not tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Kibibytes of memory that it has now.
    pub memory: u64,
    /// Kibibytes of memory that it had at most.
    pub peak: u64,
    /// Processor time in seconds, in steps of a hundredth.
    pub processor: f64,
}

impl Usage {
    /// That of this process.
    pub fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let kibibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
        };
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        // utime and stime, in hundredths of a second.
        let ticks = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
        Self {
            memory: kibibytes("VmRSS:"),
            peak: kibibytes("VmHWM:"),
            processor: ticks.sum::<u64>() as f64 / 100.0,
        }
    }
}

/// Processor time to the nanosecond. The system tells it by thread, and forgets a thread that has ended: look often.
#[derive(Debug)]
pub struct ProcessorTime {
    process: u32,
    at_first: HashMap<String, Duration>,
    at_last: HashMap<String, Duration>,
}

impl ProcessorTime {
    /// Counts from now on.
    pub fn of(process: u32) -> Self {
        let now = by_thread(process);
        Self { process, at_last: now.clone(), at_first: now }
    }

    /// What was used since the beginning.
    pub fn look(&mut self) -> Duration {
        self.at_last.extend(by_thread(self.process));
        let before = |thread| self.at_first.get(thread).copied().unwrap_or_default();
        self.at_last.iter().map(|(thread, used)| used.saturating_sub(before(thread))).sum()
    }
}

fn by_thread(process: u32) -> HashMap<String, Duration> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let used = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        let nanoseconds = text.split(' ').next()?.parse().ok()?;
        Some((thread.file_name().to_string_lossy().into_owned(), Duration::from_nanos(nanoseconds)))
    });
    used.collect()
}
