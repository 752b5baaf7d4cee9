//! The demo from its beginning to its end.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use answerback_testkit::campaign::Campaign;
use anyhow::{Result, bail};
use jiff::{Timestamp, Zoned};
use tokio::signal::unix::{SignalKind, signal};

use crate::act::{Act, TARGETS, acts};
use crate::args::Args;
use crate::picture::{self, Gates};
use crate::screen::Screen;
use crate::stage::Stage;
use crate::story::Story;

/// How often the agent and the backend are asked for news.
const BEAT: Duration = Duration::from_millis(150);
/// The agent must watch the mailbox within this time.
const START_LIMIT: Duration = Duration::from_secs(30);
/// After the last mail, everything must be judged and delivered within this time.
const END_LIMIT: Duration = Duration::from_secs(30);

/// What a replay leads to, were it anything, would be there after this time.
const REPLAY: Duration = Duration::from_secs(2);

/// Plays the story; everything is cleaned up when it returns, however it does.
pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = play(args) => outcome,
        _ = interrupt.recv() => Ok(ExitCode::SUCCESS),
        _ = terminate.recv() => Ok(ExitCode::SUCCESS),
    }
}

async fn play(args: &Args) -> Result<ExitCode> {
    let campaign = Campaign::new(Timestamp::now());
    let mut stage = Stage::set_up(args, &campaign).await?;
    let mut show = Show {
        screen: Screen::stdout(),
        story: Story::default(),
        gates: Gates::default(),
        heard: 0,
        settled: 0,
    };
    show.screen.settle(&picture::title(stage.mail.name(), args.window().is_some()))?;
    stage.ready(START_LIMIT).await?;
    let start = Instant::now();
    for act in acts(&campaign) {
        let due = start + act.at.div_f64(args.speed);
        while Instant::now() < due {
            show.beat(&mut stage).await?;
        }
        show.deliver(&stage, &act).await?;
    }
    let deadline = Instant::now() + END_LIMIT;
    let written = |stage: &Stage| stage.crm.as_ref().is_none_or(|crm| crm.flaws().is_empty());
    while !(show.is_over() && written(&stage)) && Instant::now() < deadline {
        show.beat(&mut stage).await?;
    }
    if stage.crm.is_some() {
        stage.replay().await?;
        tokio::time::sleep(REPLAY).await;
    }
    let complete = show.end(&stage).await?;
    if !args.once {
        show.linger(&mut stage).await?;
    }
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is shown and what it is made from.
struct Show {
    screen: Screen<std::io::Stdout>,
    story: Story,
    gates: Gates,
    /// How many of the agent's lines the story knows.
    heard: usize,
    /// How many rows have been written for good.
    settled: usize,
}

impl Show {
    async fn deliver(&mut self, stage: &Stage, act: &Act) -> Result<()> {
        // First in the story, then in the mailbox: the agent may be quicker than we are.
        self.story.arrived(act, Zoned::now());
        self.draw()?;
        stage.mail.deliver("INBOX", &act.raw).await
    }

    /// Hears the agent and asks the backend, then shows what is new.
    async fn beat(&mut self, stage: &mut Stage) -> Result<()> {
        if let Some(status) = stage.player.ended() {
            bail!("the agent ended by itself ({status}): {}", stage.player.log().trim());
        }
        for line in stage.player.said().iter().skip(self.heard) {
            self.story.agent_said(line);
            self.heard += 1;
        }
        for event in stage.backend.events().await? {
            self.story.backend_has(&event);
        }
        for (target, gate) in TARGETS.iter().zip(&mut self.gates) {
            *gate = Some(stage.backend.gate(target.send_id).await?);
        }
        self.draw()?;
        tokio::time::sleep(BEAT).await;
        Ok(())
    }

    fn draw(&mut self) -> Result<()> {
        let settled = self.story.settled();
        for row in self.story.rows.iter().take(settled).skip(self.settled) {
            self.screen.settle(&picture::row(row))?;
        }
        self.settled = self.settled.max(settled);
        let mut lines = self.story.rows.iter().skip(self.settled).flat_map(picture::row).collect::<Vec<_>>();
        lines.extend(picture::backend(&self.gates));
        self.screen.draw(&lines)
    }

    fn is_over(&self) -> bool {
        self.settled == self.story.rows.len() && picture::gates_are_right(&self.gates)
    }

    /// Leaves everything running for whoever wants to look around, until the agent is ended from its window.
    async fn linger(&mut self, stage: &mut Stage) -> Result<()> {
        self.screen.settle(&picture::farewell())?;
        while stage.player.ended().is_none() {
            tokio::time::sleep(BEAT).await;
        }
        Ok(())
    }

    /// Says how it went, and whether as it should.
    async fn end(&mut self, stage: &Stage) -> Result<bool> {
        let mut flaws = self.story.flaws();
        flaws.extend(stage.promises_broken().await?);
        flaws.extend(stage.crm.iter().flat_map(crate::crm::Crm::flaws));
        if !picture::gates_are_right(&self.gates) {
            flaws.push("The backend's answers are not what they should be.".to_owned());
        }
        for row in self.story.rows.iter().skip(self.settled) {
            self.screen.settle(&picture::row(row))?;
        }
        self.settled = self.story.rows.len();
        self.screen.settle(&picture::backend(&self.gates))?;
        if let Some(crm) = &stage.crm {
            self.screen.settle(&picture::crm(&crm.timelines()))?;
        }
        self.screen.settle(&picture::summary(&self.story, &self.gates, &flaws))?;
        Ok(flaws.is_empty())
    }
}
