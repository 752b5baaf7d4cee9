//! Waits for the server to report mail.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, timeout};

use super::ImapMailbox;
use crate::imap::client::Failure;
use crate::imap::command::Command;
use crate::imap::response::Untagged;
use crate::imap::session::must;
use crate::wake::{WakeDetector, until_next_look};
use crate::{Error, ErrorKind};

/// The server gets this long to end IDLE (chatmail/core#975).
const DONE_LIMIT: Duration = Duration::from_secs(15);

/// How often a waiting mailbox looks at the clock, to notice that the computer slept.
const TICK: Duration = Duration::from_secs(10);

impl ImapMailbox {
    pub(super) async fn rest(&mut self, until: Timestamp, idle: bool) -> Result<(), Error> {
        let now = Timestamp::now();
        let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        let deadline = Instant::now() + wait;
        if idle && !self.begin_idle().await? {
            self.plan.give_up_idle();
            return Ok(());
        }
        let mut wake = WakeDetector::new(now, std::time::Instant::now());
        loop {
            let ended = self.idling.as_ref().is_some_and(|tag| self.client.has_ended(tag));
            if ended || self.client.has_news() || self.rows.has_told() || Instant::now() >= deadline {
                break;
            }
            let tick = deadline.min(Instant::now() + until_next_look(Timestamp::now(), TICK));
            // Nothing is lost if the owner drops the future here; IDLE is ended at the next call.
            self.torn = false;
            if self.idling.is_some() {
                let heard = self.client.listen(tick, &mut |response| self.rows.note(response)).await;
                must(&self.client, "wait for mail", heard)?;
            } else {
                tokio::time::sleep_until(tick).await;
            }
            self.torn = true;
            if wake.slept(Timestamp::now(), std::time::Instant::now()).is_some() {
                // Whatever was connected before is not any more, however it looks.
                return Err(Error::new(ErrorKind::Lost, "the computer was asleep".to_owned()));
            }
        }
        self.end_idle().await
    }

    /// `false` when the server won't.
    pub(super) async fn begin_idle(&mut self) -> Result<bool, Error> {
        let tag = self.client.send(&Command::new("IDLE")).await;
        let tag = must(&self.client, "wait for mail", tag)?;
        match self.client.continuation_or_end(&tag).await {
            Ok(Some(_)) => self.idling = Some(tag),
            Ok(None) => return Ok(false),
            Err(Failure::Refused(refusal)) if !refusal.is_passing() => return Ok(false),
            result => return must(&self.client, "wait for mail", result.map(|_| true)),
        }
        Ok(true)
    }

    pub(super) async fn end_idle(&mut self) -> Result<(), Error> {
        let Some(tag) = self.idling.clone() else { return Ok(()) };
        if !self.client.has_ended(&tag) {
            self.client.send_line(b"DONE").await?;
        }
        let mut note = |response: Untagged<'_>| self.rows.note(response);
        let completed = self.client.complete(&tag, &mut note);
        let Ok(result) = timeout(DONE_LIMIT, completed).await else {
            let detail = format!("{} did not stop waiting when asked", self.client.server());
            return Err(Error::new(ErrorKind::TimedOut, detail));
        };
        self.idling = None;
        must(&self.client, "wait for mail", result)
    }
}
