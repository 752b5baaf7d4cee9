//! Notices that the laptop came into another network: what was connected by an address that is gone is dead, and what
//! waits to try again need not wait.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::view::{AccountState, BackendState};

/// Changes come in bursts while a network is joined; so long after the last one the new one can be used.
const SETTLED: Duration = Duration::from_secs(2);

/// What happened to this computer's addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Moved {
    gained: bool,
    lost: bool,
}

/// Watches the computer's addresses until it is stopped.
pub async fn watch_network(context: Arc<Context>, stop: CancellationToken) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let watching = netwatcher::watch_interfaces_with_callback(move |update| {
        let moved = Moved {
            gained: update.addrs_added().any(|(_, address)| leads_outside(&address.ip)),
            lost: update.addrs_removed().any(|(_, address)| leads_outside(&address.ip)),
        };
        if !update.is_initial && moved != Moved::default() {
            // Nobody listens any more when the agent stops.
            let _late = tell.send(moved);
        }
    });
    let Ok(watching) = watching else {
        // Wake-ups, keepalive and the waiting times do without.
        tracing::info!("Changes of the network can't be watched.");
        return;
    };
    let _watching = Watching(Some(watching));
    loop {
        let mut moved = tokio::select! {
            () = stop.cancelled() => return,
            moved = told.recv() => match moved {
                Some(moved) => moved,
                None => return,
            },
        };
        while let Ok(Some(more)) = tokio::time::timeout(SETTLED, told.recv()).await {
            moved = Moved { gained: moved.gained || more.gained, lost: moved.lost || more.lost };
        }
        if connects_anew(moved, waits(&context)) {
            tracing::info!("The network changed; connecting anew.");
            context.hurry.send_modify(|count| *count += 1);
        }
    }
}

/// Ends on a thread of its own. netwatcher waits for the end of its thread, which waits for the end of a pipe, and child
/// processes inherit that pipe: those of an open web view would hold up the agent's end for as long as they live.
struct Watching(Option<netwatcher::WatchHandle>);

impl Drop for Watching {
    fn drop(&mut self) {
        if let Some(handle) = self.0.take() {
            std::thread::spawn(move || drop(handle));
        }
    }
}

/// An address that was lost takes its connections along, though nothing says so. One that was gained breaks none, and
/// only helps what waits.
fn connects_anew(moved: Moved, waits: bool) -> bool {
    moved.lost || (moved.gained && waits)
}

/// Whether something waits to be tried again.
fn waits(context: &Context) -> bool {
    let live = context.live();
    live.backend.state == BackendState::Offline
        || live.accounts.values().any(|account| account.state == AccountState::Reconnecting)
}

/// Not the addresses that every computer has always.
fn leads_outside(address: &IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !address.is_loopback() && !link_local
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_address_connects_anew_and_a_gained_one_only_helps_what_waits() {
        for (gained, lost, waits, anew) in [
            (true, true, false, true),
            (false, true, false, true),
            (true, false, true, true),
            (true, false, false, false),
            (false, false, true, false),
        ] {
            assert_eq!(connects_anew(Moved { gained, lost }, waits), anew, "{gained} {lost} {waits}");
        }
    }

    #[test]
    fn addresses_that_every_computer_has_say_nothing() {
        for (address, outside) in [
            ("127.0.0.1", false),
            ("169.254.1.1", false),
            ("fe80::1", false),
            ("192.168.1.5", true),
            ("2001:db8::1", true),
        ] {
            assert_eq!(leads_outside(&address.parse().unwrap()), outside, "{address}");
        }
    }
}
