//! When a program connects to a server of this computer.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// How exactly it is known.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Waits, at most that long, for a connection to a port of 127.0.0.1 over which nobody talks yet.
pub fn expect(port: u16, limit: Duration) -> JoinHandle<Result<Instant>> {
    thread::spawn(move || {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            let table = std::fs::read_to_string("/proc/net/tcp").context("Looking for connections")?;
            if table.lines().any(|row| is_connected(row, port)) {
                return Ok(Instant::now());
            }
            thread::sleep(LOOK_EVERY);
        }
        bail!("Nobody connected to port {port}")
    })
}

/// Of the client's end. The table is described in Linux's Documentation/networking/proc_net_tcp.rst.
fn is_connected(row: &str, port: u16) -> bool {
    const ESTABLISHED: &str = "01";
    let mut columns = row.split_whitespace();
    let remote = columns.nth(2).and_then(|address| address.rsplit_once(':'));
    let same = remote.is_some_and(|(_, remote)| u16::from_str_radix(remote, 16) == Ok(port));
    same && columns.next() == Some(ESTABLISHED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_clients_end_of_an_open_connection_counts() {
        let rows = [
            ("   0: 0100007F:C001 0100007F:37DD 01 00000000:00000000", true),
            ("   1: 0100007F:37DD 0100007F:C001 01 00000000:00000000", false),
            ("   2: 0100007F:37DD 00000000:0000 0A 00000000:00000000", false),
            ("   3: 0100007F:C000 0100007F:37DD 06 00000000:00000000", false),
            ("  sl  local_address rem_address   st tx_queue rx_queue", false),
        ];
        for (row, connected) in rows {
            assert_eq!(is_connected(row, 0x37DD), connected, "{row}");
        }
    }
}
