//! The deb and the rpm, made of the program that was built, installed into a root of their own, started there, and removed.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Runs a command that must succeed, and gives what it says.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}:\n{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// A command as root, or as what looks like root where the user isn't.
fn as_root(program: &str) -> Command {
    if run(Command::new("id").arg("-u")).trim() == "0" {
        return Command::new(program);
    }
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", program]);
    command
}

/// Makes both packages of the program that the tests have; gives the folder with a folder for each kind.
fn bundle(target: &Path) -> PathBuf {
    let tauri = Path::new(ROOT).join("ui/node_modules/.bin/tauri");
    assert!(tauri.exists(), "run `npm ci` in ui/");
    // Of a copy: the bundler opens the program to write to it, which can't be done while other tests run it.
    fs::create_dir_all(target.join("debug")).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_answerback"), target.join("debug/answerback")).unwrap();
    let mut command = Command::new(tauri);
    command.args(["bundle", "--debug", "--bundles", "deb,rpm", "--no-binary-patching", "--ci"]);
    run(command.current_dir(ROOT).env("CARGO_TARGET_DIR", target));
    target.join("debug/bundle")
}

fn only_file(folder: &Path, extension: &str) -> PathBuf {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|ext| ext == extension)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// What a rep gets: a program that starts, an entry in the menu that also takes links, and icons.
fn check_installed(root: &Path) {
    let said = run(Command::new(root.join("usr/bin/answerback")).arg("--version"));
    assert_eq!(said.trim(), format!("answerback {}", env!("CARGO_PKG_VERSION")));
    let entry = fs::read_to_string(only_file(&root.join("usr/share/applications"), "desktop")).unwrap();
    for line in ["Name=Answerback", "MimeType=x-scheme-handler/answerback;", "Exec=answerback %u"] {
        assert!(entry.lines().any(|there| there == line), "{line} is not in\n{entry}");
    }
    assert!(root.join("usr/share/icons/hicolor/128x128/apps/answerback.png").exists());
}

fn check_gone(root: &Path) {
    for file in ["usr/bin/answerback", "usr/share/applications/Answerback.desktop"] {
        assert!(!root.join(file).exists(), "{file} is still there");
    }
}

fn the_deb(package: &Path, root: &Path) {
    for empty in ["info", "updates", "triggers"] {
        fs::create_dir_all(root.join("var/lib/dpkg").join(empty)).unwrap();
    }
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    let dpkg = |action: &str, what: &Path| {
        let mut command = as_root("dpkg");
        command.args(["--force-depends", "--log=/dev/null"]).arg(format!("--root={}", root.display()));
        run(command.arg(action).arg(what))
    };
    dpkg("--install", package);
    check_installed(root);
    let fields = run(Command::new("dpkg-deb").arg("--field").arg(package));
    for (field, package) in [
        ("Depends:", "libwebkit2gtk-4.1-0"),
        ("Depends:", "libayatana-appindicator3-1"),
        ("Recommends:", "gnome-keyring"),
    ] {
        let there = |line: &str| line.starts_with(field) && line.contains(package);
        assert!(fields.lines().any(there), "{field} {package} is not in\n{fields}");
    }
    dpkg("--purge", Path::new("answerback"));
    check_gone(root);
}

fn the_rpm(package: &Path, root: &Path) {
    let rpm = |arguments: &[&str]| {
        let mut command = as_root("rpm");
        command.args(["--root", root.to_str().unwrap(), "--dbpath", "/var/lib/rpm"]);
        run(command.args(arguments))
    };
    rpm(&["--initdb"]);
    rpm(&["--install", "--nodeps", package.to_str().unwrap()]);
    check_installed(root);
    let needs = rpm(&["--query", "--requires", "answerback"]);
    for need in ["libwebkit2gtk-4.1.so.0", "libayatana-appindicator3.so.1"] {
        assert!(needs.lines().any(|there| there.starts_with(need)), "{need} is not in\n{needs}");
    }
    rpm(&["--erase", "answerback"]);
    check_gone(root);
}

#[test]
fn the_packages_install_a_program_that_runs_and_takes_links_and_removing_them_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let made = bundle(&folder.path().join("target"));
    for kind in ["deb", "rpm"] {
        fs::create_dir(folder.path().join(kind)).unwrap();
    }
    the_deb(&only_file(&made.join("deb"), "deb"), &folder.path().join("deb"));
    the_rpm(&only_file(&made.join("rpm"), "rpm"), &folder.path().join("rpm"));
}
