//! Installs what is missing, and says what and why.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::packages::{self, Need};
use crate::shell::{output_of, run, say};
use crate::workspace::Workspace;

/// The oldest Node that the window's tools run on.
const NODE: (u32, u32) = (20, 19);

/// Installs the system's packages that `needs` asks for.
///
/// # Errors
/// They can't be installed.
pub fn system_packages(needs: &[Need]) -> anyhow::Result<()> {
    let os_release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if !packages::is_debian(&os_release) {
        say(&packages::advice(needs, std::env::consts::OS));
        return Ok(());
    }
    let names = packages::PACKAGES.iter().map(|package| package.name);
    // It fails where one of the packages was never heard of, and still lists the others.
    let listed = Command::new("dpkg-query")
        .args(["-W", "-f", "${db:Status-Status} ${Package}\\n"])
        .args(names)
        .output();
    let listed = listed.context("dpkg-query can't be started")?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let installed = packages::installed_names(&listed);
    let missing = packages::missing(needs, |name| installed.contains(&name));
    if missing.is_empty() {
        return Ok(());
    }
    say("These packages are missing and will be installed with apt-get:");
    for package in &missing {
        say(&format!("  {:<30} {}", package.name, package.why));
    }
    apt_update()?;
    let mut apt = as_root()?;
    apt.args(["apt-get", "install", "-q", "-y", "--no-install-recommends"]);
    run(apt.args(missing.iter().map(|package| package.name)))
}

/// Fetches the lists of packages.
///
/// # Errors
/// apt-get fails.
pub fn apt_update() -> anyhow::Result<()> {
    let mut apt = as_root()?;
    run(apt.args(["apt-get", "update", "-q"]))
}

/// A command line that runs what follows as root.
fn as_root() -> anyhow::Result<Command> {
    let is_root = output_of("id", &["-u"]).is_some_and(|id| id.trim() == "0");
    let mut command = if is_root {
        Command::new("env")
    } else if output_of("sudo", &["--version"]).is_some() {
        let mut sudo = Command::new("sudo");
        sudo.arg("env");
        sudo
    } else {
        bail!(
            "installing packages needs root, and there is no sudo; run the command as root, or install them yourself"
        )
    };
    command.arg("DEBIAN_FRONTEND=noninteractive");
    Ok(command)
}

/// Installs the window's npm packages where the lock file asks for others than are there.
///
/// # Errors
/// There is no Node, it is too old, or npm fails.
pub fn npm_packages(workspace: &Workspace) -> anyhow::Result<()> {
    let version = output_of("node", &["--version"]).unwrap_or_default();
    match parse_version(&version) {
        Some(found) if found >= NODE => {}
        Some(_) => bail!(
            "Node {} is too old; install {}.{} or newer: https://nodejs.org",
            version.trim(),
            NODE.0,
            NODE.1
        ),
        None => bail!("Node is missing; install {}.{} or newer with npm: https://nodejs.org", NODE.0, NODE.1),
    }
    let ui = workspace.root.join("ui");
    let lock = fs::read(ui.join("package-lock.json")).context("ui/package-lock.json can't be read")?;
    // npm leaves this copy of what it installed; a stamp of our own says from which lock file.
    let stamp = ui.join("node_modules/.installed-from");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    say("The window's npm packages will be installed:");
    run(npm(&ui).args(["ci", "--no-audit", "--no-fund"]))?;
    fs::write(&stamp, lock).context("ui/node_modules can't be written to")
}

/// npm in a folder.
pub fn npm(folder: &Path) -> Command {
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.current_dir(folder);
    npm
}

/// Installs a cargo subcommand or another program from crates.io where it is missing.
///
/// # Errors
/// It can't be compiled.
pub fn cargo_program(program: &str, package: &str, why: &str) -> anyhow::Result<()> {
    if is_on_path(program) {
        return Ok(());
    }
    say(&format!(
        "{package} is missing and will be compiled and installed with cargo ({why}); this takes minutes:"
    ));
    run(Command::new("cargo").args(["install", "--locked", package]))
}

/// Installs a Python package into a virtual environment of its own, where another version or none is there.
///
/// # Errors
/// There is no Python, or PyPI can't be reached.
pub fn python_package(folder: &Path, package: &str, why: &str) -> anyhow::Result<()> {
    let stamp = folder.join("installed");
    if folder.join("bin/python").exists()
        && fs::read_to_string(&stamp).is_ok_and(|installed| installed == package)
    {
        return Ok(());
    }
    say(&format!("{package} is missing and will be installed from PyPI into the build folder: it {why}."));
    run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    run(Command::new(folder.join("bin/python")).args(["-m", "pip", "install", "-q", package]))?;
    fs::write(stamp, package).with_context(|| format!("{} can't be written to", folder.display()))
}

/// Installs an npm package into a folder of its own, where another version or none is there.
///
/// # Errors
/// npm fails.
pub fn npm_package(folder: &Path, package: &str, why: &str) -> anyhow::Result<()> {
    let stamp = folder.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == package) {
        return Ok(());
    }
    say(&format!("{package} is missing and will be installed from npm into the build folder: it {why}."));
    fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
    // In a folder without a package.json, npm would go up to one that has it.
    run(npm(folder).args(["install", "--prefix", ".", "--no-save", "--no-audit", "--no-fund", package]))?;
    fs::write(stamp, package).with_context(|| format!("{} can't be written to", folder.display()))
}

/// Installs components of the Rust toolchain where they are missing.
///
/// # Errors
/// There is no rustup, or it fails.
pub fn rust_components() -> anyhow::Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if output_of("cargo", &[subcommand, "--version"]).is_none() {
            say(&format!("The Rust component {component} is missing and will be installed with rustup:"));
            run(Command::new("rustup").args(["component", "add", component]))?;
        }
    }
    Ok(())
}

/// Whether a program is to be found.
pub fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&path).any(|folder| folder.join(&name).is_file())
}

/// `v20.20.2` and the like: major and minor.
fn parse_version(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim().trim_start_matches('v').split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(parse_version("v20.20.2\n"), Some((20, 20)));
        assert!(parse_version("v9.11.0") < Some(NODE));
        assert!(parse_version("v24.0.0") > Some(NODE));
        assert_eq!(parse_version(""), None);
    }

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(is_on_path("cargo"));
        assert!(!is_on_path("no-such-program-anywhere"));
    }
}
