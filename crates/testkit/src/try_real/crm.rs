//! What is written into somebody's own Salesforce or HubSpot, once, and taken back.

use std::time::{Duration, Instant};

use answerback_backend::Event;
use answerback_backend::crm::{Crm, CrmError, Wrote};
use answerback_reply::TrackedSend;
use answerback_testkit::crm::{self, Memory, event};
use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use serde_json::json;

use crate::report::{Outcome, Report};

const NO_FIELD: &str = "the settings map no campaign and name no field that a stop would change";
const STAYS: &str = "an opt-out stays there for good";
const ON_DEMAND: &str = "a real service does not fail on demand; the tests play this against the simulator";

/// A CRM under trial.
pub struct Trial<C> {
    /// The connector.
    pub crm: C,
    /// The same without the key's field.
    pub keyless: C,
    /// The address of somebody who is there.
    pub contact: String,
    /// Whether an opt-out can be taken back.
    pub forgives: bool,
    /// In each Message-ID.
    pub run: String,
}

impl<C: Crm> Trial<C> {
    /// Tries everything. `true` when nothing failed.
    pub async fn run(&self) -> bool {
        let mut report = Report::default();
        let started = Instant::now();
        let checked = self.checked().await;
        let opened = checked.is_ok();
        say(&mut report, "signing in, and what may be done there", started, checked.map(|()| None));
        if !opened {
            return report.finish();
        }
        let started = Instant::now();
        let outcome = self.once(&self.crm, &self.reply("once", &self.contact)).await;
        say(&mut report, "an answer is logged once, and taken back", started, outcome);
        let started = Instant::now();
        let outcome = self.once(&self.keyless, &self.reply("keyless", &self.contact)).await;
        say(&mut report, "the same where the key's field is missing", started, outcome);
        let started = Instant::now();
        let outcome = self.once(&self.crm, &self.automatic()).await;
        say(&mut report, "an out-of-office mail is logged once, and taken back", started, outcome);
        let started = Instant::now();
        say(&mut report, "the process is killed at any moment", started, self.killed().await);
        let started = Instant::now();
        let stop = event(&self.id("stop"), "stop", json!({"reason": "reply"}));
        say(
            &mut report,
            "a stop changes fields, and is taken back",
            started,
            self.changes(&stop, NO_FIELD).await,
        );
        let started = Instant::now();
        let opt_out = json!({"address": self.contact, "reason": "opt_out"});
        let opt_out = event(&self.id("opt-out"), "suppress", opt_out);
        let outcome = if self.forgives {
            self.changes(&opt_out, "the contact has opted out already").await
        } else {
            Ok(Some(STAYS))
        };
        say(&mut report, "an opt-out is noted, and taken back", started, outcome);
        let started = Instant::now();
        say(&mut report, "somebody who is not there is said to be missing", started, self.nobody().await);
        say(&mut report, "requests that fail or are cut off", Instant::now(), Ok(Some(ON_DEMAND)));
        let well = report.finish();
        if !well {
            println!(
                "What a failed trial has left is at {}: look there for entries with \"{}\" in their Message-ID or text.",
                self.contact, self.run
            );
        }
        well
    }

    async fn checked(&self) -> Result<()> {
        for finding in self.crm.check().await? {
            println!("    {}  {}", if finding.good { "ok     " } else { "MISSING" }, finding.text);
        }
        Ok(())
    }

    /// Twice gives one; after it was taken back, there is none.
    async fn once(&self, crm: &C, log: &Event) -> Result<Option<&'static str>> {
        let journal = Memory::default();
        self.expect(crm, log, &journal, Wrote::Entry).await?;
        // By a process that has lost its journal.
        self.expect(crm, log, &Memory::default(), Wrote::Already).await?;
        self.take_back(crm, log, &journal).await?;
        let journal = Memory::default();
        self.expect(crm, log, &journal, Wrote::Entry).await.context("After it was taken back")?;
        self.take_back(crm, log, &journal).await?;
        Ok(None)
    }

    async fn killed(&self) -> Result<Option<&'static str>> {
        for saves in 0..4 {
            let log = self.reply(&format!("killed-{saves}"), &self.contact);
            let journal = Memory::killed_after(saves);
            let _killed = self.deliver(&self.crm, &log, &journal).await;
            let journal = journal.revived();
            self.deliver(&self.crm, &log, &journal).await?;
            self.expect(&self.crm, &log, &Memory::default(), Wrote::Already).await?;
            self.take_back(&self.crm, &log, &journal)
                .await
                .with_context(|| format!("Killed after {saves} saves"))?;
        }
        Ok(None)
    }

    async fn changes(&self, change: &Event, otherwise: &'static str) -> Result<Option<&'static str>> {
        for _ in 0..2 {
            let journal = Memory::default();
            if self.deliver(&self.crm, change, &journal).await? == Wrote::Nothing {
                return Ok(Some(otherwise));
            }
            self.expect(&self.crm, change, &Memory::default(), Wrote::Nothing).await?;
            self.take_back(&self.crm, change, &journal).await?;
        }
        Ok(None)
    }

    async fn nobody(&self) -> Result<Option<&'static str>> {
        let log = self.reply("nobody", &format!("nobody.{}@answerback.invalid", self.run));
        let send = TrackedSend { prospect: None, to: Vec::new(), cc: Vec::new(), ..crm::send() };
        let outcome =
            self.crm.for_trial()?.deliver(&log, Some(&send), &Memory::default(), Timestamp::now()).await;
        match outcome {
            Err(CrmError::Nobody) => Ok(None),
            Ok(Wrote::Skipped) => Ok(Some("the settings say to skip them")),
            other => anyhow::bail!("It gave {other:?}"),
        }
    }

    async fn take_back(&self, crm: &C, done: &Event, journal: &Memory) -> Result<()> {
        self.expect(crm, &crm::retract(&[done]), journal, Wrote::TakenBack).await
    }

    async fn expect(&self, crm: &C, event: &Event, journal: &Memory, wrote: Wrote) -> Result<()> {
        let outcome = self.deliver(crm, event, journal).await?;
        ensure!(outcome == wrote, "It gave {outcome:?} in place of {wrote:?}");
        Ok(())
    }

    async fn deliver(&self, crm: &C, event: &Event, journal: &Memory) -> Result<Wrote, CrmError> {
        let mut send = crm::send();
        send.to = vec![self.contact.clone()];
        send.cc.clear();
        if let Some(prospect) = &mut send.prospect {
            prospect.email = Some(self.contact.clone());
        }
        crm.deliver(event, Some(&send), journal, Timestamp::now()).await
    }

    fn reply(&self, name: &str, from: &str) -> Event {
        crm::log(&self.id(name), from, "prospect", &[])
    }

    fn automatic(&self) -> Event {
        let reply = json!({"message_id": self.id("away"), "from": self.contact, "received_at": "2026-11-20T09:12:00Z"});
        let log = json!({"kind": "auto_reply", "relation": "prospect", "confidence": 1.0, "reply": reply});
        event(&self.id("away"), "log", log)
    }

    fn id(&self, name: &str) -> String {
        format!("<{name}.{}@answerback.invalid>", self.run)
    }
}

fn say(report: &mut Report, name: &str, started: Instant, outcome: Result<Option<&'static str>>) {
    let outcome = match outcome {
        Ok(None) => Outcome::Passed,
        Ok(Some(why)) => Outcome::NotPlayed(why),
        Err(error) => Outcome::Failed(format!("{error:#}")),
    };
    report.say(name, &outcome, started.elapsed());
}

/// As if requests were never still under way: here they are waited for.
pub const SETTLED: Duration = Duration::ZERO;
