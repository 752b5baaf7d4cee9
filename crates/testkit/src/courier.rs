//! A real Courier, from packages unpacked into a folder of their own, as it can't be installed beside Dovecot.
//!
//! The path of its login daemon's socket is compiled in, so signing in and TLS are ours; everything after is
//! Courier's `imapd` on a Maildir.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::imap::hand_over::HandOver;
use crate::imap::{ImapServer, Profile};
use crate::program::path_text;
use crate::unpacked::Unpacked;

/// What Debian's configuration announces, without ways to sign in that we don't have.
const CAPABILITIES: &[&str] = &[
    "IMAP4rev1",
    "UIDPLUS",
    "CHILDREN",
    "NAMESPACE",
    "THREAD=ORDEREDSUBJECT",
    "THREAD=REFERENCES",
    "SORT",
    "QUOTA",
    "IDLE",
];
const BEFORE_LOGIN: &[&str] = &["IMAP4rev1", "AUTH=PLAIN", "STARTTLS"];

/// A running Courier. It is gone when dropped.
pub struct Courier {
    server: ImapServer,
    homes: PathBuf,
    _folder: tempfile::TempDir,
}

impl Courier {
    /// Starts one.
    ///
    /// # Errors
    /// When it was not fetched, or can't listen.
    pub async fn start() -> Result<Self> {
        let unpacked = Unpacked::find("courier")?;
        let folder = tempfile::Builder::new().prefix("answerback-courier-").tempdir()?;
        let homes = folder.path().join("homes");
        std::fs::create_dir(&homes)?;
        let monitor = unpacked.file("usr/libexec/gam_server")?;
        let monitor_id = path_text(folder.path())?.replace('/', "-");
        let library_path = unpacked.library_path()?.into_string().ok().context("A path is not UTF-8")?;
        let environment = [
            ("LD_LIBRARY_PATH", library_path.as_str()),
            ("TCPREMOTEIP", "127.0.0.1"),
            ("TCPREMOTEPORT", "993"),
            ("MAILDIRPATH", "Maildir"),
            ("IMAP_CAPABILITY", &CAPABILITIES.join(" ")),
            ("IMAP_ACL", "1"),
            ("IMAP_KEYWORDS", "1"),
            ("IMAP_USELOCKS", "1"),
            // Gamin's file monitor, without which each start waits for it in vain; it ends by itself.
            ("GAMIN_DEBUG_SERVER", path_text(&monitor)?),
            ("GAM_CLIENT_ID", &monitor_id),
            ("IMAP_TRASHFOLDERNAME", "Trash"),
            ("IMAP_MAILBOX_SANITY_CHECK", "0"),
            // In IDLE it looks at the folder this often.
            ("IMAP_ENHANCEDIDLE", "0"),
            ("IMAP_IDLE_TIMEOUT", "1"),
        ];
        let hand_over = HandOver {
            program: unpacked.file("usr/bin/imapd")?,
            homes: homes.clone(),
            arguments: vec!["Maildir".to_owned()],
            environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            user_variable: "AUTHENTICATED",
            tag_variable: "IMAPLOGINTAG",
        };
        let profile =
            Profile { name: "courier", before_login: BEFORE_LOGIN, folders: &[], ..Profile::STANDARD };
        Ok(Self { server: ImapServer::start_before(profile, hand_over).await?, homes, _folder: folder })
    }

    /// Adds an empty mailbox.
    ///
    /// # Errors
    /// When its folder can't be made.
    pub fn add_account(&self, user: &str, password: &str) -> Result<()> {
        for folder in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(self.homes.join(user).join("Maildir").join(folder))?;
        }
        self.server.add_account(user, password);
        Ok(())
    }

    /// The port without TLS; STARTTLS is offered.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The port with TLS from the first byte; the certificate is for `localhost` and `127.0.0.1`.
    pub fn tls_port(&self) -> u16 {
        self.server.tls_port()
    }

    /// A PEM file with the root that signed the certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.server.ca_file()
    }
}
