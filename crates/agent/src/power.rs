//! Tells the mailboxes when the laptop runs on its battery: those that have to be asked are asked less often then.

use std::time::Duration;

use answerback_mailbox::until_next_look;
use jiff::Timestamp;
use starship_battery::{Error, Manager, State};
use tokio_util::sync::CancellationToken;

use crate::context::Context;

const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Looks every minute until it is stopped.
pub async fn watch_power(context: &Context, stop: CancellationToken) {
    loop {
        // Some systems take a while to ask the battery itself.
        let looked = tokio::task::spawn_blocking(is_discharging).await;
        // A computer that has no battery, or doesn't tell of it, counts as one on mains.
        context.power.set_on_battery(matches!(looked, Ok(Ok(true))));
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(until_next_look(Timestamp::now(), LOOK_EVERY)) => {}
        }
    }
}

fn is_discharging() -> Result<bool, Error> {
    let mut batteries = Manager::new()?.batteries()?;
    // A battery that can't be read must not hide the other one.
    Ok(batteries.any(|battery| battery.is_ok_and(|battery| battery.state() == State::Discharging)))
}
