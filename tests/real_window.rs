//! The real app in a real window, against a real Dovecot and the real reference backend, driven as a rep does it.
//!
//! `cargo build -p answerback-reference-backend --bins`, then
//! `cargo test -p answerback --features custom-protocol --test real_window`. Its pictures are kept in `test-output/window`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod desktop;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use desktop::{Desktop, Scene, Window, wait_for};

const APP: &str = env!("CARGO_BIN_EXE_answerback");

fn picture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("test-output/window").join(name)
}

/// One event of each type, in the order in which the backend took them.
async fn events(scene: &Scene) -> Vec<String> {
    let events = scene.backend.events().await.unwrap();
    let types = events.iter().filter_map(|event| event["type"].as_str());
    types.filter(|name| *name != "answerback.coverage.v1").map(str::to_owned).collect()
}

#[tokio::test]
async fn from_an_empty_window_to_a_detected_reply_that_is_taken_back() {
    let desktop = Desktop::start("en_GB.UTF-8").unwrap();
    // A driver whose app doesn't come up waits for ever.
    let outcome = tokio::time::timeout(Duration::from_secs(240), rep_at_work(&desktop)).await;
    if let Err(error) = outcome.map_err(anyhow::Error::from).flatten() {
        panic!("{error:#}\n\nWhat the app said:\n{}", desktop.log());
    }
}

#[tokio::test]
async fn closing_the_window_leaves_the_agent_running_and_a_second_start_opens_it_again() {
    let desktop = Desktop::start("en_GB.UTF-8").unwrap();
    let mut app = desktop.run(APP, &[]).unwrap();
    wait_for("the window", || desktop.windows().len() == 1).unwrap();
    assert_eq!(desktop.memory_of("WebKitWebProcess").len(), 1);
    println!(
        "open: {:?} and {:?} MiB",
        desktop.memory_of("answerback"),
        desktop.memory_of("WebKitWebProcess")
    );

    // A window that is still loading may not hear it, so it is asked until it goes.
    let gone = || {
        desktop.windows().into_iter().for_each(|window| drop(desktop.close_window(window)));
        desktop.memory_of("WebKitWebProcess").is_empty()
    };
    wait_for("the end of the web view", gone).unwrap();
    assert!(app.ended().is_none(), "the agent ended with its window:\n{}", desktop.log());
    println!("closed: {:?} MiB", desktop.memory_of("answerback"));

    let mut second = desktop.run(APP, &[]).unwrap();
    wait_for("the end of the second start", || second.ended().is_some()).unwrap();
    wait_for("the window", || desktop.windows().len() == 1).unwrap();
    let status = app.stop();
    assert!(status.is_some_and(|status| status.success()), "{status:?}\n{}", desktop.log());
}

#[tokio::test]
async fn in_the_background_there_is_no_window() {
    let desktop = Desktop::start("en_GB.UTF-8").unwrap();
    let mut app = desktop.run(APP, &["--background"]).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(app.ended().is_none(), "{}", desktop.log());
    assert!(desktop.windows().is_empty() && desktop.memory_of("WebKitWebProcess").is_empty());
    println!("in the background: {:?} MiB", desktop.memory_of("answerback"));
    assert!(app.stop().is_some_and(|status| status.success()));
}

async fn rep_at_work(desktop: &Desktop) -> Result<()> {
    let scene = Scene::start(desktop.home()).await?;
    let window = desktop.open(Path::new(APP), &[]).await?;
    window.resize(1120, 760).await?;
    window.read("Connect your mailbox").await?;
    window.picture(&picture("01-empty.png")).await?;

    connect_backend(&window, &scene).await?;
    add_mailbox(&window, &scene).await?;

    // A reply arrives and is seen, with its reason and the backend's acknowledgement.
    window.go("overview").await?;
    window.read("Watching 1 mailbox. Nobody has answered yet today.").await?;
    window.picture(&picture("05-watching.png")).await?;
    scene.mail.deliver("INBOX", &scene.campaign.flynn_answers()).await?;
    let latest = ".latest li:first-child";
    window.read_in(latest, "Kevin Flynn answered from another address (kevinf@flynnsarcade.com).").await?;
    window.read_in(latest, "Campaign stopped").await?;
    window.read_in(latest, "Confirmed by the backend").await?;
    window.read("1 person answered today.").await?;
    window.picture(&picture("06-answered.png")).await?;
    assert_eq!(events(&scene).await, ["answerback.stop.v1", "answerback.log.v1"]);

    scene.mail.deliver("INBOX", &scene.campaign.alan_answers()).await?;
    window.read_in(latest, "who had a copy, answered.").await?;

    read_and_retract(&window, &scene).await?;

    // The agent knows everything again after a restart.
    window.close().await?;
    // The driver comes back before the app has said good-bye to its servers, which may take five seconds; until then it
    // is the single instance.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let window = desktop.open(Path::new(APP), &[]).await?;
    window.read("Watching 1 mailbox.").await?;
    window.read_in(".latest", "Taken back by you").await?;
    window.close().await
}

async fn connect_backend(window: &Window, scene: &Scene) -> Result<()> {
    scene.describe_backend(window, "not-the-token").await?;
    window.press("Test connection").await?;
    window.read_in("form li.failed", "oken").await?;
    window.picture(&picture("02-wrong-token.png")).await?;
    window.fill("token", &scene.backend.laptop_token()?).await?;
    window.press("Connect").await?;
    window.read("In step").await?;
    window.read("Tracked emails").await
}

async fn add_mailbox(window: &Window, scene: &Scene) -> Result<()> {
    scene.describe_mailbox(window, "not-the-password").await?;
    window.press("Test connection").await?;
    window.read_in("form li.failed", "password").await?;
    window.picture(&picture("03-wrong-password.png")).await?;
    window.fill("password", scene.password()).await?;
    window.press("Test connection").await?;
    window.read("Everything works. You can add the mailbox.").await?;
    window.picture(&picture("04-tested.png")).await?;
    window.press("Add mailbox").await?;
    window.read_in("main .badge", "Watching").await?;
    // What was typed went to the keychain and is nowhere in the page.
    let page = window.run("return document.documentElement.outerHTML", Vec::new()).await?;
    let inputs =
        window.run("return [...document.querySelectorAll('input')].map((i) => i.value).join()", Vec::new());
    for secret in [scene.password(), scene.backend.laptop_token()?.as_str()] {
        assert!(!page.as_str().unwrap().contains(secret));
    }
    assert!(!inputs.await?.as_str().unwrap_or_default().contains(scene.password()));
    Ok(())
}

async fn read_and_retract(window: &Window, scene: &Scene) -> Result<()> {
    window.go("replies").await?;
    window.fill("search", "kevinf").await?;
    window.read("1 message").await?;
    window.click(".scroller li a").await?;
    window.read_in("[data-testid=because]", "by its Message-ID").await?;
    window.click(".detail details summary").await?;
    window.read_in("pre", "\"specversion\": \"1.0\"").await?;
    window.picture(&picture("07-detail.png")).await?;
    window.press("Not an answer").await?;
    window.press("Take it back").await?;
    window.read("You took this back.").await?;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let retracted =
            scene.backend.events().await?.iter().any(|event| event["type"] == "answerback.retract.v1");
        if retracted {
            return Ok(());
        }
        assert!(tokio::time::Instant::now() < deadline, "the backend was not told");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
