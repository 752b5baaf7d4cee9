//! Mail servers for the tests that can't be installed beside Dovecot: Debian's packages, unpacked into the build folder
//! together with the libraries that this machine lacks.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::packages::is_debian;
use crate::setup::apt_update;
use crate::shell::{output_of, run, say};
use crate::workspace::Workspace;

/// A server, and the packages that hold it. What these depend on is found out.
struct Server {
    name: &'static str,
    packages: &'static [&'static str],
}

const SERVERS: &[Server] = &[
    Server { name: "cyrus", packages: &["cyrus-imapd", "cyrus-common"] },
    Server { name: "courier", packages: &["courier-imap", "courier-base", "courier-authlib", "gamin"] },
];

/// Dependencies of no use here: a mail transfer agent and what goes with it.
const NEEDLESS: &[&str] = &["exim4", "gawk", "db-util", "db5.3-util", "gnutls-bin"];

/// Fetches the servers that are not there yet.
///
/// # Errors
/// apt-get or dpkg-deb fails.
pub fn fetch(workspace: &Workspace) -> anyhow::Result<()> {
    let os_release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if !is_debian(&os_release) {
        say("Cyrus and Courier can only be fetched for you on Debian and its relatives.");
        return Ok(());
    }
    for server in SERVERS {
        let folder = workspace.target.join("mail-servers").join(server.name);
        if folder.join("complete").is_file() {
            continue;
        }
        say(&format!("{} is missing and will be fetched with apt-get and unpacked into", server.name));
        say(&format!("  {} (it is not installed)", folder.display()));
        unpack(server, &folder).with_context(|| format!("{} could not be fetched", server.name))?;
    }
    Ok(())
}

fn unpack(server: &Server, folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let downloads = folder.join("downloads");
    fs::create_dir_all(&downloads)?;
    let simulate = || {
        let options = ["install", "--simulate", "--no-install-recommends", "--reinstall"];
        output_of("apt-get", &[&options, server.packages].concat())
    };
    // Lists of packages may be missing or old.
    let plan = match simulate() {
        Some(plan) => plan,
        None => {
            apt_update()?;
            simulate().context("apt-get can't say what it depends on")?
        }
    };
    let wanted = to_fetch(server.packages, &plan);
    let mut download = Command::new("apt-get");
    download.current_dir(&downloads).args(["download", "-q"]).args(&wanted);
    if run(&mut download).is_err() {
        apt_update()?;
        run(&mut download)?;
    }
    let mut unpacked = 0;
    for entry in fs::read_dir(&downloads)? {
        run(Command::new("dpkg-deb").arg("-x").arg(entry?.path()).arg(folder))?;
        unpacked += 1;
    }
    if unpacked < wanted.len() {
        bail!("apt-get fetched {unpacked} of {} packages", wanted.len());
    }
    fs::remove_dir_all(&downloads)?;
    fs::write(folder.join("complete"), wanted.into_iter().collect::<Vec<_>>().join("\n"))?;
    Ok(())
}

/// The server's own packages, and what `apt-get install --simulate` would install with them.
fn to_fetch<'a>(own: &[&'a str], plan: &'a str) -> BTreeSet<&'a str> {
    let planned = plan.lines().filter_map(|line| line.strip_prefix("Inst ")?.split_whitespace().next());
    let useful = planned.filter(|name| !NEEDLESS.iter().any(|needless| name.starts_with(needless)));
    own.iter().copied().chain(useful).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_fetched_and_what_is_needless_is_not() {
        let plan = "Remv dovecot-imapd [1:2.3]\nInst exim4-base (4.96 Debian)\nInst libical3 (3.0.16 Debian)\n\
                    Inst libgnutls30 [3.7.9] (3.7.10 Debian)\nInst cyrus-imapd (3.6.1 Debian)\nConf libical3 (3.0.16)\n";
        let fetched = to_fetch(&["cyrus-imapd", "cyrus-common"], plan);
        assert_eq!(
            fetched.into_iter().collect::<Vec<_>>(),
            ["cyrus-common", "cyrus-imapd", "libgnutls30", "libical3"]
        );
    }
}
