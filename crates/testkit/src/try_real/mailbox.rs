//! The rows of the end-to-end table over somebody's own mailbox.

use std::process::Stdio;
use std::time::{Duration, Instant};

use answerback_testkit::agent;
use answerback_testkit::campaign::Campaign;
use answerback_testkit::e2e::Scene;
use answerback_testkit::e2e::rows::{Need, ROWS, Row};
use answerback_testkit::mail_server::MailServer;
use answerback_testkit::personas::Cast;
use answerback_testkit::real_mailbox::RealMailbox;
use anyhow::{Context as _, Result};
use jiff::Timestamp;

use crate::report::{Outcome, Report};

const NOBODY_WRITES: &str =
    "needs somebody who writes into the mailbox, and Answerback asks for no permission to do so";
const NO_RULE: &str =
    "no rule files mail there; make one, and name the word that it looks for as rule.subject";
const ON_DEMAND: &str =
    "a real service does not fail on demand; `cargo xtask faults` plays this over the simulator";

/// Tries every row, or those whose name contains one of the words. `true` when nothing failed.
///
/// # Errors
/// A part of ours does not start.
pub async fn run(mailbox: RealMailbox, run: &str, only: &[String]) -> Result<bool> {
    let mut report = Report::default();
    let started = Instant::now();
    let opened = open(&mailbox).await?;
    report.say("the mailbox opens", &opened, started.elapsed());
    if opened != Outcome::Passed {
        return Ok(report.finish());
    }
    let mut sent = false;
    let wanted = |row: &Row| only.is_empty() || only.iter().any(|word| row.name.contains(word));
    for (n, row) in ROWS.iter().enumerate().filter(|(_, row)| wanted(row)) {
        let started = Instant::now();
        let outcome = match obstacle(row, &mailbox) {
            Some(why) => Outcome::NotPlayed(why),
            None => {
                sent = true;
                play(row, &mailbox, &format!("{run}-{n}")).await?
            }
        };
        report.say(row.name, &outcome, started.elapsed());
    }
    report.say(
        "throttled, cut off, sync state lost, message moved meanwhile",
        &Outcome::NotPlayed(ON_DEMAND),
        Duration::ZERO,
    );
    if sent {
        println!(
            "\nMail was put into {} and stays there: nothing here may delete it. Each has \"{run}\" in its subject.",
            mailbox.address
        );
    }
    Ok(report.finish())
}

fn obstacle(row: &Row, mailbox: &RealMailbox) -> Option<&'static str> {
    row.needs.iter().find_map(|need| match need {
        Need::Write => Some(NOBODY_WRITES),
        Need::Rule => mailbox.rule.is_none().then_some(NO_RULE),
        Need::FlynnIsNotAlan => None,
    })
}

/// What `answerbackctl doctor` says of it.
async fn open(mailbox: &RealMailbox) -> Result<Outcome> {
    let scene = Scene::with(MailServer::Real(Box::new(mailbox.clone())), Campaign::new(Timestamp::now()))?;
    let mut doctor = tokio::process::Command::new(agent::ctl()?);
    doctor.arg("doctor").arg("--config").arg(scene.config()).stdin(Stdio::null());
    scene.equip(doctor.as_std_mut());
    let output = doctor.output().await.context("Starting answerbackctl doctor")?;
    if output.status.success() {
        return Ok(Outcome::Passed);
    }
    let said = [output.stdout, output.stderr].concat();
    Ok(Outcome::Failed(String::from_utf8_lossy(&said).into_owned()))
}

async fn play(row: &Row, mailbox: &RealMailbox, tag: &str) -> Result<Outcome> {
    // They last as long as this program, which is not long.
    let own = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
    let alan_writes = !row.needs.contains(&Need::FlynnIsNotAlan);
    let cast = Cast::writing_from(own(&mailbox.sender.address), own(&mailbox.address), alan_writes);
    let campaign = Campaign::in_mailbox_of(cast, own(tag), Timestamp::now());
    let scene = Scene::with(MailServer::Real(Box::new(mailbox.clone())), campaign)?;
    Ok(match tokio::spawn((row.play)(scene)).await {
        Ok(()) => Outcome::Passed,
        Err(ended) => Outcome::Failed(why(ended)),
    })
}

/// What a row that panicked said.
fn why(ended: tokio::task::JoinError) -> String {
    let Ok(panic) = ended.try_into_panic() else { return "It was broken off.".to_owned() };
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
