//! The server under load: a process of its own with limits that do not stand in the way.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use answerback_testkit::backend::first_line;
use answerback_testkit::process::Running;
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

    /// Kibibytes of memory that it has now.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
    }

    /// Processor time that it has used, in seconds.
    pub fn processor(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap_or_default();
        let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        // Fields 14 and 15 of proc(5), in hundredths of a second.
        let ticks = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
        ticks.sum::<u64>() as f64 / 100.0
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
