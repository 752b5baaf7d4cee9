//! What happens in a story, and when: made from a seed, without doing anything.

use std::fmt;

use clap::ValueEnum;
use fastrand::Rng;

use super::fault::Fault;

/// One story: where it happens, and what happens.
#[derive(Clone, Debug)]
pub struct Plot {
    /// The seed that it was made from.
    pub seed: u64,
    /// Where replies arrive.
    pub mailbox: Mailbox,
    /// The mailbox is reached with TLS. Graph's and Exchange's simulators have none.
    pub tls: bool,
    /// The backend stands on PostgreSQL.
    pub postgres: bool,
    /// The agent's disk is a small one that can be filled up.
    pub small_disk: bool,
    /// The agent is not started anew when everything works again: it must find its way by itself.
    pub patient: bool,
    /// In order.
    pub acts: Vec<Act>,
}

/// A kind of mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Mailbox {
    /// The scripted IMAP server.
    Imap,
    /// A real Dovecot.
    Dovecot,
    /// The simulated Microsoft Graph.
    Graph,
    /// The simulated Exchange.
    Ews,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Act {
    /// The `n`th reply arrives.
    Deliver(usize, Place),
    /// A copy of an earlier reply arrives in another folder.
    Copy(usize),
    /// Another mail program moves an earlier reply to another folder.
    Move(usize),
    /// Something goes wrong.
    Fault(Fault),
    /// Time passes, in milliseconds.
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

/// What the machine can do.
#[derive(Clone, Copy, Debug)]
pub struct Means {
    /// PostgreSQL is installed.
    pub postgres: bool,
    /// A file system can be mounted.
    pub mount: bool,
}

impl Mailbox {
    /// What to call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Imap => "scripted IMAP server",
            Self::Dovecot => "Dovecot",
            Self::Graph => "simulated Graph",
            Self::Ews => "simulated Exchange",
        }
    }

    /// The longest time, in milliseconds, that passes before the next fault: IMAP tells what comes, Graph is asked at
    /// intervals.
    fn longest_wait(self) -> u64 {
        match self {
            Self::Imap | Self::Dovecot => 500,
            Self::Ews => 2000,
            Self::Graph => 6000,
        }
    }
}

impl Plot {
    /// The story of a seed, with so many faults; over this kind of mailbox, where one is given.
    pub fn new(seed: u64, faults: usize, means: Means, mailbox: Option<Mailbox>) -> Self {
        let mut rng = Rng::with_seed(seed);
        let drawn = match rng.u8(..8) {
            0 | 1 => Mailbox::Imap,
            2 | 3 => Mailbox::Dovecot,
            4 | 5 => Mailbox::Graph,
            _ => Mailbox::Ews,
        };
        let mailbox = mailbox.unwrap_or(drawn);
        let mut plot = Self {
            seed,
            mailbox,
            tls: rng.bool() && matches!(mailbox, Mailbox::Imap | Mailbox::Dovecot),
            postgres: rng.u8(..6) == 0 && means.postgres,
            small_disk: rng.u8(..3) == 0 && means.mount,
            patient: rng.u8(..4) == 0,
            acts: Vec::new(),
        };
        let mut replies = 0;
        let mut unmoved = Vec::new();
        for _ in 0..faults {
            for _ in 0..rng.usize(..3) {
                let place = match rng.u8(..6) {
                    0 => Place::Spam,
                    1 => Place::Filed,
                    _ => Place::Inbox,
                };
                plot.acts.push(Act::Deliver(replies, place));
                unmoved.push(replies);
                replies += 1;
            }
            if replies > 0 && rng.u8(..8) == 0 {
                plot.acts.push(Act::Copy(rng.usize(..replies)));
            }
            if !unmoved.is_empty() && rng.u8(..6) == 0 {
                // Once: what is moved again and again before anybody has looked may be seen nowhere.
                let which = rng.usize(..unmoved.len());
                plot.acts.push(Act::Move(unmoved.swap_remove(which)));
            }
            plot.acts.push(Act::Wait(rng.u64(..mailbox.longest_wait())));
            let fault = Fault::draw(&plot, &mut rng);
            plot.acts.push(Act::Fault(fault));
        }
        plot.acts.push(Act::Deliver(replies, Place::Inbox));
        plot
    }

    /// How many replies arrive.
    pub fn replies(&self) -> usize {
        self.acts.iter().filter(|act| matches!(act, Act::Deliver(..))).count()
    }
}

impl fmt::Display for Plot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = self.mailbox.name();
        let tls = if self.tls { "TLS" } else { "no TLS" };
        let database = if self.postgres { "PostgreSQL" } else { "SQLite" };
        let disk = if self.small_disk { ", small disk" } else { "" };
        let patient = if self.patient { ", not started anew" } else { "" };
        writeln!(f, "seed {}: {server} ({tls}), backend on {database}{disk}{patient}", self.seed)?;
        for act in &self.acts {
            writeln!(f, "  {act:?}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const MEANS: Means = Means { postgres: true, mount: true };

    #[test]
    fn a_seed_tells_the_same_story_each_time() {
        for seed in 0..50 {
            let plot = Plot::new(seed, 12, MEANS, None);
            assert_eq!(plot.to_string(), Plot::new(seed, 12, MEANS, None).to_string());
            assert_eq!(plot.to_string(), Plot::new(seed, 12, MEANS, Some(plot.mailbox)).to_string());
            let faults = plot.acts.iter().filter(|act| matches!(act, Act::Fault(_))).count();
            assert_eq!(faults, 12);
            assert!(plot.replies() > 0);
        }
    }

    #[test]
    fn each_kind_of_mailbox_has_its_share_and_its_own_faults_only() {
        let mut kinds = BTreeSet::new();
        for seed in 0..200 {
            let plot = Plot::new(seed, 12, MEANS, None);
            kinds.insert(plot.mailbox);
            for act in &plot.acts {
                let Act::Fault(fault) = act else { continue };
                let fits = match fault.name().split(':').next() {
                    Some("Graph") => plot.mailbox == Mailbox::Graph,
                    Some("EWS") => plot.mailbox == Mailbox::Ews,
                    _ => true,
                };
                assert!(fits, "{fault:?} over {:?}", plot.mailbox);
            }
        }
        assert_eq!(kinds.len(), Mailbox::value_variants().len());
    }

    #[test]
    fn no_reply_is_moved_twice_or_before_it_has_come() {
        for seed in 0..200 {
            let (mut come, mut moved) = (0, BTreeSet::new());
            for act in Plot::new(seed, 12, MEANS, None).acts {
                match act {
                    Act::Deliver(..) => come += 1,
                    Act::Move(n) => assert!(n < come && moved.insert(n), "seed {seed}"),
                    _ => {}
                }
            }
        }
    }
}
