//! Memory and start-up of the real app, built with optimisations, with three mailboxes on a real Dovecot and the reference backend.
//!
//! `cargo xtask bench desktop` builds what is measured and runs this with the folder that it is in.
#![allow(clippy::print_stdout, reason = "this is a program for the terminal")]

#[cfg(target_os = "linux")]
mod desktop;

#[cfg(target_os = "linux")]
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    use anyhow::Context;

    let programs = std::env::args_os().nth(1).context("Say in which folder the programs are")?;
    figures::measure(std::path::Path::new(&programs)).await
}

#[cfg(not(target_os = "linux"))]
fn main() -> anyhow::Result<()> {
    anyhow::bail!("The app can be measured like this only on Linux")
}

#[cfg(target_os = "linux")]
mod figures {
    use std::{
        fs,
        os::unix::fs::OpenOptionsExt,
        path::{Path, PathBuf},
        time::{Duration, Instant},
    };

    use answerback_testkit::{
        backend::Backend,
        campaign::Campaign,
        mail_server::{MailServer, PASSWORD},
        personas::REP,
        process::Running,
    };
    use anyhow::{Context, Result, bail};
    use jiff::Timestamp;

    use crate::desktop::{Desktop, Memory, wait_for};

    /// How often the app is started to see how long it takes.
    const STARTS: usize = 7;
    /// What comes and goes right after a start has gone by then.
    const SETTLED: Duration = Duration::from_secs(20);
    /// A while after its window was closed the app gives back what the window has left behind.
    const CLOSED: Duration = Duration::from_secs(60);
    const WITHOUT_WINDOW: [&str; 1] = ["answerbackctl"];
    const APP: [&str; 3] = ["answerback", "WebKitWebProcess", "WebKitNetworkProcess"];

    /// Prints a table.
    pub async fn measure(programs: &Path) -> Result<()> {
        let desktop = Desktop::start("en_GB.UTF-8")?;
        let scene = Scene::start(&desktop, programs).await?;
        let config = scene.config.to_str().context("a path that is not UTF-8")?;
        println!("| three mailboxes, idle | RSS | PSS |\n|---|---|---|");

        let agent = desktop.run(programs.join("answerbackctl"), &["run", "--config", config])?;
        settle().await;
        row("without a window: `answerbackctl run`", &desktop.memory_in_all(&WITHOUT_WINDOW)?);
        stop(agent)?;

        let app = programs.join("answerback");
        let background = desktop.run(&app, &["--config", config, "--background"])?;
        settle().await;
        row("`answerback --background`, not opened yet", &desktop.memory_in_all(&APP)?);
        stop(background)?;

        let mut starts = Vec::new();
        for _ in 0..STARTS {
            let (app, took) = open(&desktop, &app, config)?;
            starts.push(took);
            stop(app)?;
        }
        let (mut open, _) = open(&desktop, &app, config)?;
        settle().await;
        row("window open on the overview, all processes", &desktop.memory_in_all(&APP)?);
        wait_for("the end of the web view", || {
            desktop.windows().into_iter().for_each(|window| drop(desktop.close_window(window)));
            desktop.memory_of("WebKitWebProcess").is_empty()
        })?;
        tokio::time::sleep(CLOSED).await;
        if open.ended().is_some() {
            bail!("the app ended with its window:\n{}", desktop.log());
        }
        row("window closed again, all processes", &desktop.memory_in_all(&APP)?);
        stop(open)?;

        let [first, rest @ ..] = starts.as_slice() else { bail!("nothing was started") };
        let mut rest = rest.to_vec();
        rest.sort();
        let median = rest.get(rest.len() / 2).context("too few starts")?;
        println!(
            "\n| from the start of the process to | first time | then, median of {} |\n|---|---|---|",
            rest.len()
        );
        println!(
            "| the first picture in the window | {} ms | {} ms |",
            first.as_millis(),
            median.as_millis()
        );
        Ok(())
    }

    fn row(what: &str, memory: &Memory) {
        println!("| {what} | {:.1} MB | {:.1} MB |", memory.resident_mb, memory.proportional_mb);
    }

    async fn settle() {
        tokio::time::sleep(SETTLED).await;
    }

    fn stop(mut program: Running) -> Result<()> {
        match program.stop() {
            Some(status) if status.success() => Ok(()),
            status => bail!("a program did not end in order: {status:?}"),
        }
    }

    /// Starts the app and waits until its window shows something.
    fn open(desktop: &Desktop, app: &Path, config: &str) -> Result<(Running, Duration)> {
        let start = Instant::now();
        let running = desktop.run(app, &["--config", config])?;
        while !desktop.shows_something()? {
            if start.elapsed() > Duration::from_secs(30) {
                bail!("the window shows nothing:\n{}", desktop.log());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok((running, start.elapsed()))
    }

    /// What the app is connected to.
    struct Scene {
        config: PathBuf,
        _mail: MailServer,
        _backend: Backend,
    }

    impl Scene {
        async fn start(desktop: &Desktop, programs: &Path) -> Result<Self> {
            let folder = desktop.home().join("figures");
            fs::create_dir(&folder)?;
            let campaign = Campaign::new(Timestamp::now());
            let mail = MailServer::dovecot().await?;
            for (received_at, raw) in campaign.old_mail() {
                mail.append("INBOX", &raw, &["\\Seen"], received_at).await?;
            }
            let backend = Backend::start(&programs.join("answerback-backend"), desktop.home())?;
            backend.import(&campaign.sends())?;
            let secret = |name: &str, text: &str| -> Result<String> {
                let path = folder.join(name);
                let mut options = fs::OpenOptions::new();
                let mut file = options.write(true).create_new(true).mode(0o600).open(&path)?;
                std::io::Write::write_all(&mut file, text.as_bytes())?;
                Ok(path.display().to_string())
            };
            let (password, token) =
                (secret("password", PASSWORD)?, secret("token", &backend.laptop_token()?)?);
            let doors = mail.imap().context("a mailbox without IMAP")?;
            let (port, ca) = (doors.tls, doors.ca_file.display().to_string());
            let mut text =
                format!("[backend]\nurl = \"{}\"\ntoken = {{ file = \"{token}\" }}\n", backend.url());
            for address in ["rep@sales.example", "rep@north.example", "rep@south.example"] {
                text += &format!(
                    "[[account]]\naddress = \"{address}\"\n[account.imap]\nhost = \"localhost\"\nport = {port}\nusername = \"{}\"\n\
                     password = {{ file = \"{password}\" }}\nca_file = \"{ca}\"\n",
                    REP.address
                );
            }
            let config = folder.join("config.toml");
            fs::write(&config, format!("data_dir = \"{}\"\n{text}", folder.display()))?;
            // Otherwise the window would begin with the first start.
            fs::write(folder.join("window.json"), r#"{"welcomed":true}"#)?;
            Ok(Self { config, _mail: mail, _backend: backend })
        }
    }
}
