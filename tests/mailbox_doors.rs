//! Mailboxes at Microsoft 365 and on an Exchange server, added in the real window: against an identity provider of our own, and
//! the simulated Graph and EWS. The rest is real.

use std::{ffi::OsStr, fs, path::Path, time::Duration};

use answerback_testkit::{
    ews::EwsServer,
    graph::GraphServer,
    identity_provider::{CLIENT_ID, Consent, IdentityProvider},
    mail_server::{MailServer, PASSWORD},
    personas::REP,
};
use anyhow::Result;

use crate::{
    APP,
    desktop::{Desktop, Scene, Window},
    picture,
};

/// What the rep signs in to the Exchange server with.
const LOGIN: &str = "SALES\\rep";

#[tokio::test]
async fn a_mailbox_at_microsoft_is_added_by_signing_in_and_its_first_answer_is_detected() {
    let desktop = Desktop::start("en_GB.UTF-8").unwrap();
    let outcome = tokio::time::timeout(Duration::from_secs(300), at_microsoft(&desktop)).await;
    if let Err(error) = outcome.map_err(anyhow::Error::from).flatten() {
        panic!("{error:#}\n\nWhat the app said:\n{}", desktop.log());
    }
}

#[tokio::test]
async fn a_mailbox_on_an_exchange_server_is_added_by_password_and_its_first_answer_is_detected() {
    let desktop = Desktop::start("en_GB.UTF-8").unwrap();
    let outcome = tokio::time::timeout(Duration::from_secs(300), on_exchange(&desktop)).await;
    if let Err(error) = outcome.map_err(anyhow::Error::from).flatten() {
        panic!("{error:#}\n\nWhat the app said:\n{}", desktop.log());
    }
}

async fn at_microsoft(desktop: &Desktop) -> Result<()> {
    let provider = IdentityProvider::start(REP.address).await?;
    let graph = GraphServer::start(REP.address, "nobody knows").await?;
    graph.trust(&provider);
    let config = desktop.home().join("answerback.toml");
    let (folder, authority, url) = (desktop.home().display(), provider.issuer(), graph.url());
    fs::write(
        &config,
        format!(
            "data_dir = \"{folder}/store\"\n[oauth.microsoft]\nclient_id = \"{CLIENT_ID}\"\ntenant = \"sales.example\"\n\
             authority = \"{authority}\"\ngraph_url = \"{url}\"\n"
        ),
    )?;
    let scene = Scene::on(MailServer::Graph(Box::new(graph)), desktop.home()).await?;
    let window = desktop.open(Path::new(APP), &[OsStr::new("--config"), config.as_os_str()]).await?;
    window.resize(1120, 760).await?;
    window.press("Begin").await?;
    scene.choose_door(&window, "graph").await?;

    // Nobody in the organisation has allowed it yet: the rep gets the link to hand on.
    provider.consent(Consent::Refuse("access_denied", "AADSTS90094: admin consent"));
    window.press("Sign in with Microsoft").await?;
    window.read("The page wants an administrator’s approval?").await?;
    window.picture(&picture("20-microsoft-waiting.png")).await?;
    provider.visit(&desktop.opened(0)?).await?;
    window.read_in(".notice", "Ask your administrator to open this page and accept").await?;
    window
        .read_in(".notice code", &format!("{authority}/sales.example/adminconsent?client_id={CLIENT_ID}"))
        .await?;
    window.picture(&picture("21-microsoft-admin.png")).await?;

    provider.consent(Consent::Agree);
    window.press("Sign in with Microsoft").await?;
    provider.visit(&desktop.opened(1)?).await?;
    window.read("The mailbox is watched, through Microsoft Graph.").await?;
    window.picture(&picture("22-microsoft-watched.png")).await?;
    window.press("Continue").await?;
    connect(&window, &scene).await?;
    scene.flynn_answers(&window).await?;

    window.go("mailboxes").await?;
    window.read_in("main", "in the browser, at Microsoft").await?;
    window.press("Sign in again").await?;
    provider.visit(&desktop.opened(2)?).await?;
    window.read_in("main .badge", "Watching").await?;
    window.picture(&picture("23-microsoft-mailbox.png")).await?;
    let kept = fs::read_to_string(&config)?;
    assert!(kept.contains("[account.graph") && !kept.contains("refresh-"), "{kept}");
    window.close().await
}

async fn on_exchange(desktop: &Desktop) -> Result<()> {
    let server = EwsServer::start_as(REP.address, LOGIN, PASSWORD).await?;
    let url = server.url();
    let scene = Scene::on(MailServer::Ews(Box::new(server)), desktop.home()).await?;
    let window = desktop.open(Path::new(APP), &[]).await?;
    window.resize(1120, 760).await?;
    window.press("Begin").await?;
    scene.choose_door(&window, "ews").await?;
    window.fill("username", LOGIN).await?;
    window.fill("password", "not-the-password").await?;
    window.fill("exchange", &url).await?;
    window.press("Test connection").await?;
    window.read_in("form li.failed", "password").await?;
    window.picture(&picture("30-exchange-wrong-password.png")).await?;
    window.fill("password", scene.password()).await?;
    window.press("Test connection").await?;
    window.read("Everything works. You can add the mailbox.").await?;
    window.picture(&picture("31-exchange-tested.png")).await?;
    window.press("Add mailbox").await?;
    connect(&window, &scene).await?;
    scene.flynn_answers(&window).await?;

    scene.forget_and_renew_the_password(&window).await?;
    window.read_in("main", "Exchange Web Services").await?;
    window.read_in("main", LOGIN).await?;
    window.picture(&picture("32-exchange-mailbox.png")).await?;
    let page = window.run("return document.documentElement.outerHTML", Vec::new()).await?;
    assert!(!page.as_str().unwrap_or_default().contains(scene.password()));
    window.close().await
}

/// From the mailbox to the overview.
async fn connect(window: &Window, scene: &Scene) -> Result<()> {
    window.read("Connect your sales system").await?;
    scene.pair(window).await?;
    window.read("You’re set").await?;
    window.press("Show me the overview").await?;
    window.read("Watching 1 mailbox.").await
}
