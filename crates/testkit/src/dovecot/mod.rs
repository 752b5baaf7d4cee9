//! A real Dovecot of our own: private folder, free loopback ports, TLS by a self-made root.
//!
//! Every login name exists and has the same password. It runs as root (and drops to nobody then, as Dovecot refuses
//! mail access as root) or as a user, touches no file outside its folder, and is gone when dropped.

mod append;
mod doveadm;
mod maildir;

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::identity::Identity;
use crate::lmtp;
use crate::mail_ports::{self, MailPorts};
use crate::process::Running;
use crate::tls::{Authority, LOOPBACK_NAMES};

const PROGRAM: &str = "/usr/sbin/dovecot";
const OAUTH_PASSDB: &str = "\
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/conf/oauth2.conf
}";
const TEMPLATE: &str = include_str!("dovecot.conf");

/// How messages are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One file a message.
    #[default]
    Maildir,
    /// Dovecot's own, one file a message.
    Sdbox,
    /// Dovecot's own, many messages a file.
    Mdbox,
}

/// What a Dovecot is to be like.
#[derive(Clone, Debug)]
pub struct Setup {
    /// How messages are stored.
    pub format: Format,
    /// The ways to sign in that it offers, such as `scram-sha-256`.
    pub mechanisms: Vec<&'static str>,
    /// Where it asks whose an access token is (RFC 7662), for `xoauth2` and `oauthbearer`.
    pub introspection: Option<String>,
}

impl Default for Setup {
    fn default() -> Self {
        Self { format: Format::default(), mechanisms: vec!["plain", "login"], introspection: None }
    }
}

/// A running Dovecot.
#[derive(Debug)]
pub struct Dovecot {
    // Declared before the folder, so that it stops before its files go.
    process: Running,
    ports: MailPorts,
    password: String,
    folder: tempfile::TempDir,
}

impl Dovecot {
    /// Starts one; `password` is everybody's.
    ///
    /// # Errors
    /// When Dovecot is not installed or does not start; its log is in the error then.
    pub async fn start(password: &str) -> Result<Self> {
        Self::start_with(password, Format::default()).await
    }

    /// Starts one that stores its mail in `format`.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_with(password: &str, format: Format) -> Result<Self> {
        Self::start_as(password, Setup { format, ..Setup::default() }).await
    }

    /// Starts one that is like `setup` says.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_as(password: &str, setup: Setup) -> Result<Self> {
        let password = password.to_owned();
        mail_ports::start(move |ports| Self::try_start(&password, &setup, ports)).await
    }

    fn try_start(password: &str, setup: &Setup, ports: MailPorts) -> Result<Self> {
        if !Path::new(PROGRAM).exists() {
            bail!(
                "Dovecot is not installed (Debian: apt-get install dovecot-core dovecot-imapd dovecot-lmtpd)"
            );
        }
        let identity = Identity::for_mail()?;
        let folder = tempfile::Builder::new().prefix("answerback-dovecot-").tempdir()?;
        write_files(folder.path(), &identity, ports, password, setup)?;
        let mut command = Command::new(PROGRAM);
        command.args(["-F", "-c"]).arg(folder.path().join("conf/dovecot.conf"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(File::create(folder.path().join("stderr.log"))?);
        if let Some((uid, gid)) = identity.drop_to {
            command.uid(uid).gid(gid);
        }
        let process = Running::start_with_folder(&mut command, Duration::from_secs(5), Some(folder.path()))?;
        let mut dovecot = Self { process, ports, password: password.to_owned(), folder };
        ports.wait_for(&mut dovecot.process).with_context(|| dovecot.log())?;
        Ok(dovecot)
    }

    /// The port without TLS; STARTTLS is offered.
    pub fn port(&self) -> u16 {
        self.ports.imap
    }

    /// The port with TLS from the first byte; the certificate is for `localhost` and `127.0.0.1`.
    pub fn tls_port(&self) -> u16 {
        self.ports.imaps
    }

    /// The LMTP port.
    pub fn lmtp_port(&self) -> u16 {
        self.ports.lmtp
    }

    /// Everybody's password.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// A PEM file with the root that signed the certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("conf/ca.pem")
    }

    /// What Dovecot logged, for a failed test to show.
    pub fn log(&self) -> String {
        let read = |name| std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        read("stderr.log") + &read("dovecot.log")
    }

    /// New mail for `user`, by LMTP into the INBOX.
    ///
    /// # Errors
    /// When Dovecot refuses it.
    pub async fn deliver(&self, user: &str, raw: &[u8]) -> Result<()> {
        lmtp::deliver(self.ports.lmtp, None, user, raw).await
    }

    /// New mail that a rule of the server files into `folder` at delivery (by subaddress); the folder is created.
    ///
    /// # Errors
    /// When Dovecot refuses it.
    pub async fn deliver_into(&self, user: &str, folder: &str, raw: &[u8]) -> Result<()> {
        let recipient = match user.split_once('@') {
            Some((local, domain)) => format!("{local}+{folder}@{domain}"),
            None => format!("{user}+{folder}"),
        };
        lmtp::deliver(self.ports.lmtp, None, &recipient, raw).await
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("conf/dovecot.conf")
    }
}

fn write_files(
    folder: &Path,
    identity: &Identity,
    ports: MailPorts,
    password: &str,
    setup: &Setup,
) -> Result<()> {
    let authority = Authority::new()?;
    let certificate = authority.issue(LOOPBACK_NAMES)?;
    for name in ["conf", "run", "state", "mail"] {
        std::fs::create_dir(folder.join(name))?;
    }
    let format = match setup.format {
        Format::Maildir => "maildir",
        Format::Sdbox => "sdbox",
        Format::Mdbox => "mdbox",
    };
    let path = folder.to_str().context("The temporary folder's path is not UTF-8")?;
    let config = ports
        .fill_in(TEMPLATE)
        .replace("{user}", &identity.user)
        .replace("{group}", &identity.group)
        .replace("{password}", password)
        .replace("{format}", format)
        .replace("{mechanisms}", &setup.mechanisms.join(" "))
        .replace("{oauth_passdb}", if setup.introspection.is_some() { OAUTH_PASSDB } else { "" })
        .replace("{folder}", path);
    let oauth = setup.introspection.as_deref().map(oauth_settings).unwrap_or_default();
    for (name, text) in [
        ("dovecot.conf", config.as_str()),
        ("cert.pem", &certificate.certificate_pem),
        ("key.pem", &certificate.key_pem),
        ("ca.pem", authority.pem()),
        ("oauth2.conf", &oauth),
    ] {
        std::fs::write(folder.join("conf").join(name), text).with_context(|| format!("Writing {name}"))?;
    }
    identity.give(folder)
}

/// What Dovecot makes of an access token: it is asked about at `url`, and must be active and of the same user.
fn oauth_settings(url: &str) -> String {
    format!(
        "introspection_mode = post\n\
         introspection_url = {url}\n\
         force_introspection = yes\n\
         username_attribute = username\n\
         active_attribute = active\n\
         active_value = true\n"
    )
}
