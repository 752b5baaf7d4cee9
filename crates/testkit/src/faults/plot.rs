//! What goes wrong in a story, and when: made from a seed, without doing anything.

use std::fmt;

use fastrand::Rng;

use crate::bad_network::Trouble;

/// One story: where it happens, and what happens.
#[derive(Clone, Debug)]
pub struct Plot {
    /// The seed that it was made from.
    pub seed: u64,
    /// A real Dovecot instead of the scripted server.
    pub dovecot: bool,
    /// The mailbox is reached with TLS.
    pub tls: bool,
    /// The backend stands on PostgreSQL.
    pub postgres: bool,
    /// The agent's disk is a small one that can be filled up.
    pub small_disk: bool,
    /// In order.
    pub acts: Vec<Act>,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Act {
    /// The `n`th reply arrives.
    Deliver(usize, Place),
    /// A copy of an earlier reply arrives in another folder.
    Copy(usize),
    /// Something goes wrong.
    Fault(Fault),
    /// Time passes.
    Wait(u64),
}

/// Where a reply arrives.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// INBOX.
    Inbox,
    /// Spam.
    Spam,
    /// A folder of a server's rule.
    Filed,
}

/// Something that goes wrong. Times are milliseconds.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection to the mailbox is cut, and this happens to the next one.
    Mail(Trouble),
    /// The connection to the backend is cut, and this happens to the next one.
    Backend(Trouble),
    /// The folder's UIDs change (UIDVALIDITY), as after a restored backup.
    Renumber,
    /// `kill -9` of the agent, which starts again.
    KillAgent,
    /// The laptop stands still for a moment.
    FreezeAgent(u64),
    /// `kill -9` of the backend, which starts again after this time.
    KillBackend(u64),
    /// The backend accepts connections and says nothing.
    FreezeBackend(u64),
    /// `kill -9` of the database server, which starts again.
    KillDatabase,
    /// The agent's disk has no space for a while.
    FullDisk(u64),
    /// No file of the agent's may grow for a while, as with a quota.
    NoGrowth(u64),
}

impl Fault {
    /// What to count it as.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mail(trouble) => match trouble {
                Trouble::CutAfter(_) => "mailbox: cut after n bytes",
                Trouble::Stall { .. } => "mailbox: stalled",
                Trouble::Flip(_) => "mailbox: a byte changed (TLS)",
                Trouble::Answer { with, .. } if with.starts_with("* BYE") => "mailbox: BYE",
                Trouble::Answer { with, .. } if with.contains("BAD") => "mailbox: BAD",
                Trouble::Answer { .. } => "mailbox: NO",
                Trouble::Twice(_) => "mailbox: lines sent twice",
            },
            Self::Backend(Trouble::Stall { .. }) => "backend: stalled",
            Self::Backend(_) => "backend: cut after n bytes",
            Self::Renumber => "mailbox: new UIDVALIDITY",
            Self::KillAgent => "agent: kill -9",
            Self::FreezeAgent(_) => "agent: stood still",
            Self::KillBackend(_) => "backend: kill -9",
            Self::FreezeBackend(_) => "backend: stood still",
            Self::KillDatabase => "PostgreSQL: kill -9",
            Self::FullDisk(_) => "agent: disk full",
            Self::NoGrowth(_) => "agent: files may not grow",
        }
    }
}

/// What the machine can do.
#[derive(Clone, Copy, Debug)]
pub struct Means {
    /// PostgreSQL is installed.
    pub postgres: bool,
    /// A file system can be mounted.
    pub mount: bool,
}

/// Commands whose answer the proxy may give, and answers.
const COMMANDS: &[&str] =
    &["UID FETCH", "EXAMINE", "UID SEARCH", "LIST", "NOOP", "IDLE", "STATUS", "ID", "NOTIFY", "NAMESPACE"];
const ANSWERS: &[&str] = &[
    "{tag} NO not now\r\n",
    "{tag} NO [UNAVAILABLE] try again\r\n",
    "{tag} BAD what is that\r\n",
    "* BYE shutting down\r\n",
    "* BYE [UNAVAILABLE] too busy\r\n",
];

impl Plot {
    /// The story of a seed, with so many faults.
    pub fn new(seed: u64, faults: usize, means: Means) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut plot = Self {
            seed,
            dovecot: rng.u8(..4) == 0,
            tls: rng.bool(),
            postgres: rng.u8(..6) == 0 && means.postgres,
            small_disk: rng.u8(..3) == 0 && means.mount,
            acts: Vec::new(),
        };
        let mut replies = 0;
        for _ in 0..faults {
            for _ in 0..rng.usize(..3) {
                let place = match rng.u8(..6) {
                    0 => Place::Spam,
                    1 => Place::Filed,
                    _ => Place::Inbox,
                };
                plot.acts.push(Act::Deliver(replies, place));
                replies += 1;
            }
            if replies > 0 && rng.u8(..8) == 0 {
                plot.acts.push(Act::Copy(rng.usize(..replies)));
            }
            plot.acts.push(Act::Wait(rng.u64(..500)));
            let fault = plot.fault(&mut rng);
            plot.acts.push(Act::Fault(fault));
        }
        plot.acts.push(Act::Deliver(replies, Place::Inbox));
        plot
    }

    fn fault(&self, rng: &mut Rng) -> Fault {
        loop {
            return match rng.u8(..20) {
                0..=4 => Fault::Mail(Trouble::CutAfter(rng.u64(..9000))),
                5 => Fault::Mail(stall(rng, 9000)),
                6 if self.tls => Fault::Mail(Trouble::Flip(rng.u64(..9000))),
                7 | 8 if !self.tls => {
                    let command = rng.choice(COMMANDS).copied().unwrap_or("NOOP");
                    let with = rng.choice(ANSWERS).copied().unwrap_or_default();
                    Fault::Mail(Trouble::Answer { command, nth: rng.u32(..3), with })
                }
                9 if !self.tls => Fault::Mail(Trouble::Twice("* ")),
                10 if !self.dovecot => Fault::Renumber,
                11..=13 => Fault::KillAgent,
                14 => Fault::FreezeAgent(rng.u64(..800)),
                15 => Fault::KillBackend(rng.u64(..800)),
                16 => Fault::FreezeBackend(rng.u64(..1500)),
                17 => Fault::Backend(match rng.bool() {
                    true => stall(rng, 900),
                    false => Trouble::CutAfter(rng.u64(..900)),
                }),
                18 if self.postgres => Fault::KillDatabase,
                18 | 19 if self.small_disk => Fault::FullDisk(rng.u64(..1500)),
                19 => Fault::NoGrowth(rng.u64(..1500)),
                _ => continue,
            };
        }
    }

    /// How many replies arrive.
    pub fn replies(&self) -> usize {
        self.acts.iter().filter(|act| matches!(act, Act::Deliver(..))).count()
    }
}

fn stall(rng: &mut Rng, within: u64) -> Trouble {
    Trouble::Stall { after: rng.u64(..within), time: std::time::Duration::from_millis(rng.u64(..1500)) }
}

impl fmt::Display for Plot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = if self.dovecot { "Dovecot" } else { "scripted server" };
        let tls = if self.tls { "TLS" } else { "no TLS" };
        let database = if self.postgres { "PostgreSQL" } else { "SQLite" };
        let disk = if self.small_disk { ", small disk" } else { "" };
        writeln!(f, "seed {}: {server} ({tls}), backend on {database}{disk}", self.seed)?;
        for act in &self.acts {
            writeln!(f, "  {act:?}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_tells_the_same_story_each_time() {
        let means = Means { postgres: true, mount: true };
        for seed in 0..50 {
            let plot = Plot::new(seed, 12, means);
            assert_eq!(plot.to_string(), Plot::new(seed, 12, means).to_string());
            let faults = plot.acts.iter().filter(|act| matches!(act, Act::Fault(_))).count();
            assert_eq!(faults, 12);
            assert!(plot.replies() > 0);
        }
    }
}
