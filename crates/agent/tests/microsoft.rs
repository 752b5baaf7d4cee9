//! Mailboxes at Microsoft 365 and on an Exchange server, set up as the window does it: against an identity provider of our
//! own, and the simulated Graph and EWS.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what the tests share may panic like the tests"
)]

mod rig;

use answerback_agent::Agent;
use answerback_agent::view::{
    AccountState, CheckState, Door, ExchangeServer, MailboxDraft, Problem, ServerDraft, SignInOutcome,
};
use answerback_testkit::ews::{EwsServer, Fault};
use answerback_testkit::graph::GraphServer;
use answerback_testkit::identity_provider::{CLIENT_ID, Consent, IdentityProvider};
use rig::{PASSWORD, Rig, account, eventually, replies, watching};

const REP: &str = "rep@sales.example";
const LOGIN: &str = "SALES\\rep";
const PASSWORD_KEY: &str = "account/rep@sales.example";
const GRANT_KEY: &str = "oauth/rep@sales.example";

/// A laptop whose administrator has registered Answerback with Microsoft.
struct Office {
    rig: Rig,
    provider: IdentityProvider,
    graph: GraphServer,
    agent: Agent,
}

impl Office {
    async fn new() -> Self {
        Self::with("graph_url").await
    }

    /// `key` in place of the key that says where Graph is: another one is the registration without it.
    async fn with(key: &str) -> Self {
        let rig = Rig::new().await;
        let provider = IdentityProvider::start(REP).await.unwrap();
        let graph = GraphServer::start(REP, "nobody knows").await.unwrap();
        graph.trust(&provider);
        let authority = provider.issuer();
        let mut config = format!(
            "[oauth.microsoft]\nclient_id = \"{CLIENT_ID}\"\ntenant = \"sales.example\"\nauthority = \"{authority}\"\n"
        );
        if key == "graph_url" {
            config.push_str(&format!("graph_url = \"{}\"\n", graph.url()));
        }
        std::fs::write(rig.config_file(), config).unwrap();
        let agent = rig.start().await;
        Self { rig, provider, graph, agent }
    }

    /// Signs in to what Microsoft offers, in place of the mailbox with the id `replaces`.
    async fn sign_in(&self, replaces: Option<String>) -> Result<SignInOutcome, Problem> {
        let begun =
            self.agent.begin_sign_in(draft(ServerDraft::Graph, ""), "microsoft".into(), replaces).await?;
        let (finished, page) =
            tokio::join!(self.agent.finish_sign_in(begun.id), self.provider.visit(&begun.url));
        page.unwrap();
        finished
    }

    fn is_kept(&self, key: &str) -> bool {
        self.rig.keychain.get(key).is_ok()
    }
}

fn draft(server: ServerDraft, password: &str) -> MailboxDraft {
    MailboxDraft {
        address: REP.into(),
        aliases: vec![],
        colleagues: vec![],
        server,
        password: password.into(),
    }
}

fn on_exchange(server: &str, autodiscover: Option<String>, password: &str) -> MailboxDraft {
    let server =
        ServerDraft::Ews { server: server.into(), autodiscover, username: LOGIN.into(), ca_file: None };
    draft(server, password)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_at_microsoft_is_signed_in_to_watched_and_signed_in_to_again() {
    let office = Office::new().await;
    let SignInOutcome::Watched { account: added, checks } = office.sign_in(None).await.unwrap() else {
        panic!("it is not watched")
    };
    assert!(checks.len() == 4 && checks.iter().all(|check| check.state == CheckState::Passed), "{checks:?}");
    assert_eq!(
        (added.door, added.provider.as_deref(), added.takes_password),
        (Door::Graph, Some("microsoft"), false)
    );
    watching(&office.agent).await;
    office.graph.mailbox().deliver("Inbox", &office.rig.campaign.flynn_answers());
    assert_eq!(replies(&office.agent, 1).await[0].kind, "reply");

    office.provider.revoke();
    office.agent.try_again();
    eventually("the rep is needed", async || {
        (account(&office.agent).await.state == AccountState::NeedsAttention).then_some(())
    })
    .await;
    let begun = office.agent.begin_sign_in_again(added.id.clone()).await.unwrap();
    let (finished, _) =
        tokio::join!(office.agent.finish_sign_in(begun.id), office.provider.visit(&begun.url));
    assert!(matches!(finished.unwrap(), SignInOutcome::Watched { .. }));
    watching(&office.agent).await;

    // On another laptop it asks for its own sign-in.
    let text = office.agent.export_config().unwrap();
    assert!(text.contains("[account.graph") && !text.contains("refresh-"), "{text}");
    let other = Rig::new().await;
    let agent = other.start().await;
    agent.import_config(&text).await.unwrap();
    eventually("the sign-in is asked for", async || {
        account(&agent).await.problem.filter(|problem| problem.code == "sign_in_again")
    })
    .await;
    agent.shutdown().await;
    office.agent.remove_mailbox(added.id.clone()).await.unwrap();
    assert!(!office.is_kept(GRANT_KEY));
    office.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_administrators_consent_the_rep_is_given_the_page_to_hand_on() {
    let office = Office::new().await;
    office.provider.consent(Consent::Refuse("access_denied", "AADSTS90094: admin consent"));
    let problem = office.sign_in(None).await.unwrap_err();
    assert_eq!(problem.code, "admin_consent");
    let page = format!("{}/sales.example/adminconsent?client_id={CLIENT_ID}", office.provider.issuer());
    assert_eq!(problem.client.unwrap().page, Some(page));
    assert!(office.agent.accounts().await.unwrap().is_empty() && !office.is_kept(GRANT_KEY));

    // Somebody has signed in whose mailbox is kept elsewhere: nothing is kept.
    office.provider.consent(Consent::Agree);
    office.graph.set_consent(false);
    let SignInOutcome::Unreadable { checks } = office.sign_in(None).await.unwrap() else {
        panic!("it can't be read")
    };
    assert!(checks.iter().any(|check| check.state == CheckState::Failed), "{checks:?}");
    assert!(office.agent.accounts().await.unwrap().is_empty() && !office.is_kept(GRANT_KEY));
    office.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_graph_is_not_allowed_the_same_is_asked_for_imap() {
    let office = Office::with("").await;
    office.provider.consent(Consent::RefuseScope(
        "Mail.Read",
        "access_denied",
        "AADSTS65001: nobody has agreed",
    ));
    let SignInOutcome::Next { sign_in } = office.sign_in(None).await.unwrap() else {
        panic!("there is another door")
    };
    assert_eq!(sign_in.door, Door::Imap);
    assert!(
        sign_in.url.contains("IMAP.AccessAsUser.All") && !sign_in.url.contains("Mail.Read"),
        "{}",
        sign_in.url
    );
    // When that is not allowed either, the rep hears of the door that the administrator had better open.
    office.provider.consent(Consent::Refuse("access_denied", ""));
    let (finished, _) =
        tokio::join!(office.agent.finish_sign_in(sign_in.id), office.provider.visit(&sign_in.url));
    assert_eq!(finished.unwrap_err().code, "admin_consent");
    office.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_id_that_the_rep_types_in_is_kept() {
    let rig = Rig::new().await;
    let agent = rig.start().await;
    let begin = async || agent.begin_sign_in(draft(ServerDraft::Graph, ""), "microsoft".into(), None).await;
    assert_eq!(begin().await.unwrap_err().code, "no_client_id");
    for (id, tenant) in [("", ""), ("id&x", ""), ("id", "a/b")] {
        let refused = agent.set_client_id("microsoft".into(), id.into(), tenant.into()).await;
        assert_eq!(refused.unwrap_err().code, "settings", "{id} {tenant}");
    }
    agent.set_client_id("microsoft".into(), " 4711 ".into(), "sales.example".into()).await.unwrap();
    let begun = begin().await.unwrap();
    assert!(begun.url.starts_with("https://login.microsoftonline.com/sales.example/"), "{}", begun.url);
    assert!(begun.admin_page.unwrap().ends_with("/sales.example/adminconsent?client_id=4711"));
    agent.cancel_sign_in(begun.id).await;
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_server_is_found_agreed_to_and_watched() {
    let rig = Rig::new().await;
    let server = EwsServer::start_as(REP, LOGIN, PASSWORD).await.unwrap();
    let agent = rig.start().await;
    let ask = |password: &str| on_exchange("", Some(server.autodiscover_url()), password);
    assert_eq!(agent.find_exchange(ask("wrong"), vec![]).await.unwrap_err().code, "wrong_password");
    // This computer is not of the mail domain.
    let found = agent.find_exchange(ask(PASSWORD), vec![]).await.unwrap();
    let (url, host) = (server.url(), "localhost".to_owned());
    assert_eq!(found, ExchangeServer::Server { url: url.clone(), host: host.clone(), leaves_domain: true });
    let agreed = agent.find_exchange(ask(PASSWORD), vec![host.clone()]).await.unwrap();
    assert_eq!(agreed, ExchangeServer::Server { url: url.clone(), host, leaves_domain: false });

    server.fault_once("Autodiscover", Fault::Redirect("https://autodiscover.hosting.invalid/x".into()));
    let sent_on = agent.find_exchange(ask(PASSWORD), vec![]).await.unwrap();
    let elsewhere = "autodiscover.hosting.invalid".to_owned();
    assert_eq!(sent_on, ExchangeServer::Elsewhere { host: elsewhere.clone() });
    // Whoever agrees has it asked there.
    server.fault_once("Autodiscover", Fault::Redirect("https://autodiscover.hosting.invalid/x".into()));
    let asked = agent.find_exchange(ask(PASSWORD), vec![elsewhere]).await.unwrap_err();
    assert!(asked.summary.contains("autodiscover.hosting.invalid"), "{}", asked.summary);

    let refused = agent.test_mailbox(on_exchange(&url, None, "wrong")).await;
    let failed = refused.iter().find(|check| check.state == CheckState::Failed).unwrap();
    assert_eq!(failed.problem.as_ref().unwrap().code, "wrong_password");
    let checks = agent.test_mailbox(on_exchange(&url, None, PASSWORD)).await;
    assert!(checks.len() == 4 && checks.iter().all(|check| check.state == CheckState::Passed), "{checks:?}");
    let added = agent.add_mailbox(on_exchange(&url, None, "wrong")).await.unwrap();
    assert_eq!((added.door, added.username.as_deref(), added.takes_password), (Door::Ews, Some(LOGIN), true));
    eventually("the password is refused", async || {
        (account(&agent).await.state == AccountState::NeedsAttention).then_some(())
    })
    .await;
    agent.set_password(added.id.clone(), PASSWORD.into()).await.unwrap();
    watching(&agent).await;
    server.mailbox().deliver("Inbox", &rig.campaign.flynn_answers());
    assert_eq!(replies(&agent, 1).await[0].kind, "reply");
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_mailbox_was_signed_in_to_with_before_leaves_the_keychain() {
    let office = Office::new().await;
    let agent = &office.agent;
    let id = agent.add_mailbox(office.rig.draft(PASSWORD)).await.unwrap().id;
    watching(agent).await;
    assert!(office.is_kept(PASSWORD_KEY) && !office.is_kept(GRANT_KEY));
    assert_eq!(office.sign_in(None).await.unwrap_err().code, "account_exists");

    office.sign_in(Some(id.clone())).await.unwrap();
    assert!(!office.is_kept(PASSWORD_KEY) && office.is_kept(GRANT_KEY));
    watching(agent).await;
    let moved = account(agent).await;
    assert_eq!((moved.door, moved.colleagues), (Door::Graph, vec!["sales.example".to_owned()]));
    assert!(matches!(agent.mailbox_server(&id).unwrap(), ServerDraft::Graph));

    let server = EwsServer::start_as(REP, LOGIN, PASSWORD).await.unwrap();
    agent.change_server(id.clone(), on_exchange(&server.url(), None, PASSWORD)).await.unwrap();
    assert!(office.is_kept(PASSWORD_KEY) && !office.is_kept(GRANT_KEY));
    watching(agent).await;
    assert_eq!(account(agent).await.door, Door::Ews);

    agent.remove_mailbox(id.clone()).await.unwrap();
    assert!(!office.is_kept(PASSWORD_KEY) && !office.is_kept(GRANT_KEY));
    let gone = agent.change_server(id, on_exchange(&server.url(), None, PASSWORD)).await.unwrap_err();
    assert_eq!(gone.code, "not_found");
    office.agent.shutdown().await;
}
