//! Answers Cyrus' questions about passwords, as saslauthd does.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// A socket at which everybody's password is the same. It answers until this is dropped.
#[derive(Debug)]
pub(super) struct Passwords {
    socket: PathBuf,
}

impl Passwords {
    pub(super) fn answer(socket: &Path, password: &str) -> Result<Self> {
        let listener = UnixListener::bind(socket).context("Listening for questions about passwords")?;
        std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o777))?;
        let password = password.to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                match stream.map_err(anyhow::Error::from).and_then(|stream| answer(stream, &password)) {
                    Ok(Asked::Password) => {}
                    Ok(Asked::Nothing) => return,
                    Err(error) => tracing::warn!("A question about a password failed: {error:#}."),
                }
            }
        });
        Ok(Self { socket: socket.to_owned() })
    }
}

impl Drop for Passwords {
    fn drop(&mut self) {
        // Somebody who connects and asks nothing ends it.
        if UnixStream::connect(&self.socket).is_err() {
            tracing::debug!("Nobody answers questions about passwords.");
        }
    }
}

enum Asked {
    Password,
    Nothing,
}

/// Login name, password, service and realm, each with its length before it; the answer likewise.
fn answer(mut stream: UnixStream, password: &str) -> Result<Asked> {
    let mut words = Vec::new();
    for _ in 0..4 {
        let mut length = [0; 2];
        if words.is_empty() && stream.read(&mut length[..1])? == 0 {
            return Ok(Asked::Nothing);
        }
        let rest = if words.is_empty() { &mut length[1..] } else { &mut length[..] };
        stream.read_exact(rest)?;
        let mut word = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut word)?;
        words.push(word);
    }
    let right = words.get(1).is_some_and(|word| word == password.as_bytes());
    stream.write_all(if right { b"\0\x02OK" } else { b"\0\x02NO" })?;
    Ok(Asked::Password)
}
