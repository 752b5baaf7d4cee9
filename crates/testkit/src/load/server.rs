//! The server under load: a process of its own with limits that do not stand in the way.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use answerback_testkit::backend::first_line;
use answerback_testkit::process::Running;
use answerback_testkit::usage::Usage;
use anyhow::{Context as _, Result, bail};

const ORGANISATION: &str = "load";
const SETTINGS: &str =
    "[limits]\nlaptop = { per_second = 1e6, burst = 1e6 }\nplatform = { per_second = 1e6, burst = 1e6 }\n";

/// A running server.
pub struct Server {
    process: Running,
    program: PathBuf,
    database: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// A token of the platform behind.
    pub platform: String,
}

impl Server {
    /// Starts it on a free port.
    pub fn start(program: &Path, folder: &Path, database: &str) -> Result<Self> {
        let settings = folder.join("settings.toml");
        std::fs::write(&settings, SETTINGS)?;
        let mut command = Command::new(program);
        command.arg("serve").arg("--config").arg(&settings);
        command.args(["--listen", "127.0.0.1:0", "--database", database]).env("ANSWERBACK_LOG", "warn");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut process = Running::start(&mut command, Duration::from_secs(6))?;
        let stdout = process.child().stdout.as_mut().context("the server has no output")?;
        let line = first_line(stdout)?;
        let address = line.trim().rsplit_once("http://").map(|(_, address)| address.parse());
        let address = address.with_context(|| format!("the server said {line:?}"))??;
        let mut server = Self {
            process,
            program: program.to_owned(),
            database: database.to_owned(),
            address,
            platform: String::new(),
        };
        server.platform = server.run(&["--platform"])?;
        Ok(server)
    }

    /// The base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A token for the laptop of each of so many reps, whose addresses begin with `name`.
    pub fn laptops(&self, name: &str, count: usize) -> Result<Vec<(String, String)>> {
        let mut reps = String::new();
        for n in 0..count {
            writeln!(reps, "{name}{n}@sales.example")?;
        }
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), reps)?;
        let output = self.run(&["--reps", &file.path().to_string_lossy()])?;
        let pairs = output.lines().filter_map(|line| line.split_once(' '));
        Ok(pairs.map(|(rep, token)| (rep.to_owned(), token.to_owned())).collect())
    }

    /// What it uses.
    pub fn usage(&self) -> Usage {
        Usage::of(self.process.id())
    }

    fn run(&self, of: &[&str]) -> Result<String> {
        let output = Command::new(&self.program)
            .args(["token", "--database", &self.database, "--org", ORGANISATION])
            .args(of)
            .stdin(Stdio::null())
            .output()
            .context("Running the server's program")?;
        if !output.status.success() {
            bail!("token failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}
