//! Pairing by the device flow: client, server and page.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a panic in a test is its report"
)]

mod scene;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use answerback_backend::pairing::Keep;
use answerback_backend::{
    BackendError, Client, ClientOptions, PairedToken, Pairing, PairingState, Token, TokenSource, Tokens,
};
use answerback_reference_backend::store::laptops::ACCESS_LIFE;
use answerback_reference_backend::{Config, Handle, Server};
use jiff::Timestamp;
use reqwest::StatusCode;
use tempfile::TempDir;

use scene::Browser;

const REP: &str = "rep@sales.example";

struct Scene {
    server: Handle,
    administrator: Token,
    _folder: TempDir,
}

impl Scene {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let database = format!("sqlite:{}", folder.path().join("backend.db").display());
        let server = Server::start(Config::local(database)).await.unwrap();
        let administrator = server.store().issue_token("acme", None).await.unwrap();
        Self { server, administrator, _folder: folder }
    }

    async fn begin(&self) -> Pairing {
        Pairing::begin(&self.server.url(), "Rep's <laptop>", &options()).await.unwrap()
    }

    /// What the administrator does on the page.
    async fn decide(&self, code: &str, rep: &str, decision: &str) -> (StatusCode, String) {
        let mut browser = Browser::signed_in(&self.server, self.administrator.expose()).await;
        let page = browser.post("/pair", &[("code", code), ("rep", rep), ("decision", decision)]).await;
        (page.status, page.text)
    }

    async fn paired(&self) -> Tokens {
        let mut pairing = self.begin().await;
        let (status, page) = self.decide(&pairing.user_code, REP, "allow").await;
        assert_eq!(status, StatusCode::OK, "{page}");
        match pairing.poll().await.unwrap() {
            PairingState::Paired(tokens) => tokens,
            other => panic!("{other:?}"),
        }
    }

    fn client(&self, token: impl TokenSource + 'static) -> Client {
        Client::new(&self.server.url(), token, &options()).unwrap()
    }
}

fn options() -> ClientOptions {
    ClientOptions::default()
}

/// Keeps refresh tokens where a test can see them.
fn keychain() -> (Keep, Arc<Mutex<Vec<Token>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keychain = kept.clone();
    let keep: Keep = Box::new(move |token| {
        keychain.lock().unwrap().push(token.clone());
        true
    });
    (keep, kept)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_is_let_in_by_an_administrator() {
    let scene = Scene::new().await;
    let mut pairing = scene.begin().await;
    assert_eq!(pairing.poll().await.unwrap(), PairingState::Pending(Duration::from_secs(5)));
    assert_eq!(pairing.poll().await.unwrap(), PairingState::Pending(Duration::from_secs(10)), "not so fast");
    let link = pairing.verification_uri_complete.clone().unwrap();
    let link = link.strip_prefix(&scene.server.url()).unwrap().to_owned();

    let mut browser = Browser::new(&scene.server);
    let page = browser.get(&link).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "whoever has not signed in is asked to");
    let sign_in = page.location().to_owned();
    assert!(browser.get(&sign_in).await.text.contains(&format!("value=\"{link}\"")), "and led back");
    let laptop = scene.server.store().issue_token("acme", Some("eve@sales.example")).await.unwrap();
    for token in ["ab_platform_wrong", laptop.expose()] {
        let page = browser.post("/admin/sign-in", &[("token", token), ("next", &link)]).await;
        assert_eq!((page.status, browser.cookie.clone()), (StatusCode::FORBIDDEN, None));
    }
    let page =
        browser.post("/admin/sign-in", &[("token", scene.administrator.expose()), ("next", &link)]).await;
    assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, link.as_str()));
    let page = browser.get(&link).await.text;
    assert!(page.contains("Rep's &lt;laptop&gt;") && page.contains(&pairing.user_code), "{page}");

    let unknown = scene.decide("ZZZZ-ZZZZ", REP, "allow").await;
    assert_eq!(unknown.0, StatusCode::NOT_FOUND);
    let typed = pairing.user_code.to_lowercase().replace('-', " ");
    assert_eq!(scene.decide(&typed, REP, "allow").await.0, StatusCode::OK);

    let PairingState::Paired(tokens) = pairing.poll().await.unwrap() else { panic!("it is paired") };
    assert!(scene.client(tokens.access).sends(None, 10, Duration::ZERO).await.is_ok());
    assert_eq!(pairing.poll().await.unwrap(), PairingState::Expired, "tokens are given once");
    let laptops = scene.server.store().laptops("acme").await.unwrap();
    assert_eq!(
        laptops.iter().map(|l| (l.rep.as_str(), l.name.as_str())).collect::<Vec<_>>(),
        [(REP, "Rep's <laptop>")]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_is_turned_away() {
    let scene = Scene::new().await;
    let mut pairing = scene.begin().await;
    assert_eq!(scene.decide(&pairing.user_code, "", "deny").await.0, StatusCode::OK);
    assert_eq!(pairing.poll().await.unwrap(), PairingState::Denied);
    assert_eq!(pairing.poll().await.unwrap(), PairingState::Expired);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_renew_themselves_one_renewal_at_a_time() {
    let scene = Scene::new().await;
    let tokens = scene.paired().await;
    let (keep, kept) = keychain();
    let paired = Arc::new(PairedToken::new(&scene.server.url(), tokens.refresh, keep, &options()).unwrap());
    let renewals: Vec<_> = (0..8)
        .map(|_| {
            let paired = paired.clone();
            tokio::spawn(async move { paired.token(None).await.unwrap() })
        })
        .collect();
    let mut given = Vec::new();
    for renewal in renewals {
        given.push(renewal.await.unwrap());
    }
    assert!(given.windows(2).all(|pair| pair.first() == pair.last()), "all have the same token");
    assert_eq!(kept.lock().unwrap().len(), 1);
    assert!(scene.client(given.swap_remove(0)).policy(None).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_whose_answer_was_lost_is_made_again() {
    let scene = Scene::new().await;
    let tokens = scene.paired().await;
    let lost =
        scene.server.store().refresh(tokens.refresh.expose(), Timestamp::now()).await.unwrap().unwrap();
    let again =
        scene.server.store().refresh(tokens.refresh.expose(), Timestamp::now()).await.unwrap().unwrap();
    assert!(scene.client(again.access).policy(None).await.is_ok());
    assert_eq!(scene.client(lost.access).policy(None).await.unwrap_err(), BackendError::Unauthorised);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_was_stolen_revokes_the_laptop() {
    let scene = Scene::new().await;
    let tokens = scene.paired().await;
    let (keep, kept) = keychain();
    let paired = PairedToken::new(&scene.server.url(), tokens.refresh.clone(), keep, &options()).unwrap();
    let client = scene.client(paired);
    assert!(client.policy(None).await.is_ok());
    let thief = scene.server.store().refresh(tokens.refresh.expose(), Timestamp::now()).await.unwrap();
    assert!(thief.is_none());
    assert_eq!(client.policy(None).await.unwrap_err(), BackendError::Unauthorised);
    let last = kept.lock().unwrap().last().cloned().unwrap();
    assert!(scene.server.store().refresh(last.expose(), Timestamp::now()).await.unwrap().is_none());
    assert!(scene.server.store().laptops("acme").await.unwrap().iter().all(|l| l.revoked_at.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_that_is_revoked_is_refused_at_once() {
    let scene = Scene::new().await;
    let tokens = scene.paired().await;
    let client = scene.client(tokens.access);
    assert!(client.policy(None).await.is_ok());
    let laptop = scene.server.store().laptops("acme").await.unwrap().swap_remove(0);
    let url = format!("{}/v1/laptops/{}", scene.server.url(), laptop.id);
    let http = answerback_backend::client::http(&scene.server.url(), &options()).unwrap();
    let revoked = http.delete(&url).bearer_auth(scene.administrator.expose()).send().await.unwrap();
    assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
    assert_eq!(client.policy(None).await.unwrap_err(), BackendError::Unauthorised);
    let later = Timestamp::now() + ACCESS_LIFE;
    assert!(scene.server.store().refresh(tokens.refresh.expose(), later).await.unwrap().is_none());
}
