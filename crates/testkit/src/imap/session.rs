//! One connection: reads commands, spoils the answers as scripted, and tells idlers of changes.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::sync::{broadcast, watch};

use super::command::{self, Progress};
use super::script::{self, Fault, Reply, Seen, Step};
use super::selected::Selected;
use super::server::{Shared, Signal};
use super::wire::{Connection, Wire};

/// One connection's state.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) user: Option<String>,
    pub(super) selected: Option<Selected>,
    /// Whether the client has sent ID since it signed in.
    pub(super) identified: bool,
    /// Whether the client has shown that it knows CONDSTORE.
    pub(super) condstore: bool,
    pub(super) secure: bool,
    /// The tag of the command that signed in.
    pub(super) signed_in_by: String,
    id: u64,
    wire: Option<Wire>,
    changes: watch::Receiver<u64>,
    signals: broadcast::Receiver<Signal>,
}

/// Whether the connection stays open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Yes,
    No,
}

/// What came first.
enum Heard {
    Input(Option<Vec<u8>>),
    Signal(Signal),
    Change,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, id: u64, connection: Box<dyn Connection>, secure: bool) -> Self {
        let (changes, signals) = (shared.changes(), shared.signals());
        Self {
            shared,
            user: None,
            selected: None,
            identified: false,
            condstore: false,
            secure,
            signed_in_by: String::new(),
            id,
            wire: Some(Wire::new(connection)),
            changes,
            signals,
        }
    }

    /// Serves until either side closes.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(super) async fn run(mut self) -> Result<()> {
        let faults = self.notice("GREETING", String::new());
        let greeting = format!("* OK [CAPABILITY {}] ready\r\n", self.capabilities());
        let reply = Reply { untagged: greeting.into_bytes(), ..Reply::default() };
        if self.perform(script::apply(&faults, "*", reply)).await? == Open::No {
            return Ok(());
        }
        loop {
            let open = match self.hear(false).await? {
                Heard::Input(None) => Open::No,
                Heard::Input(Some(bytes)) => self.serve(&bytes).await?,
                Heard::Signal(signal) => self.obey(signal).await?,
                Heard::Change => Open::Yes,
            };
            if open == Open::No {
                return Ok(());
            }
            #[cfg(unix)]
            if let (Some(hand_over), Some(user)) = (&self.shared.hand_over, &self.user)
                && let Some(wire) = self.wire.take()
            {
                return hand_over.run(wire.into_inner(), user, &self.signed_in_by).await;
            }
        }
    }

    /// The capabilities of the moment.
    pub(super) fn capabilities(&self) -> String {
        let profile = &self.shared.profile;
        let list = if self.user.is_some() { profile.after_login } else { profile.before_login };
        let offered = list.iter().filter(|name| !(self.secure && **name == "STARTTLS"));
        offered.copied().collect::<Vec<_>>().join(" ")
    }

    /// What the client must hear of the selected folder now.
    pub(super) fn sync(&mut self, expunges: bool) -> Result<Progress> {
        let Some(user) = &self.user else { return Ok(Progress::default()) };
        let Some(selected) = &mut self.selected else { return Ok(Progress::default()) };
        let condstore = self.condstore;
        self.shared.read(user, Ok(Progress::default()), |mailboxes| {
            selected.sync(mailboxes.folders.get(&selected.name), expunges, condstore)
        })
    }

    async fn serve(&mut self, bytes: &[u8]) -> Result<Open> {
        let (tag, name, line) = command::outline(bytes);
        let faults = self.notice(&name, line.clone());
        if script::refuses(&faults) || faults.contains(&Fault::Hang) {
            return self.perform(script::apply(&faults, &tag, Reply::default())).await;
        }
        match name.as_str() {
            "IDLE" if self.offers("IDLE") && self.user.is_some() => self.idle(&tag, &faults).await,
            "AUTHENTICATE" => self.authenticate(&tag, &line, &faults).await,
            "COMPRESS" if self.offers("COMPRESS=DEFLATE") && self.user.is_some() => {
                self.compress(&tag, &faults).await
            }
            "STARTTLS" if self.offers("STARTTLS") && !self.secure => self.start_tls(&tag, &faults).await,
            _ => {
                let reply = command::reply(self, &tag, &name, bytes);
                self.perform(script::apply(&faults, &tag, reply)).await
            }
        }
    }

    fn offers(&self, capability: &str) -> bool {
        self.capabilities().split(' ').any(|offered| offered == capability)
    }

    /// RFC 2177. The tagged line is sent after DONE.
    async fn idle(&mut self, tag: &str, faults: &[Fault]) -> Result<Open> {
        let mut reply = Reply { untagged: b"+ idling\r\n".to_vec(), ..Reply::default() };
        reply.untagged.extend(self.sync(true)?.bytes);
        if self.perform(script::apply(faults, tag, reply)).await? == Open::No {
            return Ok(Open::No);
        }
        let mute = faults.contains(&Fault::Mute);
        loop {
            match self.hear(true).await? {
                Heard::Input(None) => return Ok(Open::No),
                Heard::Input(Some(line)) => {
                    let status =
                        if line.trim_ascii().eq_ignore_ascii_case(b"DONE") { "OK IDLE" } else { "BAD IDLE" };
                    self.send(format!("{tag} {status} done\r\n").as_bytes()).await?;
                    return Ok(Open::Yes);
                }
                Heard::Signal(signal) => {
                    if self.obey(signal).await? == Open::No {
                        return Ok(Open::No);
                    }
                }
                Heard::Change if mute => {}
                Heard::Change => {
                    let progress = self.sync(true)?;
                    self.send(&progress.bytes).await?;
                    if progress.close {
                        return self.close().await;
                    }
                }
            }
        }
    }

    /// SASL PLAIN (RFC 4616) and LOGIN, with or without an initial response.
    async fn authenticate(&mut self, tag: &str, line: &str, faults: &[Fault]) -> Result<Open> {
        let mut words = line.split_ascii_whitespace().skip(1);
        let mechanism = words.next().unwrap_or_default().to_ascii_uppercase();
        let initial = words.next().map(|word| word.as_bytes().to_vec());
        let reply = match mechanism.as_str() {
            "PLAIN" => {
                let Some(response) = self.response(initial, "").await? else { return Ok(Open::No) };
                let mut parts = response.split(|byte| *byte == 0).skip(1);
                let user = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
                let password = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
                command::sign_in(self, tag, &user, &password)
            }
            "LOGIN" => {
                let Some(user) = self.response(initial, "VXNlcm5hbWU6").await? else { return Ok(Open::No) };
                let Some(password) = self.response(None, "UGFzc3dvcmQ6").await? else { return Ok(Open::No) };
                let (user, password) = (String::from_utf8_lossy(&user), String::from_utf8_lossy(&password));
                command::sign_in(self, tag, &user, &password)
            }
            _ => command::tagged(tag, "NO [CANNOT] unknown mechanism"),
        };
        self.perform(script::apply(faults, tag, reply)).await
    }

    /// One SASL response, asked for unless it came with the command; broken base64 reads as nothing.
    async fn response(&mut self, initial: Option<Vec<u8>>, challenge: &str) -> Result<Option<Vec<u8>>> {
        let line = match initial {
            Some(line) => line,
            None => {
                self.send(format!("+ {challenge}\r\n").as_bytes()).await?;
                let Some(wire) = &mut self.wire else { return Ok(None) };
                let Some(line) = wire.line().await? else { return Ok(None) };
                line
            }
        };
        Ok(Some(BASE64.decode(line).unwrap_or_default()))
    }

    async fn start_tls(&mut self, tag: &str, faults: &[Fault]) -> Result<Open> {
        let steps = script::apply(faults, tag, command::tagged(tag, "OK begin TLS now"));
        if self.perform(steps).await? == Open::No {
            return Ok(Open::No);
        }
        let Some(wire) = self.wire.take() else { return Ok(Open::No) };
        let stream = self.shared.acceptor.accept(wire.into_inner()).await?;
        self.wire = Some(Wire::new(Box::new(stream)));
        self.secure = true;
        Ok(Open::Yes)
    }

    /// RFC 4978.
    async fn compress(&mut self, tag: &str, faults: &[Fault]) -> Result<Open> {
        let steps = script::apply(faults, tag, command::tagged(tag, "OK DEFLATE active"));
        if self.perform(steps).await? == Open::No {
            return Ok(Open::No);
        }
        self.wire = self.wire.take().map(Wire::deflated);
        Ok(Open::Yes)
    }

    /// Waits for the client or the test; for changes of the mailbox too while idling.
    async fn hear(&mut self, idling: bool) -> Result<Heard> {
        let Some(wire) = &mut self.wire else { return Ok(Heard::Input(None)) };
        loop {
            tokio::select! {
                input = wire.command() => return Ok(Heard::Input(input?)),
                signal = self.signals.recv() => match signal {
                    Ok(signal) => return Ok(Heard::Signal(signal)),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return Ok(Heard::Input(None)),
                },
                changed = self.changes.changed(), if idling => {
                    changed?;
                    return Ok(Heard::Change);
                }
            }
        }
    }

    fn notice(&self, command: &str, line: String) -> Vec<Fault> {
        let line = if matches!(command, "LOGIN" | "AUTHENTICATE") {
            line.split_ascii_whitespace().take(2).collect::<Vec<_>>().join(" ")
        } else {
            line
        };
        let user = self.user.clone();
        self.shared.script.faults(Seen {
            session: self.id,
            user,
            command: command.to_owned(),
            line,
            at: Instant::now(),
        })
    }

    async fn obey(&mut self, signal: Signal) -> Result<Open> {
        match signal {
            Signal::Push(bytes) => {
                self.send(&bytes).await?;
                Ok(Open::Yes)
            }
            Signal::Close => self.close().await,
        }
    }

    async fn perform(&mut self, steps: Vec<Step>) -> Result<Open> {
        for step in steps {
            match step {
                Step::Wait(time) => tokio::time::sleep(time).await,
                Step::Send(bytes) => self.send(&bytes).await?,
                Step::Hang => std::future::pending().await,
                Step::Close => return self.close().await,
            }
        }
        Ok(Open::Yes)
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.wire {
            Some(wire) if !bytes.is_empty() => wire.send(bytes).await,
            _ => Ok(()),
        }
    }

    async fn close(&mut self) -> Result<Open> {
        if let Some(wire) = &mut self.wire {
            wire.close().await?;
        }
        Ok(Open::No)
    }
}
