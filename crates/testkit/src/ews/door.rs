//! Who may come in, and by which way.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::http::HeaderMap;
use axum::serve::{IncomingStream, Listener};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::ntlm::{self, Stage};
use crate::exchange::lock;

/// Who begins a TLS handshake and does not end it within this time has gone.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How one may sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignIn {
    /// User name and password.
    #[default]
    Basic,
    /// An access token.
    Bearer,
    /// NTLM alone.
    Ntlm,
    /// NTLM alone and over TLS, tied to the connection (Extended Protection, as Exchange 2019 has it since its update 14).
    NtlmExtended,
    /// NTLM, or user name and password.
    NtlmOrBasic,
    /// Only Kerberos, which this server offers and does not speak.
    Kerberos,
}

/// What a request is answered with that is not let in: lines of WWW-Authenticate.
pub(super) type Refusal = Vec<String>;

/// What the server knows of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Line(Arc<Mutex<Stage>>);

impl Connected<IncomingStream<'_, Port>> for Line {
    fn connect_info(_: IncomingStream<'_, Port>) -> Self {
        Self::default()
    }
}

impl SignIn {
    pub(super) fn is_over_tls(self) -> bool {
        self == Self::NtlmExtended
    }

    fn offers(self) -> &'static [&'static str] {
        match self {
            Self::Basic => &["Basic realm=\"mail.sales.example\""],
            Self::Bearer => &["Bearer client_id=\"00000002-0000-0ff1-ce00-000000000000\""],
            Self::Ntlm | Self::NtlmExtended => &["Negotiate", "NTLM"],
            Self::NtlmOrBasic => &["Negotiate", "NTLM", "Basic realm=\"mail.sales.example\""],
            Self::Kerberos => &["Negotiate"],
        }
    }

    /// Whether a request on this connection is let in.
    pub(super) fn let_in(
        self,
        headers: &HeaderMap,
        line: &Line,
        username: &str,
        secret: &str,
        binding: Option<&[u8]>,
    ) -> Result<(), Refusal> {
        let given = headers.get("Authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (scheme, token) = given.split_once(' ').unwrap_or((given, ""));
        let offers = || self.offers().iter().map(ToString::to_string).collect();
        let known = match (self, scheme) {
            (Self::Basic | Self::NtlmOrBasic, "Basic") => {
                token == STANDARD.encode(format!("{username}:{secret}"))
            }
            (Self::Bearer, "Bearer") => token == secret,
            (Self::Ntlm | Self::NtlmExtended | Self::NtlmOrBasic, "NTLM" | "Negotiate") => {
                let needs_binding = self == Self::NtlmExtended;
                let door = ntlm::Door { username, password: secret, needs_binding, binding };
                match by_ntlm(&mut lock(&line.0), token, &door) {
                    Ok(known) => known,
                    Err(challenge) => {
                        return Err(vec![format!("{scheme} {}", STANDARD.encode(challenge))]);
                    }
                }
            }
            // The connection is signed in, not the request.
            (Self::Ntlm | Self::NtlmExtended | Self::NtlmOrBasic, "") => {
                matches!(*lock(&line.0), Stage::SignedIn)
            }
            _ => false,
        };
        if known { Ok(()) } else { Err(offers()) }
    }

    /// The connection is signed out, and what is said then.
    pub(super) fn sign_out(self, line: &Line) -> Refusal {
        *lock(&line.0) = Stage::Stranger;
        self.offers().iter().map(ToString::to_string).collect()
    }
}

/// Whether the message signs in, or the challenge that answers it.
fn by_ntlm(stage: &mut Stage, token: &str, door: &ntlm::Door<'_>) -> Result<bool, Vec<u8>> {
    let message = STANDARD.decode(token).unwrap_or_default();
    if let Some(challenge) = ntlm::challenge(&message) {
        let message = challenge.message.clone();
        *stage = Stage::Challenged(challenge);
        return Err(message);
    }
    // A challenge is good for one answer.
    let signed_in = match std::mem::take(stage) {
        Stage::Challenged(challenge) => challenge.opens(&message, door),
        Stage::Stranger | Stage::SignedIn => false,
    };
    if signed_in {
        *stage = Stage::SignedIn;
    }
    Ok(signed_in)
}

/// Where the server listens, with TLS or without.
pub(super) struct Port {
    pub(super) listener: TcpListener,
    pub(super) tls: Option<TlsAcceptor>,
}

/// Bytes to and from a client.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

impl Listener for Port {
    type Io = Box<dyn Io>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            let Some(tls) = &self.tls else { return (Box::new(stream), address) };
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                return (Box::new(stream), address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
