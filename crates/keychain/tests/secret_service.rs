//! Against a real gnome-keyring on a private session bus: unlocked, locked, and no bus at all.
//!
//! Which bus a process talks to is in its environment, so each test runs itself again in a child process with an
//! environment of its own; [`INSIDE`] tells the child that it is one.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use answerback_keychain::{Keychain, KeychainError, Secret};

/// Set in the children.
const INSIDE: &str = "ANSWERBACK_TEST_INSIDE";

/// Ends the process that it holds.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A session bus of our own in a home of our own.
struct Session {
    home: tempfile::TempDir,
    address: String,
    _bus: Running,
}

impl Session {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        for folder in ["run", "data", "config", "cache"] {
            fs::create_dir(home.path().join(folder)).unwrap();
        }
        fs::set_permissions(home.path().join("run"), fs::Permissions::from_mode(0o700)).unwrap();
        // A configuration without service files: the bus must not start a keyring that we did not unlock.
        let config = home.path().join("bus.conf");
        let text = format!(
            r#"<busconfig><type>session</type><listen>unix:dir={}</listen><policy context="default">
            <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"#,
            home.path().join("run").display()
        );
        fs::write(&config, text).unwrap();
        let mut bus = isolated("dbus-daemon", home.path())
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile", "--print-address"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-daemon is not installed (Debian package dbus)");
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { home, address: address.trim().to_owned(), _bus: Running(bus) }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = isolated(program, self.home.path());
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }

    /// Starts gnome-keyring; `password` unlocks its login keyring and makes it where there is none yet.
    fn keyring(&self, password: Option<&str>) -> Running {
        let mut command = self.command("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]);
        command.arg(format!("--control-directory={}", self.home.path().join("run/keyring").display()));
        if password.is_some() {
            command.arg("--unlock");
        }
        let mut keyring = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("gnome-keyring-daemon is not installed (Debian package gnome-keyring)");
        let mut input = keyring.stdin.take().unwrap();
        input.write_all(password.unwrap_or_default().as_bytes()).unwrap();
        drop(input);
        self.wait_until_owned("org.freedesktop.secrets");
        Running(keyring)
    }

    /// As an administrator does on a machine without a window.
    fn store_from_outside(&self, key: &str, secret: &str) {
        let mut tool = self
            .command("secret-tool")
            .args(["store", "--label=Answerback", "service", "answerback", "username", key])
            .stdin(Stdio::piped())
            .spawn()
            .expect("secret-tool is not installed (Debian package libsecret-tools)");
        tool.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
        assert!(tool.wait().unwrap().success());
    }

    fn wait_until_owned(&self, name: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            let answer = self
                .command("dbus-send")
                .args(["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus"])
                .args(["org.freedesktop.DBus.NameHasOwner", &format!("string:{name}")])
                .output()
                .unwrap();
            if String::from_utf8_lossy(&answer.stdout).contains("boolean true") {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("nobody took the name {name} on the private bus");
    }
}

fn isolated(program: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home.join("run"))
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_CACHE_HOME", home.join("cache"));
    command
}

/// Runs one test of this program in that environment, where it does what `part` says.
fn run(mut environment: Command, test: &str, part: &str) {
    environment.env(INSIDE, part).args(["--exact", test, "--nocapture", "--test-threads=1"]);
    let output = environment.output().unwrap();
    let shown =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && shown.contains("1 passed"), "{test}:\n{shown}");
    assert!(!shown.contains("hunter2"), "a secret was printed:\n{shown}");
}

fn inside() -> Option<String> {
    std::env::var(INSIDE).ok()
}

fn this_program() -> String {
    std::env::current_exe().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn an_unlocked_keyring_keeps_secrets_that_other_programs_can_find() {
    if inside().is_some() {
        return use_an_unlocked_keyring();
    }
    let session = Session::start();
    let _keyring = session.keyring(Some("login"));
    session.store_from_outside("account/outside@sales.example", "from outside");
    run(
        session.command(&this_program()),
        "an_unlocked_keyring_keeps_secrets_that_other_programs_can_find",
        "unlocked",
    );
    let found = session
        .command("secret-tool")
        .args(["search", "--all", "service", "answerback"])
        .output()
        .expect("secret-tool is not installed (Debian package libsecret-tools)");
    let found = String::from_utf8_lossy(&found.stdout).into_owned() + &String::from_utf8_lossy(&found.stderr);
    assert!(found.contains("account/left@sales.example"), "{found}");
    assert!(!found.contains("account/gone@sales.example"), "{found}");
    let lookup = session
        .command("secret-tool")
        .args(["lookup", "service", "answerback", "username", "account/outside@sales.example"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&lookup.stdout), "from inside");
}

fn use_an_unlocked_keyring() {
    let keychain = Keychain::system();
    keychain.check().unwrap();
    if let Ok(secret) = keychain.get("account/outside@sales.example") {
        assert_eq!(secret.expose(), "from outside");
        keychain.set("account/outside@sales.example", &Secret::from("from inside")).unwrap();
    }
    for size in [7, 5000, 200_000] {
        let secret = "hunter2".repeat(size / 7);
        keychain.set("account/gone@sales.example", &Secret::from(secret.as_str())).unwrap();
        assert!(keychain.get("account/gone@sales.example").unwrap().expose() == secret, "{size} bytes");
    }
    keychain.delete("account/gone@sales.example").unwrap();
    let error = keychain.get("account/gone@sales.example").unwrap_err();
    assert!(matches!(error, KeychainError::NotFound(_)), "{error:?}");
    keychain.set("account/left@sales.example", &Secret::from("ünï✓")).unwrap();
    // Several at a time, as an agent with several accounts starts.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(keychain.get("account/left@sales.example").unwrap().expose(), "ünï✓"));
        }
    });
}

#[test]
fn a_locked_keyring_is_an_error_in_time_and_works_once_it_is_unlocked() {
    const THIS: &str = "a_locked_keyring_is_an_error_in_time_and_works_once_it_is_unlocked";
    match inside().as_deref() {
        Some("locked") => return use_a_locked_keyring(),
        Some(_) => return use_an_unlocked_keyring(),
        None => {}
    }
    let session = Session::start();
    drop(session.keyring(Some("login")));
    let keyring = session.keyring(None);
    run(session.command(&this_program()), THIS, "locked");
    drop(keyring);
    let _keyring = session.keyring(Some("login"));
    run(session.command(&this_program()), THIS, "unlocked");
}

fn use_a_locked_keyring() {
    let keychain = Keychain::system().with_patience(Duration::from_secs(5));
    let start = Instant::now();
    let error = keychain.set("account/rep@sales.example", &Secret::from("hunter2")).unwrap_err();
    println!("{error:?} after {:?}", start.elapsed());
    assert!(matches!(error, KeychainError::Locked), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn without_a_session_bus_there_is_no_keychain() {
    if inside().is_some() {
        return use_no_keyring();
    }
    let home = tempfile::tempdir().unwrap();
    run(isolated(&this_program(), home.path()), "without_a_session_bus_there_is_no_keychain", "no session");
}

#[test]
fn a_bus_without_a_keyring_is_no_keychain() {
    if inside().is_some() {
        return use_no_keyring();
    }
    let session = Session::start();
    run(session.command(&this_program()), "a_bus_without_a_keyring_is_no_keychain", "no keyring");
}

fn use_no_keyring() {
    let keychain = Keychain::system();
    let start = Instant::now();
    let error = keychain.set("account/rep@sales.example", &Secret::from("hunter2")).unwrap_err();
    assert!(matches!(error, KeychainError::NoKeychain), "{error:?}");
    assert!(error.to_string().contains("gnome-keyring"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert!(fs::read_dir(std::env::var_os("HOME").unwrap()).unwrap().all(|entry| {
        let name = entry.unwrap().file_name();
        ["run", "data", "config", "cache", "bus.conf"].iter().any(|known| name == *known)
    }));
}
