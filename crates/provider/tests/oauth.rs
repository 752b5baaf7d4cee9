//! Signing in through the browser at an OpenID provider of our own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers may panic like the test")]

use std::time::Duration;

use answerback_keychain::{Keychain, Secret};
use answerback_provider::{AccessTokens, OauthClient, OauthError, Provider, SignIn};
use answerback_testkit::identity_provider::{CLIENT_ID, Consent, IdentityProvider, SCOPE, TokenFault};

const REP: &str = "rep@sales.example";
const KEY: &str = "oauth/rep@sales.example";

fn client(provider: &IdentityProvider) -> OauthClient {
    OauthClient {
        provider: Provider::Issuer(provider.issuer().to_owned()),
        client_id: CLIENT_ID.to_owned(),
        client_secret: None,
        scopes: vec![SCOPE.to_owned()],
        tenant: None,
        authority: None,
    }
}

/// Signs in, and gives the account's tokens and what the browser showed at last.
async fn sign_in(
    provider: &IdentityProvider,
    client: &OauthClient,
    keychain: &Keychain,
) -> Result<(AccessTokens, String), OauthError> {
    let sign_in = SignIn::begin(client, REP, None).await?;
    let url = sign_in.url().to_owned();
    let (finished, page) = tokio::join!(sign_in.finish(), provider.visit(&url));
    let (grant, token) = finished?;
    let tokens = AccessTokens::new(keychain.clone(), KEY.to_owned(), None)?;
    tokens.replace(&grant, token).await?;
    Ok((tokens, page.unwrap()))
}

async fn signed_in() -> (IdentityProvider, Keychain, AccessTokens) {
    let provider = IdentityProvider::start(REP).await.unwrap();
    let keychain = Keychain::in_memory().unwrap();
    let (tokens, _) = sign_in(&provider, &client(&provider), &keychain).await.unwrap();
    (provider, keychain, tokens)
}

#[tokio::test]
async fn the_browser_brings_a_code_and_the_refresh_token_is_in_the_keychain_only() {
    let provider = IdentityProvider::start(REP).await.unwrap();
    let keychain = Keychain::in_memory().unwrap();
    let (tokens, page) = sign_in(&provider, &client(&provider), &keychain).await.unwrap();
    assert!(page.contains("You are signed in"), "{page}");
    let access = tokens.access_token().await.unwrap();
    assert!(access.expose().starts_with("access-"));
    let kept = keychain.get(KEY).unwrap();
    assert!(kept.expose().contains("refresh-") && !kept.expose().contains("access-"));
    assert_eq!(provider.refreshes(), 0, "the first token came with the sign-in");
}

#[tokio::test]
async fn the_url_asks_for_what_is_needed_and_names_no_secret() {
    let provider = IdentityProvider::start(REP).await.unwrap();
    let mut client = client(&provider);
    client.client_secret = Some(Secret::from("google-secret"));
    let url = SignIn::begin(&client, REP, None).await.unwrap().url().to_owned();
    for part in [
        "response_type=code",
        "code_challenge_method=S256",
        "client_id=answerback-test",
        "scope=imap",
        "redirect_uri=http%3A%2F%2F127.0.0.1%3A",
        "login_hint=rep%40sales.example",
        "state=",
    ] {
        assert!(url.contains(part), "{part} is missing in {url}");
    }
    assert!(!url.contains("google-secret") && !url.contains("code_verifier"));
    for (provider, parts) in [
        (
            Provider::Google,
            ["https://accounts.google.com/", "access_type=offline&prompt=consent", "127.0.0.1"],
        ),
        (
            Provider::Microsoft,
            ["https://login.microsoftonline.com/contoso/", "IMAP.AccessAsUser.All", "localhost"],
        ),
        (Provider::Yahoo, ["https://api.login.yahoo.com/", "scope=mail-r", "127.0.0.1"]),
    ] {
        let client = OauthClient {
            provider,
            client_id: "id".into(),
            client_secret: None,
            scopes: vec![],
            tenant: Some("contoso".into()),
            authority: None,
        };
        let url = SignIn::begin(&client, REP, None).await.unwrap().url().to_owned();
        assert!(parts.iter().all(|part| url.contains(part)), "{url}");
    }
}

#[tokio::test]
async fn a_secret_that_the_provider_wants_is_sent_with_the_code() {
    let provider = IdentityProvider::start(REP).await.unwrap();
    let keychain = Keychain::in_memory().unwrap();
    provider.require_secret("not so secret");
    let mut client = client(&provider);
    let refused = sign_in(&provider, &client, &keychain).await.unwrap_err();
    assert!(matches!(refused, OauthError::BadClient { .. }), "{refused:?}");
    client.client_secret = Some(Secret::from("not so secret"));
    let (tokens, _) = sign_in(&provider, &client, &keychain).await.unwrap();
    tokens.forget().await;
    tokens.access_token().await.unwrap();
}

#[tokio::test]
async fn each_refusal_has_its_reason() {
    let provider = IdentityProvider::start(REP).await.unwrap();
    let keychain = Keychain::in_memory().unwrap();
    let attempt = async |consent| {
        provider.consent(consent);
        sign_in(&provider, &client(&provider), &keychain).await.map(|_| ()).unwrap_err()
    };
    assert!(matches!(attempt(Consent::Refuse("access_denied", "")).await, OauthError::Denied));
    let admin = attempt(Consent::Refuse("access_denied", "AADSTS90094: Admin consent is required")).await;
    assert!(matches!(&admin, OauthError::AdminConsent { client_id } if client_id == CLIENT_ID));
    let blocked = attempt(Consent::Refuse("admin_policy_enforced", "")).await;
    assert!(matches!(&blocked, OauthError::Blocked { .. }) && blocked.to_string().contains(CLIENT_ID));
    assert!(matches!(attempt(Consent::AgreeInPart).await, OauthError::ScopeMissing));
    assert!(keychain.get(KEY).is_err(), "nothing was kept");
}

#[tokio::test]
async fn a_page_that_guesses_the_port_ends_nothing_and_a_silent_connection_keeps_nobody_waiting() {
    let provider = IdentityProvider::start(REP).await.unwrap();
    let sign_in = SignIn::begin(&client(&provider), REP, None).await.unwrap();
    let url = sign_in.url().to_owned();
    let port = url.split_once("127.0.0.1%3A").unwrap().1.split('&').next().unwrap().to_owned();
    let waiting = tokio::spawn(sign_in.finish());
    let _silent = tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
    for guess in ["?code=stolen&state=guess", "favicon.ico", "?error=access_denied&state="] {
        let page = provider.get(&format!("http://127.0.0.1:{port}/{guess}")).await.unwrap();
        assert!(page.contains("nothing here"), "{page}");
    }
    provider.visit(&url).await.unwrap();
    waiting.await.unwrap().unwrap();
    assert!(provider.get(&format!("http://127.0.0.1:{port}/")).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn a_code_is_good_once_and_only_with_its_verifier() {
    let provider = IdentityProvider::start(REP).await.unwrap();
    let first = SignIn::begin(&client(&provider), REP, None).await.unwrap();
    let second = SignIn::begin(&client(&provider), REP, None).await.unwrap();
    // The first one's code, brought to the second: its state is right, its verifier is another.
    let (first_url, second_url) = (first.url().to_owned(), second.url().to_owned());
    let part = |url: &str, name: &str| {
        url.split(['?', '&'])
            .find_map(|part| part.strip_prefix(&format!("{name}=")).map(str::to_owned))
            .unwrap()
    };
    let mixed = second_url.replace(&part(&second_url, "code_challenge"), &part(&first_url, "code_challenge"));
    let (finished, _) = tokio::join!(second.finish(), provider.visit(&mixed));
    assert!(matches!(finished.unwrap_err(), OauthError::SignInAgain));
}

#[tokio::test]
async fn nobody_who_comes_back_in_time_is_told_with_the_client_id() {
    let provider = IdentityProvider::start(REP).await.unwrap();
    let sign_in = SignIn::begin(&client(&provider), REP, None).await.unwrap();
    let error = sign_in.with_patience(Duration::from_millis(50)).finish().await.unwrap_err();
    assert!(matches!(&error, OauthError::TimedOut { client_id } if client_id == CLIENT_ID));
}

#[tokio::test]
async fn a_renewed_refresh_token_is_kept_and_many_who_ask_make_one_request() {
    let (provider, keychain, tokens) = signed_in().await;
    let before = keychain.get(KEY).unwrap();
    tokens.forget().await;
    provider.fault_once(TokenFault::Slow(Duration::from_millis(200)));
    let asked = (0..8).map(|_| {
        let tokens = tokens.clone();
        tokio::spawn(async move { tokens.access_token().await.unwrap() })
    });
    let mut got = Vec::new();
    for asked in asked.collect::<Vec<_>>() {
        got.push(asked.await.unwrap());
    }
    assert!(got.windows(2).all(|pair| pair[0].expose() == pair[1].expose()));
    assert_eq!(provider.refreshes(), 1);
    assert_ne!(keychain.get(KEY).unwrap().expose(), before.expose());
    // After a restart it goes on from the keychain.
    let restarted = AccessTokens::new(keychain.clone(), KEY.to_owned(), None).unwrap();
    restarted.access_token().await.unwrap();
    assert_eq!(provider.refreshes(), 2);
}

#[tokio::test]
async fn a_refresh_that_nobody_waits_for_any_more_is_kept_all_the_same() {
    let (provider, _keychain, tokens) = signed_in().await;
    tokens.forget().await;
    provider.fault_once(TokenFault::Slow(Duration::from_millis(300)));
    let hasty = tokio::time::timeout(Duration::from_millis(100), tokens.access_token()).await;
    assert!(hasty.is_err());
    tokens.access_token().await.unwrap();
    tokens.forget().await;
    tokens.access_token().await.unwrap();
    assert_eq!(provider.refreshes(), 2);
}

#[tokio::test]
async fn a_grant_that_is_gone_asks_for_the_rep_and_never_loops() {
    let (provider, keychain, tokens) = signed_in().await;
    tokens.forget().await;
    provider.revoke();
    for _ in 0..5 {
        assert!(matches!(tokens.access_token().await.unwrap_err(), OauthError::SignInAgain));
    }
    assert_eq!(provider.refreshes(), 1, "one refusal is enough");
    let (_, _) = sign_in(&provider, &client(&provider), &keychain).await.unwrap();
    tokens.access_token().await.unwrap();
    keychain.delete(KEY).unwrap();
    tokens.forget().await;
    assert!(matches!(tokens.access_token().await.unwrap_err(), OauthError::SignInAgain));
}

#[tokio::test]
async fn a_provider_in_trouble_is_not_a_sign_in_that_is_gone() {
    let (provider, _keychain, tokens) = signed_in().await;
    tokens.forget().await;
    for fault in
        [TokenFault::Status(503), TokenFault::Status(429), TokenFault::Error("temporarily_unavailable")]
    {
        provider.fault_once(fault);
        let error = tokens.access_token().await.unwrap_err();
        assert!(matches!(error, OauthError::Busy { .. }), "{error:?}");
    }
    provider.fault_once(TokenFault::Garbage);
    let error = tokens.access_token().await.unwrap_err();
    assert!(matches!(error, OauthError::Nonsense { .. }), "{error:?}");
    provider.fault_once(TokenFault::Error("invalid_client"));
    let error = tokens.access_token().await.unwrap_err();
    assert!(matches!(error, OauthError::BadClient { .. }), "{error:?}");
    for text in [format!("{error}"), format!("{error:?}")] {
        assert!(!text.contains("secret-words") && !text.contains("refresh-"), "{text}");
    }
    tokens.access_token().await.unwrap();
}

#[tokio::test]
async fn an_issuer_that_is_none_or_not_there_is_told() {
    let provider = IdentityProvider::start(REP).await.unwrap();
    let mut client = client(&provider);
    client.provider = Provider::Issuer(format!("{}/other", provider.issuer()));
    assert!(matches!(SignIn::begin(&client, REP, None).await.unwrap_err(), OauthError::Nonsense { .. }));
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    client.provider = Provider::Issuer(format!("http://{closed}"));
    assert!(matches!(SignIn::begin(&client, REP, None).await.unwrap_err(), OauthError::Unreachable { .. }));
}
