//! An agent in this process, on an in-memory mailbox and keychain.
#![allow(dead_code, reason = "each test binary uses its own part of it")]

pub mod backend;
pub mod salesforce;

use std::path::PathBuf;
use std::time::Duration;

use answerback_agent::view::{
    AccountView, MailboxDraft, MailboxSecurity, Overview, ReplyFilter, ReplyRow, ServerDraft,
};
use answerback_agent::{Agent, Config};
use answerback_keychain::Keychain;
use answerback_store::Store;
use answerback_testkit::campaign::Campaign;
use answerback_testkit::imap::{Account, ImapServer};
use jiff::Timestamp;

pub const PASSWORD: &str = "hunter2 of the rep";

/// Everything that a test needs.
pub struct Rig {
    pub server: ImapServer,
    pub mailbox: Account,
    pub campaign: Campaign,
    pub keychain: Keychain,
    folder: tempfile::TempDir,
}

impl Rig {
    /// A mailbox with some old mail, and the campaign known to the agent.
    pub async fn new() -> Self {
        let rig = Self::without_sends().await;
        let sends = rig.campaign.sends();
        let mut store = Store::open(&rig.folder.path().join("answerback.db")).unwrap();
        store.apply_sends(&sends, &[], "c1", &[]).unwrap();
        rig
    }

    /// The same, but the agent has not heard of the campaign yet.
    pub async fn without_sends() -> Self {
        let server = ImapServer::start().await.unwrap();
        let mailbox = server.add_account("rep@sales.example", PASSWORD);
        let campaign = Campaign::new(Timestamp::now());
        for (received_at, raw) in campaign.old_mail() {
            mailbox.append("INBOX", &raw, &[], received_at);
        }
        let keychain = Keychain::in_memory().unwrap();
        Self { server, mailbox, campaign, keychain, folder: tempfile::tempdir().unwrap() }
    }

    pub fn config_file(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    /// Another laptop, or the same after its disk was wiped: no store, no configuration.
    pub fn reinstall(&self) {
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }

    /// Starts an agent on what an earlier one left.
    pub async fn start(&self) -> Agent {
        let mut config = Config::load_or_default(&self.config_file()).unwrap();
        config.data_dir = Some(self.folder.path().to_owned());
        Agent::start_with(config, self.config_file(), self.keychain.clone()).await.unwrap()
    }

    /// Starts an agent and adds the mailbox.
    pub async fn start_watching(&self) -> Agent {
        let agent = self.start().await;
        agent.add_mailbox(self.draft(PASSWORD)).await.unwrap();
        watching(&agent).await;
        agent
    }

    pub fn draft(&self, password: &str) -> MailboxDraft {
        MailboxDraft {
            address: "rep@sales.example".into(),
            aliases: vec![],
            colleagues: vec!["sales.example".into()],
            server: ServerDraft::Imap {
                host: "127.0.0.1".into(),
                port: self.server.tls_port(),
                security: MailboxSecurity::Tls,
                username: String::new(),
                ca_file: Some(self.server.ca_file().display().to_string()),
            },
            password: password.into(),
        }
    }
}

/// Waits until `look` gives something; a test that waits in vain fails by this panic.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("this did not happen: {what}");
}

pub async fn account(agent: &Agent) -> AccountView {
    agent.accounts().await.unwrap().remove(0)
}

pub async fn overview(agent: &Agent) -> Overview {
    agent.overview().await.unwrap()
}

/// Waits until everything that is there has been read.
pub async fn watching(agent: &Agent) {
    eventually("the mailbox is watched", async || {
        let account = account(agent).await;
        let all = account.folders.iter().all(|folder| folder.scanned) && !account.folders.is_empty();
        (all && account.checked_up_to.is_some()).then_some(())
    })
    .await;
}

/// Waits until the list has `n` rows, newest first.
pub async fn replies(agent: &Agent, n: usize) -> Vec<ReplyRow> {
    eventually(&format!("{n} verdicts"), async || {
        let page = agent.replies(ReplyFilter::default()).await.unwrap();
        (page.rows.len() >= n).then_some(page.rows)
    })
    .await
}
