//! What each part is doing just now. Lost at a restart, like the connections that it describes.

use std::collections::BTreeMap;

use answerback_mailbox::Compression;
use jiff::{SignedDuration, Timestamp};

use crate::view::{AccountState, BackendState, OverviewState, Problem};

/// The state of everything that runs.
#[derive(Debug, Default)]
pub struct Live {
    /// By account id.
    pub accounts: BTreeMap<String, LiveAccount>,
    /// The backend connection.
    pub backend: LiveBackend,
    /// The rep has paused everything.
    pub paused: bool,
    /// When that ends by itself.
    pub paused_until: Option<Timestamp>,
}

/// What a mailbox is doing.
#[derive(Clone, Debug)]
pub struct LiveAccount {
    /// The state that is shown.
    pub state: AccountState,
    /// What is wrong.
    pub problem: Option<Problem>,
    /// Messages looked at since the start.
    pub messages_seen: u64,
    /// First scan: messages that are left, by folder.
    pub remaining: BTreeMap<String, u64>,
    /// Messages that the first scans have read.
    pub scanned: u64,
    /// By folder name.
    pub folders: BTreeMap<String, LiveFolder>,
    /// When the newest message that was read and not attributed had been received. A send that went out later can't
    /// have an answer among what was read. `None`: nothing is known of what was read before the start.
    pub newest_read: Option<Timestamp>,
    /// How far it has been checked, until the backend knows.
    pub checked: Option<Check>,
    /// What its connections have found out about the server's compression.
    pub compression: Compression,
}

/// How far a mailbox has been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// Everything received before this has been judged; by this computer's clock.
    pub up_to: Timestamp,
    /// How many folders that covers.
    pub folders: u32,
    /// How far the backend's clock was ahead of this one then, as far as known.
    pub clock_offset: Option<SignedDuration>,
}

/// A folder that is watched.
#[derive(Clone, Debug)]
pub struct LiveFolder {
    /// inbox, sent, …
    pub role: String,
    /// Whether its first scan is done.
    pub scanned: bool,
    /// Messages looked at since the start.
    pub messages_seen: u64,
    /// What it held then has been judged; unknown before it was first read since the start.
    pub read_up_to: Option<Timestamp>,
}

/// What the backend connection is doing.
#[derive(Debug)]
pub struct LiveBackend {
    /// The state that is shown.
    pub state: BackendState,
    /// When it last answered.
    pub last_contact: Option<Timestamp>,
    /// How far its clock was ahead of this computer's at its last answer; `None` before the first since the start, or since
    /// the clock jumped.
    pub clock_offset: Option<SignedDuration>,
    /// What is wrong.
    pub problem: Option<Problem>,
}

impl Default for LiveAccount {
    fn default() -> Self {
        Self {
            state: AccountState::Connecting,
            problem: None,
            messages_seen: 0,
            remaining: BTreeMap::new(),
            scanned: 0,
            folders: BTreeMap::new(),
            newest_read: None,
            checked: None,
            compression: Compression::default(),
        }
    }
}

impl Default for LiveBackend {
    fn default() -> Self {
        Self { state: BackendState::NotConnected, last_contact: None, clock_offset: None, problem: None }
    }
}

impl LiveBackend {
    /// Whether it has answered since the start, the last failure and the last jump of the clock.
    pub fn is_in_touch(&self) -> bool {
        self.state == BackendState::Connected && self.clock_offset.is_some()
    }
}

impl LiveAccount {
    /// The share of the first scan that is done, while one runs.
    pub fn progress(&self) -> Option<f64> {
        if self.state != AccountState::Scanning {
            return None;
        }
        let left: u64 = self.remaining.values().sum();
        let all = self.scanned + left;
        // Exact enough: a mailbox has fewer than 2^52 messages.
        #[allow(clippy::cast_precision_loss)]
        let share = if all == 0 { 0.0 } else { self.scanned as f64 / all as f64 };
        Some(share)
    }
}

impl Live {
    /// This computer's clock jumped: what was measured by it before is of no use.
    pub fn forget_clocks(&mut self) {
        self.backend.clock_offset = None;
        self.accounts.values_mut().for_each(|account| account.checked = None);
    }

    /// The worst state of all parts.
    pub fn overview(&self) -> OverviewState {
        if self.accounts.is_empty() {
            return OverviewState::SetUp;
        }
        let account = |state: AccountState| match state {
            AccountState::NeedsAttention => OverviewState::Attention,
            AccountState::Reconnecting | AccountState::Connecting => OverviewState::Offline,
            AccountState::Paused => OverviewState::Paused,
            AccountState::Scanning | AccountState::Watching => OverviewState::Watching,
        };
        let backend = match self.backend.state {
            BackendState::NeedsAttention => OverviewState::Attention,
            BackendState::NotConnected => OverviewState::SetUp,
            BackendState::Offline | BackendState::Connecting => OverviewState::Offline,
            BackendState::Connected => OverviewState::Watching,
        };
        let worst = self.accounts.values().map(|live| account(live.state)).chain([backend]).min();
        if self.paused && worst != Some(OverviewState::Attention) {
            return OverviewState::Paused;
        }
        worst.unwrap_or(OverviewState::SetUp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(accounts: &[AccountState], backend: BackendState) -> Live {
        let accounts = accounts
            .iter()
            .enumerate()
            .map(|(n, state)| (n.to_string(), LiveAccount { state: *state, ..Default::default() }))
            .collect();
        Live { accounts, backend: LiveBackend { state: backend, ..Default::default() }, ..Live::default() }
    }

    #[test]
    fn the_worst_part_is_what_the_tray_shows() {
        use AccountState::{NeedsAttention, Reconnecting, Scanning, Watching};
        let cases = [
            (live(&[], BackendState::Connected), OverviewState::SetUp),
            (live(&[Watching], BackendState::NotConnected), OverviewState::SetUp),
            (live(&[Watching, Scanning], BackendState::Connected), OverviewState::Watching),
            (live(&[Watching, Reconnecting], BackendState::Connected), OverviewState::Offline),
            (live(&[Watching], BackendState::Offline), OverviewState::Offline),
            (live(&[Reconnecting, NeedsAttention], BackendState::Offline), OverviewState::Attention),
        ];
        for (live, expected) in cases {
            assert_eq!(live.overview(), expected, "{live:?}");
        }
    }

    #[test]
    fn progress_counts_what_is_left_in_every_folder() {
        let mut account = LiveAccount { state: AccountState::Scanning, scanned: 50, ..Default::default() };
        account.remaining.insert("INBOX".into(), 100);
        account.remaining.insert("Sent".into(), 50);
        assert_eq!(account.progress(), Some(0.25));
        account.state = AccountState::Watching;
        assert_eq!(account.progress(), None);
    }
}
