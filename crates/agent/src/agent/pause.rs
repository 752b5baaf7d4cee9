//! Pausing: until the rep resumes, or until a time.

use jiff::{Span, Timestamp, Zoned};

use super::Agent;
use crate::Change;
use crate::context::Context;
use crate::view::{PauseFor, Problem};

/// The store's setting that says that the rep has paused; it outlives a restart.
const PAUSED: &str = "paused";
/// Its value where no end was chosen; otherwise it is the time of the end.
const OPEN_END: &str = "yes";
/// A day begins at this hour for whoever pauses until tomorrow.
const MORNING: i8 = 7;

impl Agent {
    /// Stops watching all mailboxes for a while. Events that wait are delivered all the same.
    ///
    /// # Errors
    /// The store failed; nothing was changed.
    pub async fn pause(&self, how_long: PauseFor) -> Result<(), Problem> {
        let until = end(how_long, &Zoned::now());
        let value = until.map_or_else(|| OPEN_END.to_owned(), |until| until.to_string());
        self.store(move |store| store.set_setting(PAUSED, Some(&value))).await?;
        show(&self.context, true, until);
        Ok(())
    }

    /// Watches again.
    ///
    /// # Errors
    /// The store failed; nothing was changed.
    pub async fn resume(&self) -> Result<(), Problem> {
        self.store(|store| store.set_setting(PAUSED, None)).await?;
        show(&self.context, false, None);
        Ok(())
    }
}

/// Takes up the pause that the last run of the agent left.
pub async fn restore(context: &Context) {
    let Ok(Some(value)) = context.storage.call(|store| store.setting(PAUSED)).await else { return };
    let until = value.parse::<Timestamp>().ok();
    if until.is_none_or(|until| until > Timestamp::now()) {
        show(context, true, until);
    }
}

/// Watches again when the time of the pause is over.
pub async fn resume_when_due(context: &Context, now: Timestamp) {
    let due = context.live().paused_until.is_some_and(|until| until <= now);
    if due && context.storage.call(|store| store.set_setting(PAUSED, None)).await.is_ok() {
        tracing::info!("The pause is over.");
        show(context, false, None);
    }
}

fn show(context: &Context, paused: bool, until: Option<Timestamp>) {
    {
        let mut live = context.live();
        live.paused = paused;
        live.paused_until = until;
    }
    context.paused.send_replace(paused);
    context.changed(Change::Accounts);
}

/// When a pause that begins now ends; `None` where only the rep ends it.
fn end(how_long: PauseFor, now: &Zoned) -> Option<Timestamp> {
    match how_long {
        PauseFor::Hour => now.timestamp().checked_add(Span::new().hours(1)).ok(),
        PauseFor::Tomorrow => {
            let morning = now.date().tomorrow().ok()?.at(MORNING, 0, 0, 0);
            Some(morning.to_zoned(now.time_zone().clone()).ok()?.timestamp())
        }
        PauseFor::Open => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_after_an_hour_or_tomorrow_morning_or_when_the_rep_says_so() {
        let now: Zoned = "2026-10-24T23:30:00+02:00[Europe/Madrid]".parse().unwrap();
        let end = |how_long| end(how_long, &now).map(|time| time.to_string());
        assert_eq!(end(PauseFor::Hour).as_deref(), Some("2026-10-24T22:30:00Z"));
        // The clocks go back in that night.
        assert_eq!(end(PauseFor::Tomorrow).as_deref(), Some("2026-10-25T06:00:00Z"));
        assert_eq!(end(PauseFor::Open), None);
    }
}
