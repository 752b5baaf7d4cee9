//! A desktop session of our own: a display, a session bus, an unlocked keychain, and the real app driven through
//! WebDriver. Nothing of the user's own session is touched, and nothing is left behind.

#![allow(dead_code, unused_imports, reason = "each program that includes this uses a part of it")]

pub mod notifications;
mod scene;
mod window;

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use answerback_testkit::process::Running;
use anyhow::{Context, Result, bail};

pub use scene::Scene;
pub use window::Window;

const START_LIMIT: Duration = Duration::from_secs(60);
const GRACE: Duration = Duration::from_secs(5);

/// A desktop has a typeface of its own, where it is installed; without a word the first one found is taken.
const FONTS: &str = r#"<?xml version="1.0"?><fontconfig>
    <alias binding="strong"><family>system-ui</family><prefer><family>Inter</family></prefer></alias>
    <alias binding="strong"><family>sans-serif</family><prefer><family>Inter</family></prefer></alias>
    </fontconfig>"#;

/// The session's browser: whoever opens a page finds its address in a file, and nothing else happens.
const BROWSER: &str = "#!/bin/sh\nprintf '%s\\n' \"$1\" >> \"$HOME/opened\"\n";

/// A private desktop session. Everything in it ends when this is dropped, the last started first.
pub struct Desktop {
    driver_port: u16,
    session: Environment,
    _driver: Running,
    _keyring: Running,
    _bus: Running,
    _display: Running,
    home: tempfile::TempDir,
}

impl Desktop {
    /// Starts one, whose system language is `language` (such as `en_GB.UTF-8`).
    pub fn start(language: &str) -> Result<Self> {
        let home = tempfile::Builder::new().prefix("answerback-desktop-").tempdir()?;
        for folder in ["run", "data", "config/fontconfig", "cache", "bin"] {
            fs::create_dir_all(home.path().join(folder))?;
        }
        fs::set_permissions(home.path().join("run"), fs::Permissions::from_mode(0o700))?;
        fs::write(home.path().join("config/fontconfig/fonts.conf"), FONTS)?;
        let browser = home.path().join("bin/xdg-open");
        fs::write(&browser, BROWSER)?;
        fs::set_permissions(&browser, fs::Permissions::from_mode(0o755))?;

        let (display, number) = start_display(home.path())?;
        let mut session = Environment { home: home.path().to_owned(), variables: Vec::new() };
        session.set("DISPLAY", &format!(":{number}"));
        session.set("LANG", language);
        // There is no screen reader here, and asking for one takes seconds.
        session.set("NO_AT_BRIDGE", "1");
        let (bus, address) = start_bus(&session)?;
        session.set("DBUS_SESSION_BUS_ADDRESS", &address);
        let keyring = start_keyring(&session)?;
        let (driver, driver_port) = start_driver(&session)?;
        Ok(Self {
            driver_port,
            session,
            _driver: driver,
            _keyring: keyring,
            _bus: bus,
            _display: display,
            home,
        })
    }

    /// A folder that goes with the session.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The page that was opened in the browser as the `n`th, counted from 0.
    pub fn opened(&self, n: usize) -> Result<String> {
        let page = || {
            let pages = fs::read_to_string(self.home.path().join("opened")).unwrap_or_default();
            pages.lines().nth(n).map(str::to_owned)
        };
        wait_for("the page in the browser", || page().is_some())?;
        page().context("no page")
    }

    /// The address of the session's bus.
    pub fn bus(&self) -> &str {
        self.session.get("DBUS_SESSION_BUS_ADDRESS").unwrap_or_default()
    }

    /// Runs a program in the session, such as the app without a driver.
    pub fn run(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> Result<Running> {
        let log = fs::File::options().create(true).append(true).open(self.home.path().join("driver.log"))?;
        let mut command = self.session.command(program);
        Running::start(command.args(arguments).stdout(log.try_clone()?).stderr(log), GRACE)
    }

    /// The app's windows that are to be seen.
    pub fn windows(&self) -> Vec<u32> {
        self.visible_windows().unwrap_or_default()
    }

    fn visible_windows(&self) -> Result<Vec<u32>> {
        use x11rb::{
            connection::Connection,
            protocol::xproto::{AtomEnum, ConnectionExt, MapState},
        };
        let (display, screen) = x11rb::connect(self.session.get("DISPLAY"))?;
        let root = display.setup().roots.get(screen).context("no screen")?.root;
        let mut found = Vec::new();
        for window in display.query_tree(root)?.reply()?.children {
            let name =
                display.get_property(false, window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 64)?.reply()?;
            let shown = display.get_window_attributes(window)?.reply()?.map_state == MapState::VIEWABLE;
            if shown && String::from_utf8_lossy(&name.value).contains("Answerback") {
                found.push(window);
            }
        }
        Ok(found)
    }

    /// Closes a window as its cross does.
    pub fn close_window(&self, window: u32) -> Result<()> {
        use x11rb::{
            connection::Connection,
            protocol::xproto::{ClientMessageEvent, ConnectionExt, EventMask},
        };
        let (display, _) = x11rb::connect(self.session.get("DISPLAY"))?;
        let protocols = display.intern_atom(false, b"WM_PROTOCOLS")?.reply()?.atom;
        let delete = display.intern_atom(false, b"WM_DELETE_WINDOW")?.reply()?.atom;
        let message = ClientMessageEvent::new(32, window, protocols, [delete, x11rb::CURRENT_TIME, 0, 0, 0]);
        display.send_event(false, window, EventMask::NO_EVENT, message)?;
        display.flush()?;
        Ok(())
    }

    /// Whether one of the app's windows shows more than one colour.
    pub fn shows_something(&self) -> Result<bool> {
        use x11rb::protocol::xproto::{ConnectionExt, ImageFormat};
        let Some(window) = self.windows().pop() else { return Ok(false) };
        let (display, _) = x11rb::connect(self.session.get("DISPLAY"))?;
        let size = display.get_geometry(window)?.reply()?;
        let image =
            display.get_image(ImageFormat::Z_PIXMAP, window, 0, 0, size.width, size.height, !0)?.reply()?;
        let (pixels, _) = image.data.as_chunks::<4>();
        Ok(pixels.iter().any(|pixel| Some(pixel) != pixels.first()))
    }

    /// What the session's processes with these names hold together.
    pub fn memory_in_all(&self, names: &[&str]) -> Result<Memory> {
        let mut all = Memory { resident_mb: 0.0, proportional_mb: 0.0 };
        for process in names.iter().flat_map(|name| self.processes(name)) {
            let text = fs::read_to_string(process.join("smaps_rollup"))?;
            let megabytes = |field: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(field));
                line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok())
                    .map(|kibibytes| kibibytes * 1024.0 / 1e6)
            };
            all.resident_mb += megabytes("Rss:").context("no Rss")?;
            all.proportional_mb += megabytes("Pss:").context("no Pss")?;
        }
        Ok(all)
    }

    /// Resident memory of the session's processes with this name, in MiB, one figure each.
    pub fn memory_of(&self, name: &str) -> Vec<u64> {
        self.processes(name).iter().filter_map(|process| resident(process)).collect()
    }

    fn processes(&self, name: &str) -> Vec<PathBuf> {
        let home = format!("HOME={}", self.home.path().display());
        let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
        let all = processes.flatten().map(|process| process.path());
        all.filter(|process| {
            let named =
                fs::read_to_string(process.join("comm")).is_ok_and(|comm| is_called(comm.trim(), name));
            let here = fs::read(process.join("environ")).unwrap_or_default();
            named && here.split(|byte| *byte == 0).any(|variable| variable == home.as_bytes())
        })
        .collect()
    }

    /// What the app and the driver said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("driver.log")).unwrap_or_default()
    }

    /// Starts the app and takes hold of its window.
    pub async fn open(&self, app: &Path, arguments: &[&OsStr]) -> Result<Window> {
        Window::open(self.driver_port, app, arguments)
            .await
            .with_context(|| format!("The window did not open:\n{}", self.log()))
    }
}

/// What the programs of the session get to see.
struct Environment {
    home: PathBuf,
    variables: Vec<(String, String)>,
}

impl Environment {
    fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.home.join("bin")).chain(std::env::split_paths(&path));
        command
            .env_clear()
            .env("PATH", std::env::join_paths(folders).unwrap_or(path))
            .env("HOME", &self.home)
            .env("XDG_RUNTIME_DIR", self.home.join("run"))
            .env("XDG_DATA_HOME", self.home.join("data"))
            .env("XDG_CONFIG_HOME", self.home.join("config"))
            .env("XDG_CACHE_HOME", self.home.join("cache"))
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    fn log(&self, name: &str) -> Result<fs::File> {
        Ok(fs::File::create(self.home.join(name))?)
    }
}

fn start_display(home: &Path) -> Result<(Running, String)> {
    let mut command = Command::new("Xvfb");
    command.args(["-displayfd", "1", "-screen", "0", "1600x1000x24", "-nolisten", "tcp"]);
    // Otherwise the display starts anew, and refuses whoever comes just then, when its last program leaves.
    command.arg("-noreset");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(fs::File::create(home.join("display.log"))?);
    let mut display = Running::start(&mut command, GRACE).context("Debian: apt-get install xvfb")?;
    let number = first_line(&mut display)?;
    if number.is_empty() {
        bail!("Xvfb did not start: {}", fs::read_to_string(home.join("display.log"))?);
    }
    Ok((display, number))
}

fn start_bus(session: &Environment) -> Result<(Running, String)> {
    // A configuration without service files: the bus must not start a keychain that nobody unlocked.
    let config = session.home.join("bus.conf");
    let text = format!(
        r#"<busconfig><type>session</type><listen>unix:dir={}</listen><policy context="default">
        <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"#,
        session.home.join("run").display()
    );
    fs::write(&config, text)?;
    let mut command = session.command("dbus-daemon");
    command.arg(format!("--config-file={}", config.display()));
    command.args(["--nofork", "--nopidfile", "--print-address"]);
    command.stdout(Stdio::piped()).stderr(session.log("bus.log")?);
    let mut bus = Running::start(&mut command, GRACE).context("Debian: apt-get install dbus")?;
    let address = first_line(&mut bus)?;
    Ok((bus, address))
}

fn start_keyring(session: &Environment) -> Result<Running> {
    let mut command = session.command("gnome-keyring-daemon");
    command.args(["--foreground", "--unlock", "--components=secrets"]);
    command.arg(format!("--control-directory={}", session.home.join("run/keyring").display()));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(session.log("keyring.log")?);
    let mut keyring = Running::start(&mut command, GRACE).context("Debian: apt-get install gnome-keyring")?;
    keyring.child().stdin.take().context("no pipe")?.write_all(b"login")?;
    wait_for("the keychain", || {
        let answer = session
            .command("dbus-send")
            .args(["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus"])
            .args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"])
            .output();
        answer.is_ok_and(|answer| String::from_utf8_lossy(&answer.stdout).contains("boolean true"))
    })?;
    Ok(keyring)
}

fn start_driver(session: &Environment) -> Result<(Running, u16)> {
    let (port, native_port) = (free_port()?, free_port()?);
    let log = session.log("driver.log")?;
    let mut command = session.command(installed("tauri-driver"));
    command.args(["--port", &port.to_string(), "--native-port", &native_port.to_string()]);
    command.args(["--native-driver", "/usr/bin/WebKitWebDriver"]).stdout(log.try_clone()?).stderr(log);
    let driver = Running::start(&mut command, GRACE)
        .context("cargo install tauri-driver --locked; Debian: apt-get install webkit2gtk-driver")?;
    for port in [port, native_port] {
        wait_for("the WebDriver", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())?;
    }
    Ok((driver, port))
}

/// A program that `cargo install` put beside cargo, which need not be in the path.
fn installed(program: &str) -> PathBuf {
    let folder = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
        .unwrap_or_default();
    let beside_cargo = folder.join("bin").join(program);
    if beside_cargo.exists() { beside_cargo } else { PathBuf::from(program) }
}

/// What processes hold.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// What is in memory, shared pages counted in each process.
    pub resident_mb: f64,
    /// The same with shared pages divided among those that share them, other programs included.
    pub proportional_mb: f64,
}

/// The kernel keeps only the first 15 bytes of a program's name.
fn is_called(comm: &str, name: &str) -> bool {
    comm == name.get(..15).unwrap_or(name)
}

/// In MiB; `None` when the process has ended.
fn resident(process: &Path) -> Option<u64> {
    let status = fs::read_to_string(process.join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes / 1024)
}

fn first_line(running: &mut Running) -> Result<String> {
    let mut line = String::new();
    BufReader::new(running.child().stdout.as_mut().context("no pipe")?).read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

pub fn wait_for(what: &str, mut there: impl FnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + START_LIMIT;
    while !there() {
        if Instant::now() > deadline {
            bail!("{what} did not come up");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
