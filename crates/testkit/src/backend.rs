//! The reference backend as its own process, on embedded SQLite or on a database that is there, with a platform behind it.

use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use answerback_reply::TrackedSend;
use anyhow::{Context as _, Result, bail};
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::redirect::Policy;
use rustix::process::{Pid, Signal, kill_process, setpriority_process};
use serde_json::Value;

use crate::personas::REP;
use crate::process::Running;
use crate::program;

const ORGANISATION: &str = "sales";
/// The backend answers within this time or not at all.
const LIMIT: Duration = Duration::from_secs(10);

/// A running (or stopped) reference backend; its process ends when this is dropped.
pub struct Backend {
    process: Option<Running>,
    program: PathBuf,
    settings: Option<PathBuf>,
    database: String,
    port: u16,
    platform_token: String,
    client: reqwest::Client,
}

impl Backend {
    /// Starts `program` with its database in `folder`, on a free loopback port.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(program: &Path, folder: &Path) -> Result<Self> {
        Self::start_configured(program, folder, None)
    }

    /// As [`Self::start`], with this file of settings.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_configured(program: &Path, folder: &Path, settings: Option<&Path>) -> Result<Self> {
        let database = format!("sqlite:{}", program::path_text(&folder.join("backend.sqlite"))?);
        Self::start_with(program, &database, settings)
    }

    /// Starts `program` on the database at this URL, on a free loopback port. Several can share one.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_on(program: &Path, database: &str) -> Result<Self> {
        Self::start_with(program, database, None)
    }

    fn start_with(program: &Path, database: &str, settings: Option<&Path>) -> Result<Self> {
        // Whoever was first has installed the same one.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(LIMIT).no_proxy().build()?;
        let mut backend = Self {
            process: None,
            program: program.to_owned(),
            settings: settings.map(Path::to_owned),
            database: database.to_owned(),
            port: 0,
            platform_token: String::new(),
            client,
        };
        backend.resume()?;
        backend.platform_token = backend.token(&["--platform"])?;
        Ok(backend)
    }

    /// The base URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A bearer token for the rep's laptop.
    ///
    /// # Errors
    /// When the backend's program refuses.
    pub fn laptop_token(&self) -> Result<String> {
        self.token(&["--rep", REP.address])
    }

    /// Kills the backend, as a crash does. What it has acknowledged is on disk.
    pub fn crash(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Kills the backend while others look at it. [`Self::crash`] clears up after it.
    pub fn kill(&self) {
        let process = self.process.as_ref().and_then(|p| Pid::from_raw(i32::try_from(p.id()).ok()?));
        if let Some(process) = process {
            let killed = kill_process(process, Signal::KILL);
            tracing::trace!("Killing the backend gave {killed:?}.");
        }
    }

    /// Holds the backend: connections are accepted and nothing is answered.
    pub fn freeze(&mut self) {
        if let Some(process) = &mut self.process {
            process.signal(Signal::STOP);
        }
    }

    /// Lets a frozen backend go on.
    pub fn thaw(&mut self) {
        if let Some(process) = &mut self.process {
            process.signal(Signal::CONT);
        }
    }

    /// Has the backend take only the processor time that nobody else on this computer wants: it stands for a computer of its own.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn give_way(&self) -> Result<()> {
        let process = self.process.as_ref().context("The backend does not run")?.id();
        // The priority is each thread's own; threads that start later have that of the one which starts them.
        for thread in std::fs::read_dir(format!("/proc/{process}/task")).context("Listing its threads")? {
            let thread = thread?.file_name().to_string_lossy().parse().ok().and_then(Pid::from_raw);
            // None would be this process itself.
            if thread.is_some() {
                setpriority_process(thread, 19).context("Lowering its priority")?;
            }
        }
        Ok(())
    }

    /// Starts it again on the same port and database.
    ///
    /// # Errors
    /// When it does not start.
    pub fn resume(&mut self) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.args([
            "serve",
            "--listen",
            &format!("127.0.0.1:{}", self.port),
            "--database",
            &self.database,
        ]);
        if let Some(settings) = &self.settings {
            command.arg("--config").arg(settings);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = Running::start(&mut command, Duration::from_secs(3))?;
        let line = first_line(process.child().stdout.as_mut().context("The backend has no output")?)?;
        let port = line.trim().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        self.port = port.with_context(|| format!("The backend said {line:?}, not where it listens"))?;
        self.process = Some(process);
        Ok(())
    }

    /// Hands the tracked sends to the backend, as its operator does.
    ///
    /// # Errors
    /// When the backend's program refuses them.
    pub fn import(&self, sends: &[TrackedSend]) -> Result<()> {
        let mut file = tempfile::Builder::new().suffix(".jsonl").tempfile()?;
        for send in sends {
            writeln!(file, "{}", serde_json::to_string(send)?)?;
        }
        file.flush()?;
        let path = program::path_text(file.path())?;
        self.run("import", &["--rep", REP.address, "--sends", path])?;
        Ok(())
    }

    /// Every event that the backend has accepted, oldest first.
    ///
    /// # Errors
    /// When it does not answer as the contract says.
    pub async fn events(&self) -> Result<Vec<Value>> {
        let mut events = Vec::new();
        let mut cursor = None::<String>;
        loop {
            let mut query = vec![("limit", "500".to_owned())];
            query.extend(cursor.clone().map(|cursor| ("cursor", cursor)));
            let mut page = self.get("/v1/events", &query).await?;
            let batch = page.get_mut("events").map(Value::take);
            let Some(Value::Array(batch)) = batch else { bail!("The backend gave no events: {page}") };
            let next = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
            let last = batch.is_empty() || next.is_none() || next == cursor;
            events.extend(batch);
            if last {
                return Ok(events);
            }
            cursor = next;
        }
    }

    /// Pushes events as the rep's laptop does.
    ///
    /// # Errors
    /// When the backend refuses them.
    pub async fn push(&self, events: &[Value]) -> Result<()> {
        let body = serde_json::to_vec(events)?;
        let request = self.client.post(format!("{}/v1/events", self.url())).bearer_auth(self.laptop_token()?);
        let request = request.header("content-type", "application/cloudevents-batch+json").body(body);
        request.send().await?.error_for_status()?;
        Ok(())
    }

    /// Allows the laptop that shows this code, as an administrator does on the backend's page.
    ///
    /// # Errors
    /// When the backend does not, or does not answer.
    pub async fn allow_laptop(&self, code: &str) -> Result<()> {
        let url = self.url();
        let browser =
            reqwest::Client::builder().timeout(LIMIT).no_proxy().redirect(Policy::none()).build()?;
        let token = [("token", self.platform_token.as_str()), ("next", "/pair")];
        let signed_in = browser.post(format!("{url}/admin/sign-in")).form(&token).send().await?;
        let cookie = signed_in.headers().get(SET_COOKIE).context("Nobody was signed in")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let page = browser.get(format!("{url}/pair")).header(COOKIE, &cookie).send().await?.text().await?;
        let (_, rest) = page.split_once("name=\"form_token\" value=\"").context("The page has no form")?;
        let form_token = rest.split('"').next().unwrap_or_default();
        let form = [("form_token", form_token), ("code", code), ("rep", REP.address), ("decision", "allow")];
        let answer = browser.post(format!("{url}/pair")).header(COOKIE, &cookie).form(&form).send().await?;
        answer.error_for_status().context("Allowing the laptop")?;
        Ok(())
    }

    /// May the next step of this send's campaign go out to its prospect?
    ///
    /// # Errors
    /// When the backend does not answer.
    pub async fn gate(&self, send_id: &str) -> Result<Value> {
        self.get("/v1/gate", &[("send_id", send_id.to_owned())]).await
    }

    async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value> {
        let request =
            self.client.get(format!("{}{path}", self.url())).bearer_auth(&self.platform_token).query(query);
        let response = request.send().await.with_context(|| format!("Asking the backend for {path}"))?;
        let status = response.status();
        let text = response.text().await?;
        if !status.is_success() {
            bail!("The backend answered {path} with {status}: {text}");
        }
        serde_json::from_str(&text).with_context(|| format!("Reading the backend's answer for {path}"))
    }

    fn token(&self, of: &[&str]) -> Result<String> {
        self.run("token", of)
    }

    fn run(&self, command: &str, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.program)
            .args([command, "--database", &self.database, "--org", ORGANISATION])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .context("Running the backend's program")?;
        if !output.status.success() {
            bail!("{command} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

/// Reads one line and not a byte more: the pipe stays open for the backend to write into.
///
/// # Errors
/// When the pipe breaks, or what comes is no text.
#[expect(clippy::unbuffered_bytes, reason = "a buffer would swallow what comes after the line; it is short")]
pub fn first_line(output: &mut impl Read) -> Result<String> {
    let mut line = Vec::new();
    for byte in output.bytes() {
        match byte.context("Reading where the backend listens")? {
            b'\n' => break,
            byte => line.push(byte),
        }
    }
    Ok(String::from_utf8(line)?)
}
