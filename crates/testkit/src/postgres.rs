//! A private PostgreSQL server: its own data folder, its own port on loopback, gone when it is dropped.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::Running;

/// Where the distributions put the programs of each version.
const FOLDERS: &[&str] = &["/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt"];
/// It refuses to run as root; this is the user that its package makes.
const USER: &str = "postgres";
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running (or crashed) server.
#[derive(Debug)]
pub struct Postgres {
    process: Option<Running>,
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    /// Whether a commit is on disk, as in production. Tests do without: a crash of the server loses nothing then either.
    durable: bool,
}

impl Postgres {
    /// The folder with `initdb` and `postgres` of the newest version that is installed; `None` where there is none.
    pub fn installed() -> Option<PathBuf> {
        let mut found: Vec<PathBuf> = FOLDERS
            .iter()
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
            .filter(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
            .collect();
        found.sort();
        found.pop()
    }

    /// Makes a server with an empty database and starts it.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start.
    pub fn start() -> Result<Self> {
        Self::start_with(false)
    }

    /// The same, with commits that are on disk as in production, to measure it.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_durable() -> Result<Self> {
        Self::start_with(true)
    }

    fn start_with(durable: bool) -> Result<Self> {
        let programs = Self::installed().context("PostgreSQL is not installed (Debian: postgresql)")?;
        let folder = TempDir::with_prefix("answerback-postgres-")?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut server = Self { process: None, programs, folder, port, durable };
        if is_root() {
            let owner = Command::new("chown").arg(USER).arg(server.folder.path()).status()?;
            if !owner.success() {
                bail!("The folder could not be given to the user {USER}");
            }
        }
        let made = server
            .command("initdb")
            .args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--no-locale", "--username=answerback"])
            .arg("-D")
            .arg(server.data())
            .output()
            .context("Running initdb")?;
        if !made.status.success() {
            bail!("initdb failed: {}", String::from_utf8_lossy(&made.stderr).trim());
        }
        server.resume()?;
        Ok(server)
    }

    /// The URL of its database.
    pub fn url(&self) -> String {
        format!("postgres://answerback@127.0.0.1:{}/postgres", self.port)
    }

    /// Kills the server, as a crash does. What it has committed is in its log.
    pub fn crash(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Starts it again on the same port and data.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn resume(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let mut command = self.command("postgres");
            // Without fsync a crash of the server loses nothing, only one of the machine would.
            command.args([
                "-c",
                if self.durable { "fsync=on" } else { "fsync=off" },
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "max_connections=100",
                "-p",
            ]);
            command.arg(self.port.to_string()).arg("-k").arg(self.folder.path()).arg("-D").arg(self.data());
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let folder = Some(self.folder.path());
            let mut process = Running::start_with_folder(&mut command, Duration::from_secs(10), folder)?;
            while process.ended().is_none() {
                if self.answers()? {
                    self.process = Some(process);
                    return Ok(());
                }
                if Instant::now() > deadline {
                    bail!("PostgreSQL does not answer");
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            // After a crash the old server's processes may still hold its memory for a moment.
            if Instant::now() > deadline {
                bail!("PostgreSQL ended as soon as it was started");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn answers(&self) -> Result<bool> {
        let ready = Command::new(self.programs.join("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
            .status()
            .context("Running pg_isready")?;
        Ok(ready.success())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, program: &str) -> Command {
        as_user(&self.programs.join(program), self.folder.path())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // Fast shutdown: clients are sent away; SIGTERM would wait for them.
            process.signal(Signal::INT);
            process.stop();
        }
    }
}

/// A command that runs as a user who is not root.
fn as_user(program: &Path, folder: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir(folder);
    command
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_comes_up_crashes_and_comes_up_again() {
        if Postgres::installed().is_none() {
            eprintln!("SKIPPED: PostgreSQL is not installed");
            return;
        }
        let mut server = Postgres::start().unwrap();
        assert!(server.answers().unwrap());
        server.crash();
        assert!(!server.answers().unwrap());
        server.resume().unwrap();
        assert!(server.answers().unwrap());
    }
}
