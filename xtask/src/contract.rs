//! Tries the reference backend's interface against its OpenAPI description, with schemathesis.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};

use crate::setup::python_package;
use crate::shell::{output_of, say};
use crate::workspace::Workspace;

const SCHEMATHESIS: &str = "schemathesis==4.32.5";
/// The same requests each time.
const SEED: &str = "1";
/// Each role's share of the time; the whole stays below a minute.
const SECONDS: &str = "22";
const EXAMPLES: &str = "12";
/// The answer to a batch names the sends that were rejected as well, and those are not there afterwards. That what was
/// taken is there is for the backend's own tests.
const NOT_CHECKED: &str = "ensure_resource_availability";
/// Limits that do not stand in the way, and no way out of this machine.
const SETTINGS: &str = "webhook_networks = \"public\"\n[limits]\nlaptop = { per_second = 1e6, burst = 1e6 }\n\
                        platform = { per_second = 1e6, burst = 1e6 }\nstranger = { per_second = 1e6, burst = 1e6 }\n";

/// The laptop has sends, so that asking for news does not wait for any.
const SENDS: &str = r#"{"id":"snd_1","message_ids":["<s1@sales.example>"],"sent_at":"2026-11-18T08:00:00Z"}"#;

/// Who asks, with whose token, and for which part of the interface.
const ROLES: [(&str, &[&str], &[&str]); 2] = [
    ("platform", &["--platform"], &["platform", "pairing", "operations"]),
    ("laptop", &["--rep", "rep@sales.example"], &["laptop"]),
];

/// Tries every operation. The backend has been built.
///
/// # Errors
/// Something can't be started, or an answer is not what the description says.
pub fn check(workspace: &Workspace) -> anyhow::Result<()> {
    let folder = workspace.build_folder("schemathesis");
    python_package(&folder, SCHEMATHESIS, "tries the backend's interface")?;
    let program = folder.join("bin/schemathesis");
    let scratch = folder.join("run");
    // What an earlier run left, if one was interrupted.
    let _none = fs::remove_dir_all(&scratch);
    fs::create_dir_all(&scratch)?;
    let result = try_it(workspace, &program, &scratch);
    let _left = fs::remove_dir_all(&scratch);
    result
}

fn try_it(workspace: &Workspace, program: &Path, scratch: &Path) -> anyhow::Result<()> {
    let server = Server::start(workspace, scratch)?;
    let sends = scratch.join("sends.jsonl");
    fs::write(&sends, SENDS)?;
    let sends = sends.to_string_lossy().into_owned();
    server.run(&["import", "--rep", "rep@sales.example", "--sends", &sends])?;
    for (role, of, tags) in ROLES {
        let authorisation = format!("Authorization: Bearer {}", server.run(&[&["token"], of].concat())?);
        say(&format!("$ schemathesis run docs/openapi.json ({role})"));
        let mut command = Command::new(program);
        command.current_dir(scratch).arg("--config-file").arg(workspace.root.join("xtask/schemathesis.toml"));
        command.arg("run").arg(workspace.root.join("docs/openapi.json"));
        command.args(["--url", &server.url, "--header", &authorisation, "--seed", SEED]);
        command.args(["--max-examples", EXAMPLES, "--max-time", SECONDS, "--generation-database", "none"]);
        command.args([
            "--checks",
            "all",
            "--exclude-checks",
            NOT_CHECKED,
            "--phases",
            "examples,coverage,fuzzing,stateful",
            "--no-color",
        ]);
        command.args(tags.iter().flat_map(|tag| ["--include-tag", tag]));
        let status = command.stdin(Stdio::null()).status().context("schemathesis can't be started")?;
        if !status.success() {
            bail!("schemathesis found something as {role}");
        }
    }
    Ok(())
}

/// A backend of its own, gone when it is dropped.
struct Server {
    process: Child,
    program: PathBuf,
    database: String,
    url: String,
}

impl Server {
    fn start(workspace: &Workspace, scratch: &Path) -> anyhow::Result<Self> {
        let program = workspace.program("answerback-backend");
        let settings = scratch.join("settings.toml");
        fs::write(&settings, SETTINGS)?;
        let database = format!("sqlite:{}", scratch.join("backend.db").display());
        let mut command = Command::new(&program);
        command.arg("serve").arg("--config").arg(settings);
        command.args(["--listen", "127.0.0.1:0", "--database", &database]).env("ANSWERBACK_LOG", "warn");
        let process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut server = Self {
            process: process.context("answerback-backend can't be started")?,
            program,
            database,
            url: String::new(),
        };
        let mut line = String::new();
        let stdout = server.process.stdout.as_mut().context("answerback-backend has no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        server.url =
            line.trim().strip_prefix("listening on ").context("answerback-backend did not start")?.to_owned();
        Ok(server)
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let arguments = [arguments, &["--database", &self.database, "--org", "acme"]].concat();
        let output = output_of(&self.program.to_string_lossy(), &arguments);
        Ok(output
            .with_context(|| format!("`answerback-backend {}` failed", arguments.join(" ")))?
            .trim()
            .to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}
