//! Listening, and the handle that a test holds.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::account::Account;
use super::folder::Mailboxes;
#[cfg(unix)]
use super::hand_over::HandOver;
use super::lock;
use super::profile::Profile;
use super::script::{Fault, Script, Seen};
use super::session::Session;
use crate::tls::{Authority, LOOPBACK_NAMES};

/// A running server. It stops, and every connection is cut, when this is dropped.
pub struct ImapServer {
    shared: Arc<Shared>,
    plain: SocketAddr,
    tls: SocketAddr,
    authority: Authority,
    folder: tempfile::TempDir,
    task: JoinHandle<()>,
}

/// What all sessions share.
pub(super) struct Shared {
    pub(super) profile: Profile,
    pub(super) script: Script,
    pub(super) acceptor: TlsAcceptor,
    #[cfg(unix)]
    pub(super) hand_over: Option<HandOver>,
    accounts: Mutex<BTreeMap<String, Mailboxes>>,
    changes: watch::Sender<u64>,
    signals: broadcast::Sender<Signal>,
    sessions: AtomicU64,
}

/// Something that the test does to every open connection.
#[derive(Clone, Debug)]
pub(super) enum Signal {
    /// Sends these bytes.
    Push(Vec<u8>),
    /// Closes without a word.
    Close,
}

impl ImapServer {
    /// Starts a server that keeps to the standards, on free loopback ports, one plain and one with TLS.
    ///
    /// # Errors
    /// When no port can be had or the certificate can't be made.
    pub async fn start() -> Result<Self> {
        Self::start_as(Profile::STANDARD).await
    }

    /// Starts a server that behaves like `profile`.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_as(profile: Profile) -> Result<Self> {
        Self::listen(profile, None).await
    }

    /// Starts a server that lets users in and hands their connections to a program.
    ///
    /// # Errors
    /// As [`Self::start`].
    #[cfg(unix)]
    pub(crate) async fn start_before(profile: Profile, hand_over: HandOver) -> Result<Self> {
        Self::listen(profile, Some(hand_over)).await
    }

    async fn listen(profile: Profile, #[cfg(unix)] hand_over: Option<HandOver>) -> Result<Self> {
        let authority = Authority::new()?;
        let acceptor = TlsAcceptor::from(authority.issue(LOOPBACK_NAMES)?.server_config()?);
        let folder = tempfile::tempdir().context("Making a folder for the certificate")?;
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).context("Writing the certificate")?;
        let plain = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("Listening on loopback")?;
        let tls = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("Listening on loopback")?;
        let (plain_address, tls_address) = (plain.local_addr()?, tls.local_addr()?);
        let shared = Arc::new(Shared {
            profile,
            script: Script::default(),
            acceptor,
            #[cfg(unix)]
            hand_over,
            accounts: Mutex::default(),
            changes: watch::Sender::new(0),
            signals: broadcast::Sender::new(64),
            sessions: AtomicU64::new(0),
        });
        let task = tokio::spawn(accept(shared.clone(), plain, tls));
        Ok(Self { shared, plain: plain_address, tls: tls_address, authority, folder, task })
    }

    /// Adds a mailbox with the profile's folders, or replaces the one of that name.
    pub fn add_account(&self, user: &str, password: &str) -> Account {
        let mailboxes = Mailboxes::new(password, &self.shared.profile);
        lock(&self.shared.accounts).insert(user.to_owned(), mailboxes);
        Account { shared: self.shared.clone(), user: user.to_owned() }
    }

    /// Changes a mailbox's password; sessions stay open, as they do on real servers.
    pub fn set_password(&self, user: &str, password: &str) {
        if let Some(mailboxes) = lock(&self.shared.accounts).get_mut(user) {
            password.clone_into(&mut mailboxes.password);
        }
    }

    /// The port without TLS (it offers STARTTLS where the profile does).
    pub fn port(&self) -> u16 {
        self.plain.port()
    }

    /// The port with TLS from the first byte; the certificate is for `localhost` and `127.0.0.1`.
    pub fn tls_port(&self) -> u16 {
        self.tls.port()
    }

    /// The root that signed the server's certificate, PEM.
    pub fn ca_pem(&self) -> &str {
        self.authority.pem()
    }

    /// A file that holds [`Self::ca_pem`]; it goes away with the server.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A folder that goes away with the server.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Asks `hook` at each command what is to go wrong with it; replaces an earlier hook.
    pub fn script(&self, hook: impl Fn(&Seen) -> Vec<Fault> + Send + Sync + 'static) {
        self.shared.script.set_hook(Some(Box::new(hook)));
    }

    /// Nothing goes wrong any more, except what [`Self::fault_once`] still holds.
    pub fn unscript(&self) {
        self.shared.script.set_hook(None);
    }

    /// The next time that somebody sends `command` (such as `UID FETCH`, or `GREETING` for a new connection), this
    /// goes wrong with it.
    pub fn fault_once(&self, command: &str, fault: Fault) {
        self.shared.script.push_once(command, fault);
    }

    /// Every command so far, of all connections.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.script.seen()
    }

    /// Sends bytes to every open connection that is between commands or in IDLE.
    pub fn push(&self, bytes: &[u8]) {
        self.signal(Signal::Push(bytes.to_vec()));
    }

    /// Cuts every open connection that is between commands or in IDLE.
    pub fn cut_connections(&self) {
        self.signal(Signal::Close);
    }

    fn signal(&self, signal: Signal) {
        if self.shared.signals.send(signal).is_err() {
            tracing::debug!("No connection is open.");
        }
    }
}

impl Drop for ImapServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    /// Changes a mailbox and tells every session that something changed.
    ///
    /// # Panics
    /// Never: an account, once added, stays.
    pub(super) fn change<T>(&self, user: &str, change: impl FnOnce(&mut Mailboxes) -> T) -> T {
        let result = {
            let mut accounts = lock(&self.accounts);
            let profile = &self.profile;
            change(accounts.entry(user.to_owned()).or_insert_with(|| Mailboxes::new("", profile)))
        };
        self.changes.send_modify(|count| *count += 1);
        result
    }

    /// Looks at a mailbox; `otherwise` where there is none.
    pub(super) fn read<T>(&self, user: &str, otherwise: T, look: impl FnOnce(&Mailboxes) -> T) -> T {
        lock(&self.accounts).get(user).map_or(otherwise, look)
    }

    pub(super) fn accepts(&self, user: &str, password: &str) -> bool {
        self.read(user, false, |mailboxes| mailboxes.password == password)
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) fn signals(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }
}

/// Accepts connections for ever; the sessions end with this task.
async fn accept(shared: Arc<Shared>, plain: TcpListener, tls: TcpListener) {
    let mut sessions = JoinSet::new();
    loop {
        let (accepted, secure) = tokio::select! {
            accepted = plain.accept() => (accepted, false),
            accepted = tls.accept() => (accepted, true),
        };
        while sessions.try_join_next().is_some() {}
        match accepted {
            Ok((socket, _)) => sessions.spawn(serve(shared.clone(), socket, secure)),
            Err(error) => {
                tracing::warn!("The scripted IMAP server could not accept a connection: {error}.");
                continue;
            }
        };
    }
}

async fn serve(shared: Arc<Shared>, socket: TcpStream, secure: bool) {
    let id = shared.sessions.fetch_add(1, Ordering::Relaxed) + 1;
    let outcome = async {
        socket.set_nodelay(true)?;
        if secure {
            let stream = shared.acceptor.accept(socket).await?;
            Session::new(shared.clone(), id, Box::new(stream), true).run().await
        } else {
            Session::new(shared.clone(), id, Box::new(socket), false).run().await
        }
    };
    if let Err(error) = outcome.await {
        tracing::debug!("Session {id} of the scripted IMAP server ended: {error:#}.");
    }
}
