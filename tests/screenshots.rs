//! Pictures of every page, light and dark, English and Spanish, from the real app on real parts.
//!
//! `cargo run -p answerback --features custom-protocol --example screenshots -- FOLDER`. The app and the reference
//! backend must be built. The files are `<page>-<theme>-<language>.png`.
#![allow(clippy::print_stdout, reason = "this is a program for the terminal")]

#[cfg(target_os = "linux")]
mod desktop;

#[cfg(target_os = "linux")]
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    use anyhow::Context;

    let folder = std::env::args_os().nth(1).context("Say into which folder")?;
    album::fill(std::path::Path::new(&folder)).await
}

#[cfg(not(target_os = "linux"))]
fn main() -> anyhow::Result<()> {
    anyhow::bail!("The app can be driven like this only on Linux")
}

#[cfg(target_os = "linux")]
mod album {
    use std::{env::consts::EXE_SUFFIX, path::Path, time::Duration};

    use anyhow::{Context, Result};

    use crate::desktop::{Desktop, Scene, Window};

    const SIZE: (u32, u32) = (1120, 760);

    /// Each page's name and address; the first start is taken by itself.
    const PAGES: [(&str, &str); 11] = [
        ("overview", "overview"),
        ("replies", "replies"),
        ("reply", "replies/4"),
        ("question", "replies/5"),
        ("mailboxes", "mailboxes"),
        ("add-mailbox", "mailboxes/add"),
        ("rules", "rules"),
        ("backend", "backend"),
        ("privacy", "privacy"),
        ("diagnostics", "diagnostics"),
        ("settings", "settings"),
    ];

    /// Takes all pictures.
    pub async fn fill(folder: &Path) -> Result<()> {
        let own = std::env::current_exe()?;
        let programs = own.parent().and_then(Path::parent).context("Our own program is in no folder")?;
        let app = programs.join(format!("answerback{EXE_SUFFIX}"));
        let desktop = Desktop::start("en_GB.UTF-8")?;
        let scene = Scene::start(desktop.home()).await?;
        let window = desktop.open(&app, &[]).await?;
        window.resize(SIZE.0, SIZE.1).await?;
        for look in LOOKS {
            wear(&window, look).await?;
            take(&window, folder, "start", "start", look).await?;
        }
        wear(&window, LOOKS[0]).await?;
        play(&window, &scene).await?;
        for look in LOOKS {
            wear(&window, look).await?;
            for (name, page) in PAGES {
                take(&window, folder, name, page, look).await?;
            }
        }
        window.close().await
    }

    type Look = (&'static str, &'static str);
    const LOOKS: [Look; 4] = [("light", "en"), ("dark", "en"), ("light", "es"), ("dark", "es")];

    async fn wear(window: &Window, (theme, language): Look) -> Result<()> {
        window.go("settings").await?;
        window.choose("language", language).await?;
        window.choose("appearance", theme).await?;
        window.see(&format!("html[lang={language}][data-theme={theme}]")).await.map(drop)
    }

    async fn take(
        window: &Window,
        folder: &Path,
        name: &str,
        page: &str,
        (theme, language): Look,
    ) -> Result<()> {
        window.go(page).await?;
        if name == "diagnostics" {
            window.see("[data-testid=summary]").await?;
        }
        window.picture(&folder.join(format!("{name}-{theme}-{language}.png"))).await?;
        println!("{name}-{theme}-{language}.png");
        Ok(())
    }

    /// Sets everything up and lets the story happen.
    async fn play(window: &Window, scene: &Scene) -> Result<()> {
        window.go("start/mailbox").await?;
        scene.describe_mailbox(window, scene.password()).await?;
        window.press("Add mailbox").await?;
        window.read("Connect your sales system").await?;
        scene.pair(window).await?;
        window.press("Show me the overview").await?;
        let campaign = &scene.campaign;
        for (raw, count) in [
            (campaign.gibbs_bounces(), 1),
            (campaign.newsletter(), 1),
            (campaign.lora_is_away(), 2),
            (campaign.alan_answers(), 3),
            (campaign.flynn_answers(), 4),
        ] {
            scene.mail.deliver("INBOX", &raw).await?;
            window.go("overview").await?;
            window.see(&format!(".latest li:nth-child({count})")).await?;
        }
        window.see(".latest li .delivered").await?;
        scene.mail.deliver("INBOX", &campaign.lora_writes_anew()).await?;
        window.see(".latest li:nth-child(5)").await?;
        // The last coverage is on its way to the backend.
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(())
    }
}
