//! The real app in a real window, against a real Dovecot and the real reference backend, driven as a rep does it.
//!
//! `cargo build -p answerback-reference-backend --bins`, then
//! `cargo test -p answerback --features custom-protocol --test real_window`. Its pictures are kept in `test-output/window`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod desktop;
mod mailbox_doors;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use desktop::{Desktop, Scene, Window, notifications::Notifications, wait_for};

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
async fn a_reps_day_from_the_first_start_without_a_tray_to_a_restart() {
    let desktop = Desktop::start("en_GB.UTF-8").unwrap();
    // A driver whose app doesn't come up waits for ever.
    let outcome = tokio::time::timeout(Duration::from_secs(400), rep_at_work(&desktop)).await;
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

    // A while later the program starts over in its own place: nothing of the web view is left.
    wait_for("the end of the web view's last process", || {
        desktop.memory_of("WebKitNetworkProcess").is_empty()
    })
    .unwrap();
    assert!(app.ended().is_none(), "the agent ended with its window:\n{}", desktop.log());
    assert!(desktop.windows().is_empty());
    println!("closed: {:?} MiB", desktop.memory_of("answerback"));

    // A link into the app is a second start with an argument.
    let mut second = desktop.run(APP, &["answerback://pair?url=https://sales.example"]).unwrap();
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
    let told = Notifications::serve(desktop.bus()).await?;
    let window = desktop.open(Path::new(APP), &[]).await?;
    window.resize(1120, 760).await?;
    first_start(&window, &scene).await?;

    // A reply arrives and is seen, with its reason and the backend's acknowledgement, and the desktop tells of it.
    window.read("Watching 1 mailbox. Nobody has answered yet today.").await?;
    window.picture(&picture("05-watching.png")).await?;
    scene.flynn_answers(&window).await?;
    window.read("1 person answered today.").await?;
    window.picture(&picture("06-answered.png")).await?;
    assert_eq!(events(&scene).await, ["answerback.stop.v1", "answerback.log.v1"]);

    // A click on the notification opens what it is about.
    told.click("Kevin Flynn answered").await?;
    window.read_in("[data-testid=headline]", "Kevin Flynn answered from another address").await?;
    window.go("overview").await?;

    scene.mail.deliver("INBOX", &scene.campaign.alan_answers()).await?;
    window.read_in(".latest li:first-child", "who had a copy, answered.").await?;

    read_and_retract(&window, &scene).await?;
    answer_the_question(&window, &scene, &told).await?;
    pause_and_resume(&window, &scene).await?;
    scene.forget_and_renew_the_password(&window).await?;
    speak_spanish(&window).await?;

    // The agent knows everything again after a restart.
    window.close().await?;
    // The driver comes back before the app has said good-bye to its servers, which may take five seconds; until then it
    // is the single instance.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let window = desktop.open(Path::new(APP), &[]).await?;
    window.read("Vigilando 1 buzón.").await?;
    window.read_in(".latest", "Lo has anulado").await?;
    window.close().await
}

/// From nothing to "You're set", with every wrong turn on the way.
async fn first_start(window: &Window, scene: &Scene) -> Result<()> {
    window.read("Know at once when somebody answers").await?;
    window.picture(&picture("01-welcome.png")).await?;
    window.press("Begin").await?;
    scene.describe_mailbox(window, "not-the-password").await?;
    window.press("Test connection").await?;
    window.read_in("form li.failed", "password").await?;
    window.picture(&picture("02-wrong-password.png")).await?;
    window.fill("password", scene.password()).await?;
    window.press("Test connection").await?;
    window.read("Everything works. You can add the mailbox.").await?;
    window.picture(&picture("03-tested.png")).await?;
    window.press("Add mailbox").await?;

    window.read("Connect your sales system").await?;
    window.fill("pair-url", "http://127.0.0.1:9").await?;
    window.press("Get a code").await?;
    window.read_in(".notice", "127.0.0.1").await?;
    scene.pair(window).await?;
    window.read("You’re set").await?;
    window.picture(&picture("04-set.png")).await?;
    window.press("Show me the overview").await?;

    // What was typed went to the keychain and is nowhere in the page.
    let page = window.run("return document.documentElement.outerHTML", Vec::new()).await?;
    assert!(!page.as_str().unwrap_or_default().contains(scene.password()));
    Ok(())
}

async fn read_and_retract(window: &Window, scene: &Scene) -> Result<()> {
    window.go("replies").await?;
    window.fill("search", "kevinf").await?;
    window.read("1 message").await?;
    window.click(".scroller li a").await?;
    window.read_in("[data-testid=because]", "was written as an answer to your email").await?;
    window.press("Show the text").await?;
    window.read_in("[data-testid=text]", "Space Paranoids is exactly what we need.").await?;
    window.click(".detail details summary").await?;
    window.read_in("pre", "\"specversion\": \"1.0\"").await?;
    window.picture(&picture("07-detail.png")).await?;
    window.press("Not an answer").await?;
    window.press("Take it back").await?;
    window.read("You took this back.").await?;
    hear_of(scene, "answerback.retract.v1", 1).await
}

/// A message that may be an answer: the rep is asked, by the desktop too, and says yes with one key.
async fn answer_the_question(window: &Window, scene: &Scene, told: &Notifications) -> Result<()> {
    let before = events(scene).await.len();
    scene.mail.deliver("INBOX", &scene.campaign.lora_writes_anew()).await?;
    told.hear("Is this an answer?").await?;
    window.go("overview").await?;
    window.read_in("nav", "1").await?;
    window.go("replies").await?;
    window.press("Questions").await?;
    window.key("j").await?;
    window.read_in("[data-testid=headline]", "Perhaps an answer from Lora").await?;
    window.picture(&picture("08-question.png")).await?;
    assert_eq!(events(scene).await.len(), before, "nothing is sent before the rep has decided");
    window.key("y").await?;
    hear_of(scene, "answerback.stop.v1", 3).await
}

async fn pause_and_resume(window: &Window, scene: &Scene) -> Result<()> {
    window.go("overview").await?;
    window.click(".pause .toggle").await?;
    window.press("For 1 hour").await?;
    window.read("Watching is paused until").await?;
    scene.mail.deliver("INBOX", &scene.campaign.gibbs_bounces()).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(
        !window.text(".latest").await?.contains("could not be delivered"),
        "it looked while it was paused"
    );
    window.click(".pause .toggle").await?;
    window.read_in(".latest", "could not be delivered").await
}

async fn speak_spanish(window: &Window) -> Result<()> {
    window.go("settings").await?;
    window.choose("language", "es").await?;
    window.read("Ajustes").await?;
    window.go("overview").await?;
    window.read("Vigilando 1 buzón.").await?;
    window.picture(&picture("09-spanish.png")).await
}

/// Waits until the backend has this many events of a type.
async fn hear_of(scene: &Scene, event_type: &str, count: usize) -> Result<()> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let events = events(scene).await;
        if events.iter().filter(|known| *known == event_type).count() >= count {
            return Ok(());
        }
        anyhow::ensure!(tokio::time::Instant::now() < deadline, "the backend has only {events:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
