//! An agent that signs in through the browser: a real Dovecot asks an OpenID provider of our own whose token it is.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what the tests share may panic like the tests"
)]

mod rig;

use std::time::Duration;

use answerback_agent::config::OauthClientConfig;
use answerback_agent::view::{
    AccountState, CheckState, MailboxDraft, MailboxSecurity, Problem, ServerDraft, SignInOutcome,
};
use answerback_agent::{Agent, Config, sign_in};
use answerback_keychain::Keychain;
use answerback_testkit::dovecot::{Dovecot, Setup};
use answerback_testkit::identity_provider::{CLIENT_ID, Consent, IdentityProvider, SCOPE};
use rig::{account, eventually, watching};

const REP: &str = "rep@sales.example";

/// A mail server, its sign-in page, and an agent that knows neither yet.
struct Scene {
    provider: IdentityProvider,
    dovecot: Dovecot,
    keychain: Keychain,
    folder: tempfile::TempDir,
    agent: Agent,
}

impl Scene {
    async fn new(mechanism: &'static str) -> Self {
        let provider = IdentityProvider::start(REP).await.unwrap();
        let setup = Setup {
            mechanisms: vec!["plain", mechanism],
            introspection: Some(provider.introspection()),
            ..Setup::default()
        };
        let dovecot = Dovecot::start_as("nobody knows", setup).await.unwrap();
        let keychain = Keychain::in_memory().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: Some(folder.path().to_owned()), ..Config::default() };
        let client = OauthClientConfig {
            client_id: CLIENT_ID.into(),
            client_secret: None,
            tenant: None,
            scopes: vec![SCOPE.into()],
            authority: None,
            graph_url: None,
        };
        config.oauth.insert(provider.issuer().into(), client);
        let file = folder.path().join("config.toml");
        let agent = Agent::start_with(config, file, keychain.clone()).await.unwrap();
        Self { provider, dovecot, keychain, folder, agent }
    }

    fn draft(&self) -> MailboxDraft {
        MailboxDraft {
            address: REP.into(),
            aliases: vec![],
            colleagues: vec![],
            server: ServerDraft::Imap {
                host: "localhost".into(),
                port: self.dovecot.tls_port(),
                security: MailboxSecurity::Tls,
                username: String::new(),
                ca_file: Some(self.dovecot.ca_file().display().to_string()),
            },
            password: String::new(),
        }
    }

    async fn add(&self) -> Result<(), Problem> {
        let begun = self.agent.begin_sign_in(self.draft(), self.provider.issuer().into(), None).await?;
        let (finished, _page) =
            tokio::join!(self.agent.finish_sign_in(begun.id), self.provider.visit(&begun.url));
        match finished? {
            SignInOutcome::Watched { .. } => Ok(()),
            SignInOutcome::Unreadable { checks } => {
                Err(checks.into_iter().find_map(|check| check.problem).unwrap())
            }
            SignInOutcome::Next { .. } => panic!("there is no other door"),
        }
    }

    async fn state_is(&self, wanted: AccountState) {
        eventually(&format!("the mailbox is {wanted:?}"), async || {
            (account(&self.agent).await.state == wanted).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_is_signed_in_to_and_watched_by_both_mechanisms() {
    for mechanism in ["xoauth2", "oauthbearer"] {
        let scene = Scene::new(mechanism).await;
        scene.add().await.unwrap();
        watching(&scene.agent).await;
        assert!(scene.dovecot.log().contains(&format!("method={}", mechanism.to_uppercase())));
        assert_eq!(account(&scene.agent).await.provider.as_deref(), Some(scene.provider.issuer()));
        let config = std::fs::read_to_string(scene.folder.path().join("config.toml")).unwrap();
        assert!(config.contains("provider = ") && !config.contains("refresh-"), "{config}");
        assert!(scene.keychain.get("oauth/rep@sales.example").unwrap().expose().contains("refresh-"));
        let checks = scene.agent.doctor().await;
        assert!(checks.iter().all(|check| check.state == CheckState::Passed), "{checks:?}");
        let id = account(&scene.agent).await.id;
        scene.agent.remove_mailbox(id).await.unwrap();
        assert!(scene.keychain.get("oauth/rep@sales.example").is_err());
        scene.agent.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_runs_out_is_renewed_and_the_mailbox_stays_watched() {
    let scene = Scene::new("xoauth2").await;
    scene.provider.token_life(Duration::from_secs(2));
    scene.add().await.unwrap();
    watching(&scene.agent).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    scene.provider.token_life(Duration::from_secs(3600));
    // Providers hang up when the token's time is over; the agent connects anew.
    scene.agent.try_again();
    eventually("a new token", async || (scene.provider.refreshes() == 1).then_some(())).await;
    scene.state_is(AccountState::Watching).await;
    // One that is revoked before its time is refused by the mail server, and the next attempt has a new one.
    scene.provider.expire_access_tokens();
    scene.agent.try_again();
    eventually("another token", async || (scene.provider.refreshes() == 2).then_some(())).await;
    scene.state_is(AccountState::Watching).await;
    scene.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_sign_in_asks_for_the_rep_once_and_goes_on_after_signing_in_again() {
    let scene = Scene::new("oauthbearer").await;
    scene.add().await.unwrap();
    watching(&scene.agent).await;
    scene.provider.revoke();
    scene.agent.try_again();
    scene.state_is(AccountState::NeedsAttention).await;
    let problem = account(&scene.agent).await.problem.unwrap();
    assert_eq!(problem.code, "sign_in_again");
    let checks = scene.agent.doctor().await;
    let failed = checks.iter().find(|check| check.state == CheckState::Failed).unwrap();
    assert_eq!(failed.problem.as_ref().unwrap().code, "sign_in_again");
    for _ in 0..3 {
        scene.agent.try_again();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(scene.provider.refreshes(), 1, "a refused grant is not tried again");
    let id = account(&scene.agent).await.id;
    let begun = scene.agent.begin_sign_in_again(id).await.unwrap();
    let (finished, page) =
        tokio::join!(scene.agent.finish_sign_in(begun.id), scene.provider.visit(&begun.url));
    finished.unwrap();
    assert!(page.unwrap().contains("signed in"));
    scene.state_is(AccountState::Watching).await;
    assert_eq!(account(&scene.agent).await.problem, None);
    scene.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_to_nothing_leaves_nothing_behind_and_says_why() {
    let scene = Scene::new("xoauth2").await;
    for (consent, code) in [
        (Consent::Refuse("access_denied", ""), "consent_refused"),
        (Consent::Refuse("access_denied", "AADSTS65001: nobody has agreed"), "admin_consent"),
        (Consent::Refuse("org_internal", ""), "client_blocked"),
        (Consent::AgreeInPart, "scope_missing"),
    ] {
        scene.provider.consent(consent);
        let problem = scene.add().await.unwrap_err();
        assert_eq!(problem.code, code);
        let names_client = problem.remedy.contains(CLIENT_ID);
        assert_eq!(names_client, matches!(code, "admin_consent" | "client_blocked"), "{}", problem.remedy);
    }
    scene.provider.consent(Consent::Agree);
    let unknown = scene.agent.begin_sign_in(scene.draft(), "google".into(), None).await.unwrap_err();
    assert_eq!(unknown.code, "no_client_id");
    let begun = scene.agent.begin_sign_in(scene.draft(), scene.provider.issuer().into(), None).await.unwrap();
    let waiting = scene.agent.finish_sign_in(begun.id.clone());
    let called_off = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        scene.agent.cancel_sign_in(begun.id.clone()).await;
    };
    assert_eq!(tokio::join!(waiting, called_off).0.unwrap_err().code, "sign_in_cancelled");
    assert!(scene.agent.accounts().await.unwrap().is_empty());
    assert!(scene.keychain.get("oauth/rep@sales.example").is_err());
    scene.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wrong_account_at_the_sign_in_page_is_noticed_before_anything_is_kept() {
    let scene = Scene::new("xoauth2").await;
    scene.provider.belongs_to("somebody.else@sales.example");
    let problem = scene.add().await.unwrap_err();
    assert_eq!(problem.code, "wrong_account");
    assert!(problem.remedy.contains(REP), "{}", problem.remedy);
    assert!(scene.keychain.get("oauth/rep@sales.example").is_err());
    scene.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_beside_a_running_agent_is_found_in_the_keychain() {
    let scene = Scene::new("xoauth2").await;
    scene.add().await.unwrap();
    watching(&scene.agent).await;
    scene.provider.revoke();
    scene.agent.try_again();
    scene.state_is(AccountState::NeedsAttention).await;
    let config = Config::load(&scene.folder.path().join("config.toml")).unwrap();
    let (tell, told) = tokio::sync::oneshot::channel();
    let outside = sign_in::sign_in(&config, &scene.keychain, REP, |url| tell.send(url.to_owned()).unwrap());
    let browser = async { scene.provider.visit(&told.await.unwrap()).await };
    tokio::join!(outside, browser).0.unwrap();
    // It would look by itself within half a minute.
    scene.agent.try_again();
    scene.state_is(AccountState::Watching).await;
    scene.agent.shutdown().await;
}
