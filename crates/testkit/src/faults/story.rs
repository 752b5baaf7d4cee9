//! Plays a plot on real parts and checks what must hold whatever happened.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;

use super::fault::Fault;
use super::plot::{Act, Mailbox, Plot};
use super::replies::{check, logged_id, message_id};
use super::stage::Stage;

/// When everything works again, the last reply must be at the backend within this time.
const LIMIT: Duration = Duration::from_secs(150);
/// The same where the agent waits for its next attempt to do this and that: each wait has its own limit.
const PATIENCE: Duration = Duration::from_secs(400);

/// What a story, or several, came to.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Faults, by name.
    pub faults: BTreeMap<&'static str, u64>,
    /// Of these, so many waited for a connection or a request until everything was healed.
    pub unmet: u64,
    /// Stories over each kind of mailbox.
    pub mailboxes: BTreeMap<Mailbox, u64>,
    /// Replies that arrived.
    pub replies: u64,
    /// Coverage reports, each of which was checked.
    pub coverage: u64,
}

/// A story while it is played.
struct Play {
    stage: Stage,
    /// Each reply with the moment at which the server had it.
    delivered: Vec<(String, Timestamp)>,
    told: Told,
}

/// Plays it.
///
/// # Errors
/// What must hold did not, or a part failed; the story is in the error.
pub async fn play(plot: &Plot) -> Result<Told> {
    play_it(plot).await.with_context(|| plot.to_string())
}

async fn play_it(plot: &Plot) -> Result<Told> {
    let told = Told { mailboxes: [(plot.mailbox, 1)].into(), ..Told::default() };
    let mut play = Play { stage: Stage::set(plot).await?, delivered: Vec::new(), told };
    play.play(plot).await.with_context(|| play.stage.log())?;
    Ok(play.told)
}

impl Play {
    async fn play(&mut self, plot: &Plot) -> Result<()> {
        self.stage.start_agent()?;
        for act in &plot.acts {
            self.act(act).await.with_context(|| format!("At {act:?}"))?;
            self.stage.agent_is_well()?;
            self.check_coverage().await?;
        }
        self.told.unmet = self.stage.heal() as u64;
        if !plot.patient {
            // What a wait for the next attempt would come to as well, only sooner.
            self.stage.start_agent()?;
        }
        let deadline = Instant::now() + if plot.patient { PATIENCE } else { LIMIT };
        while !self.all_logged().await? {
            ensure!(Instant::now() < deadline, "A reply was lost");
            self.stage.agent_is_well()?;
            self.check_coverage().await?;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        // What would come twice comes when everything is read again from the beginning.
        self.check_coverage().await?;
        self.stage.start_agent_anew()?;
        self.stage.agent()?.hear_event(LIMIT, "coverage").await?;
        self.check_coverage().await?;
        check(&self.stage.events().await?, self.delivered.iter().map(|(id, _)| id.as_str()))
    }

    async fn act(&mut self, act: &Act) -> Result<()> {
        let now = self.stage.now;
        match act {
            Act::Deliver(n, place) => {
                self.stage.mailbox.deliver(*n, *place, now).await?;
                self.delivered.push((message_id(*n), Timestamp::now()));
                self.told.replies += 1;
            }
            Act::Copy(n) => self.stage.mailbox.copy(*n, now).await?,
            Act::Move(n) => self.stage.mailbox.move_away(*n).await?,
            Act::Wait(time) => tokio::time::sleep(Duration::from_millis(*time)).await,
            Act::Fault(fault) => {
                if matches!(fault, Fault::KillAgent) {
                    // What it has said so far is not forgotten with it.
                    self.check_coverage().await?;
                }
                self.stage.cause(fault).await?;
                *self.told.faults.entry(fault.name()).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Coverage that the backend was told must be true: what had been received by then is at the backend already.
    async fn check_coverage(&mut self) -> Result<()> {
        let claimed = self.stage.new_claims();
        self.told.coverage += claimed.len() as u64;
        let Some(newest) = claimed.into_iter().max() else { return Ok(()) };
        let events = self.stage.events().await?;
        for (id, at) in self.delivered.iter().filter(|(_, at)| *at <= newest) {
            let told = events.iter().any(|event| logged_id(event) == Some(id));
            ensure!(told, "Coverage up to {newest} was claimed without {id}, received {at}");
        }
        Ok(())
    }

    async fn all_logged(&self) -> Result<bool> {
        let events = self.stage.events().await?;
        let logged = |id: &str| events.iter().any(|event| logged_id(event) == Some(id));
        Ok(self.delivered.iter().all(|(id, _)| logged(id)))
    }
}
