//! A real Cyrus, from packages unpacked into a folder of their own, as it can't be installed beside Dovecot.
//!
//! Every login name exists and has the same password; a mailbox is made when its user signs in first. It runs as
//! root (and drops to nobody then) or as a user, touches no file outside its folder, and is gone when dropped.

mod passwords;

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use self::passwords::Passwords;
use crate::identity::Identity;
use crate::lmtp;
use crate::mail_ports::{self, MailPorts};
use crate::process::Running;
use crate::program::path_text;
use crate::tls::{Authority, LOOPBACK_NAMES};
use crate::unpacked::Unpacked;

/// Where its programs are in the package.
const PROGRAMS: &str = "usr/lib/cyrus/bin";

/// A running Cyrus.
#[derive(Debug)]
pub struct Cyrus {
    // Declared before the folder, so that it stops before its files go.
    process: Running,
    _passwords: Passwords,
    ports: MailPorts,
    folder: tempfile::TempDir,
}

impl Cyrus {
    /// Starts one; `password` is everybody's.
    ///
    /// # Errors
    /// When it was not fetched, or does not start; what it said is in the error then.
    pub async fn start(password: &str) -> Result<Self> {
        let password = password.to_owned();
        mail_ports::start(move |ports| Self::try_start(&password, ports)).await
    }

    fn try_start(password: &str, ports: MailPorts) -> Result<Self> {
        let unpacked = Unpacked::find("cyrus")?;
        let master = unpacked.file(&format!("{PROGRAMS}/master"))?;
        let programs = master.parent().context("Cyrus' programs are in no folder")?;
        let identity = Identity::for_mail()?;
        let folder = tempfile::Builder::new().prefix("answerback-cyrus-").tempdir()?;
        write_files(folder.path(), programs, &identity, ports)?;
        let passwords = Passwords::answer(&folder.path().join("run/mux"), password)?;
        identity.give(folder.path())?;
        let mut command = Command::new(&master);
        command.arg("-D").arg("-C").arg(folder.path().join("imapd.conf"));
        command.arg("-M").arg(folder.path().join("cyrus.conf"));
        command.arg("-p").arg(folder.path().join("run/master.pid"));
        command.env("LD_LIBRARY_PATH", unpacked.library_path()?);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(File::create(folder.path().join("stderr.log"))?);
        if let Some((uid, gid)) = identity.drop_to {
            command.uid(uid).gid(gid);
        }
        let process = Running::start_with_folder(&mut command, Duration::from_secs(5), Some(folder.path()))?;
        let mut cyrus = Self { process, _passwords: passwords, ports, folder };
        let said = cyrus.folder.path().join("stderr.log");
        ports
            .wait_for(&mut cyrus.process)
            .with_context(|| std::fs::read_to_string(said).unwrap_or_default())?;
        Ok(cyrus)
    }

    /// The port without TLS; STARTTLS is offered.
    pub fn port(&self) -> u16 {
        self.ports.imap
    }

    /// The port with TLS from the first byte; the certificate is for `localhost` and `127.0.0.1`.
    pub fn tls_port(&self) -> u16 {
        self.ports.imaps
    }

    /// A PEM file with the root that signed the certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("tls/ca.pem")
    }

    /// New mail for `user`, who has signed in before, by LMTP into the INBOX.
    ///
    /// # Errors
    /// When Cyrus refuses it.
    pub async fn deliver(&self, user: &str, raw: &[u8]) -> Result<()> {
        lmtp::deliver(self.ports.lmtp, None, user, raw).await
    }
}

fn write_files(folder: &Path, programs: &Path, identity: &Identity, ports: MailPorts) -> Result<()> {
    let authority = Authority::new()?;
    let certificate = authority.issue(LOOPBACK_NAMES)?;
    for name in ["conf", "conf/socket", "run", "spool", "sieve", "tls"] {
        std::fs::create_dir(folder.join(name))?;
    }
    let fill_in = |template: &str| -> Result<String> {
        Ok(ports
            .fill_in(template)
            .replace("{folder}", path_text(folder)?)
            .replace("{programs}", path_text(programs)?)
            .replace("{user}", &identity.user)
            .replace("{group}", &identity.group))
    };
    for (name, text) in [
        ("imapd.conf", fill_in(include_str!("imapd.conf"))?.as_str()),
        ("cyrus.conf", &fill_in(include_str!("cyrus.conf"))?),
        ("tls/cert.pem", &certificate.certificate_pem),
        ("tls/key.pem", &certificate.key_pem),
        ("tls/ca.pem", authority.pem()),
    ] {
        std::fs::write(folder.join(name), text).with_context(|| format!("Writing {name}"))?;
    }
    Ok(())
}
