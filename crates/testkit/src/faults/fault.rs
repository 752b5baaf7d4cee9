//! What can go wrong in a story.

use std::time::Duration;

use fastrand::Rng;

use super::plot::{Mailbox, Plot};
use crate::bad_network::Trouble;
use crate::{ews, graph};

/// Something that goes wrong. Times are milliseconds.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection to the mailbox is cut, and this happens to the next one.
    Mail(Trouble),
    /// The connection to the backend is cut, and this happens to the next one.
    Backend(Trouble),
    /// The folder's UIDs change (UIDVALIDITY), as after a restored backup.
    Renumber,
    /// Graph answers the next request whose target contains this text like this.
    Graph(&'static str, graph::Fault),
    /// Exchange answers the next operation whose name contains this text like this.
    Ews(&'static str, ews::Fault),
    /// No delta link or sync state that was given out is known any more.
    SyncStatesLost,
    /// The access token runs out; whoever renews it puts the next one into its file after this time.
    TokenRunsOut(u64),
    /// The streams of notifications break off.
    StreamsEnd,
    /// The streams of notifications stay open and say nothing any more.
    StreamsHang,
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

/// What is asked of Graph; the empty text is in each.
const TARGETS: &[&str] =
    &["/messages/delta", "/messages/delta", "/mailFolders/delta", "/mailFolders/inbox", "$value", ""];
const OPERATIONS: &[&str] = &[
    "SyncFolderItems",
    "SyncFolderItems",
    "GetItem",
    "GetItem",
    "SyncFolderHierarchy",
    "GetFolder",
    "Subscribe",
    "GetStreamingEvents",
];
/// Exchange's codes for "not now" in place of an answer, and one that says nothing.
const REFUSALS: &[&str] = &[
    "ErrorServerBusy",
    "ErrorInternalServerTransientError",
    "ErrorMailboxMoveInProgress",
    "ErrorTimeoutExpired",
    "ErrorInternalServerError",
];
/// Where a network's login page is.
const ELSEWHERE: &str = "https://login.hotel.example/";

impl Fault {
    /// One for this story.
    pub(super) fn draw(plot: &Plot, rng: &mut Rng) -> Self {
        loop {
            return match rng.u8(..20) {
                0..=4 => Self::Mail(Trouble::CutAfter(rng.u64(..9000))),
                5 => Self::Mail(stall(rng, 9000)),
                6..=10 => match Self::of_mailbox(plot, rng) {
                    Some(fault) => fault,
                    None => continue,
                },
                11..=13 => Self::KillAgent,
                14 => Self::FreezeAgent(rng.u64(..800)),
                15 => Self::KillBackend(rng.u64(..800)),
                16 => Self::FreezeBackend(rng.u64(..1500)),
                17 => Self::Backend(match rng.bool() {
                    true => stall(rng, 900),
                    false => Trouble::CutAfter(rng.u64(..900)),
                }),
                18 if plot.postgres => Self::KillDatabase,
                18 | 19 if plot.small_disk => Self::FullDisk(rng.u64(..1500)),
                19 => Self::NoGrowth(rng.u64(..1500)),
                _ => continue,
            };
        }
    }

    /// One that only this kind of mailbox knows. `None` when the dice showed one that it has not.
    fn of_mailbox(plot: &Plot, rng: &mut Rng) -> Option<Self> {
        match plot.mailbox {
            Mailbox::Imap | Mailbox::Dovecot => match rng.u8(..5) {
                0 if plot.tls => Some(Self::Mail(Trouble::Flip(rng.u64(..9000)))),
                1 | 2 if !plot.tls => {
                    let command = rng.choice(COMMANDS).copied()?;
                    let with = rng.choice(ANSWERS).copied()?;
                    Some(Self::Mail(Trouble::Answer { command, nth: rng.u32(..3), with }))
                }
                3 if !plot.tls => Some(Self::Mail(Trouble::Twice("* "))),
                4 if plot.mailbox == Mailbox::Imap => Some(Self::Renumber),
                _ => None,
            },
            Mailbox::Graph => match rng.u8(..10) {
                0 => Some(Self::SyncStatesLost),
                1 => Some(Self::TokenRunsOut(rng.u64(..1500))),
                _ => of_graph(rng),
            },
            Mailbox::Ews => match rng.u8(..10) {
                0 => Some(Self::SyncStatesLost),
                1 => Some(Self::StreamsEnd),
                2 => Some(Self::StreamsHang),
                _ => of_ews(plot, rng),
            },
        }
    }

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
                Trouble::Slow(_) => "mailbox: a slow link",
            },
            Self::Backend(Trouble::Stall { .. }) => "backend: stalled",
            Self::Backend(_) => "backend: cut after n bytes",
            Self::Renumber => "mailbox: new UIDVALIDITY",
            Self::Graph(_, fault) => match fault {
                graph::Fault::Throttled(_) => "Graph: 429",
                graph::Fault::Unavailable => "Graph: 503",
                graph::Fault::GatewayTimeout => "Graph: 504",
                graph::Fault::SyncStateLost => "Graph: 410",
                graph::Fault::TokenExpired => "Graph: 401",
                graph::Fault::AccessDenied => "Graph: 403",
                graph::Fault::NotFound => "Graph: 404",
                graph::Fault::CutAt(_) => "Graph: an answer cut off",
                graph::Fault::Delay(_) => "Graph: late",
                graph::Fault::Html | graph::Fault::Redirect(_) => "Graph: a network's login page",
            },
            Self::Ews(_, fault) => match fault {
                ews::Fault::Busy(_) => "EWS: ErrorServerBusy with a time",
                ews::Fault::Unavailable => "EWS: 503",
                ews::Fault::Refused("ErrorInvalidSyncStateData") => "EWS: ErrorInvalidSyncStateData",
                ews::Fault::Refused(_) => "EWS: an error in place of an answer",
                ews::Fault::SignedOut => "EWS: 401",
                ews::Fault::CutAt(_) => "EWS: an answer cut off",
                ews::Fault::Html | ews::Fault::Redirect(_) => "EWS: a network's login page",
            },
            Self::SyncStatesLost => "mailbox: all sync states lost",
            Self::TokenRunsOut(_) => "Graph: token runs out",
            Self::StreamsEnd => "EWS: notifications end",
            Self::StreamsHang => "EWS: notifications hang",
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

fn of_graph(rng: &mut Rng) -> Option<Fault> {
    let target = rng.choice(TARGETS).copied()?;
    let is_delta = target == "/messages/delta";
    let fault = match rng.u8(..11) {
        0 | 1 => graph::Fault::Throttled(Duration::from_secs(rng.u64(..3))),
        2 => graph::Fault::Unavailable,
        3 => graph::Fault::GatewayTimeout,
        4 if is_delta => graph::Fault::SyncStateLost,
        5 => graph::Fault::TokenExpired,
        6 if is_delta => graph::Fault::NotFound,
        7 | 8 => graph::Fault::CutAt(rng.usize(..3000)),
        9 => graph::Fault::Delay(Duration::from_millis(rng.u64(..3000))),
        10 if rng.bool() => graph::Fault::Html,
        10 => graph::Fault::Redirect(ELSEWHERE.to_owned()),
        _ => return None,
    };
    Some(Fault::Graph(target, fault))
}

fn of_ews(plot: &Plot, rng: &mut Rng) -> Option<Fault> {
    let operation = rng.choice(OPERATIONS).copied()?;
    let fault = match rng.u8(..9) {
        0 | 1 => ews::Fault::Busy(Duration::from_millis(rng.u64(..3000))),
        2 => ews::Fault::Unavailable,
        3 => ews::Fault::Refused(rng.choice(REFUSALS).copied()?),
        4 if operation.starts_with("Sync") => ews::Fault::Refused("ErrorInvalidSyncStateData"),
        // A password that is refused twice is not sent again until the rep, or a start, says so.
        5 if !plot.patient => ews::Fault::SignedOut,
        6 | 7 => ews::Fault::CutAt(rng.usize(..3000)),
        8 if rng.bool() => ews::Fault::Html,
        8 => ews::Fault::Redirect(ELSEWHERE.to_owned()),
        _ => return None,
    };
    Some(Fault::Ews(operation, fault))
}

fn stall(rng: &mut Rng, within: u64) -> Trouble {
    Trouble::Stall { after: rng.u64(..within), time: Duration::from_millis(rng.u64(..1500)) }
}
