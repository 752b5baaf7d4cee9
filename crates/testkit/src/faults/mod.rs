//! The whole pipe under faults: agent, mail server and backend as processes, bad networks between them.
//!
//! A *story* is made from a seed: replies arrive, things go wrong, everything is healed. Then each reply must have
//! given one stop and one log at the backend, nothing may be there twice, also after the agent has forgotten
//! everything and read the mailbox anew, and no coverage report may have come before what it covers.

mod disk;
mod fault;
mod mailbox;
mod plot;
mod replies;
mod stage;
mod story;
mod way;

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Result;
use tokio::task::JoinSet;

pub use self::fault::Fault;
pub use self::plot::{Act, Mailbox, Means, Place, Plot};
pub use self::story::{Told, play};

/// How much is to happen.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Faults in all, at least.
    pub faults: usize,
    /// Faults in one story.
    pub each: usize,
    /// The first story's seed; the next ones follow.
    pub seed: u64,
    /// Stories at once.
    pub at_once: usize,
    /// Only over this kind of mailbox.
    pub mailbox: Option<Mailbox>,
}

/// What all stories came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many were told to their end with everything as it must be.
    pub stories: u64,
    /// All of them together.
    pub told: Told,
    /// Each story that failed, with its plot.
    pub failures: Vec<String>,
}

impl Means {
    /// What this machine can do.
    pub fn here() -> Self {
        Self {
            postgres: crate::postgres::Postgres::installed().is_some(),
            mount: disk::SmallDisk::is_possible(),
        }
    }
}

/// Tells stories until there were enough faults. `progress` hears of each that ended.
///
/// # Errors
/// A program was not built.
pub async fn run(extent: Extent, mut progress: impl FnMut(&Report)) -> Result<Report> {
    stage::programs()?;
    let means = Means::here();
    let stories = extent.faults.div_ceil(extent.each.max(1));
    let mut seeds = (0..stories as u64).map(|n| extent.seed.wrapping_add(n));
    let mut running = JoinSet::new();
    let mut report = Report::default();
    let mut begin = |running: &mut JoinSet<Result<Told>>| {
        if let Some(seed) = seeds.next() {
            let plot = Plot::new(seed, extent.each, means, extent.mailbox);
            running.spawn(async move { play(&plot).await });
        }
    };
    for _ in 0..extent.at_once.max(1) {
        begin(&mut running);
    }
    while let Some(ended) = running.join_next().await {
        match ended? {
            Ok(told) => report.add(told),
            Err(error) => report.failures.push(format!("{error:?}")),
        }
        progress(&report);
        begin(&mut running);
    }
    Ok(report)
}

impl Report {
    fn add(&mut self, told: Told) {
        self.stories += 1;
        self.told.replies += told.replies;
        self.told.coverage += told.coverage;
        self.told.unmet += told.unmet;
        for (mailbox, count) in told.mailboxes {
            *self.told.mailboxes.entry(mailbox).or_default() += count;
        }
        for (name, count) in told.faults {
            *self.told.faults.entry(name).or_default() += count;
        }
    }

    /// Faults of all kinds.
    pub fn faults(&self) -> u64 {
        self.told.faults.values().sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: &BTreeMap<_, _> = &self.told.faults;
        for (name, count) in faults {
            writeln!(f, "{count:>6}  {name}")?;
        }
        for (mailbox, stories) in &self.told.mailboxes {
            writeln!(f, "{stories:>6}  stories over the {}", mailbox.name())?;
        }
        write!(
            f,
            "{} faults, {} of which nobody met, in {} stories: {} replies, each gave one stop and one log; {} coverage \
             reports, none ahead of the truth; {} stories failed",
            self.faults(),
            self.told.unmet,
            self.stories,
            self.told.replies,
            self.told.coverage,
            self.failures.len()
        )
    }
}
