//! A private D-Bus session with a throw-away gnome-keyring in it, for programs that keep secrets.
//!
//! Which bus a process talks to is in its environment, so a test hands [`Session::equip`]ped commands around.

use std::ffi::OsString;
use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::process::Running;

const PASSWORD: &str = "keyring-password";
const LIMIT: Duration = Duration::from_secs(10);

/// What a program finds when it looks for a keychain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A keyring that is open.
    Unlocked,
    /// A keyring that is locked, with nobody there to type its password.
    Locked,
    /// A session bus without any keyring.
    Absent,
    /// No session bus at all.
    NoBus,
}

/// A private session. Bus and keyring end, and the folder goes, when this is dropped.
pub struct Session {
    environment: Vec<(&'static str, OsString)>,
    keyring: Option<Running>,
    _bus: Option<Running>,
    folder: tempfile::TempDir,
}

impl Session {
    /// Starts one.
    ///
    /// # Errors
    /// When dbus-daemon or gnome-keyring-daemon is not installed or does not start.
    pub fn start(state: State) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("answerback-keyring-").tempdir()?;
        let mut environment = Vec::new();
        for (variable, name) in [
            ("HOME", "home"),
            ("XDG_RUNTIME_DIR", "run"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_CACHE_HOME", "cache"),
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir(&path)?;
            std::fs::set_permissions(&path, Permissions::from_mode(0o700))?;
            environment.push((variable, path.into_os_string()));
        }
        let nowhere = format!("unix:path={}", folder.path().join("run/nothing-listens-here").display());
        environment.push(("DBUS_SESSION_BUS_ADDRESS", nowhere.into()));
        let mut session = Self { environment, keyring: None, _bus: None, folder };
        if state != State::NoBus {
            session.start_bus()?;
        }
        if matches!(state, State::Unlocked | State::Locked) {
            // Only a keyring that was once unlocked has a collection.
            session.start_keyring(true)?;
        }
        if state == State::Locked {
            session.keyring = None;
            session.start_keyring(false)?;
        }
        Ok(session)
    }

    /// Puts a program into this session.
    pub fn equip(&self, command: &mut Command) {
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
    }

    /// The variables that put a program into this session.
    pub fn environment(&self) -> &[(&'static str, OsString)] {
        &self.environment
    }

    fn start_bus(&mut self) -> Result<()> {
        // No service files: the bus must not start a keyring that we did not unlock.
        let config = self.folder.path().join("bus.conf");
        let socket = self.folder.path().join("run/bus");
        std::fs::write(&config, bus_config(&socket))?;
        let mut command = Command::new("dbus-daemon");
        command.arg(format!("--config-file={}", config.display())).args([
            "--nofork",
            "--nopidfile",
            "--print-address",
        ]);
        self.equip(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut bus = Running::start(&mut command, Duration::from_secs(2))
            .context("dbus-daemon is missing (Debian: apt-get install dbus)")?;
        let mut address = String::new();
        let output = bus.child().stdout.take().context("dbus-daemon has no output")?;
        BufReader::new(output).read_line(&mut address)?;
        if let Some((_, value)) =
            self.environment.iter_mut().find(|(name, _)| *name == "DBUS_SESSION_BUS_ADDRESS")
        {
            *value = address.trim().into();
        }
        self._bus = Some(bus);
        Ok(())
    }

    fn start_keyring(&mut self, unlocked: bool) -> Result<()> {
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]);
        command.arg(format!("--control-directory={}", self.folder.path().join("run/keyring").display()));
        command.args(unlocked.then_some("--unlock"));
        self.equip(&mut command);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut keyring = Running::start(&mut command, Duration::from_secs(2))
            .context("gnome-keyring-daemon is missing (Debian: apt-get install gnome-keyring)")?;
        let mut stdin = keyring.child().stdin.take().context("gnome-keyring-daemon has no input")?;
        stdin.write_all(PASSWORD.as_bytes())?;
        drop(stdin);
        let deadline = Instant::now() + LIMIT;
        while !self.keyring_answers()? {
            if keyring.ended().is_some() || Instant::now() > deadline {
                bail!("gnome-keyring-daemon does not answer on the session bus");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let collection = self.folder.path().join("data/keyrings/login.keyring");
        while unlocked && !collection.exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.keyring = Some(keyring);
        Ok(())
    }

    fn keyring_answers(&self) -> Result<bool> {
        let mut command = Command::new("dbus-send");
        command.args([
            "--session",
            "--print-reply=literal",
            "--dest=org.freedesktop.DBus",
            "/org/freedesktop/DBus",
        ]);
        command.args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]);
        self.equip(&mut command);
        let output = command.output().context("Starting dbus-send (Debian: apt-get install dbus)")?;
        Ok(String::from_utf8_lossy(&output.stdout).contains("true"))
    }

    /// The folder that holds the session's files.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

fn bus_config(socket: &Path) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#,
        socket.display()
    )
}
