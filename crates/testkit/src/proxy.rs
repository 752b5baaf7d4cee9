//! Small proxies: HTTP CONNECT and SOCKS 5, with a login if one is wanted.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// What a proxy lets through.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProxyRules {
    /// User name and password that it wants.
    pub login: Option<(&'static str, &'static str)>,
    /// It connects to nobody.
    pub refuses: bool,
}

/// A running proxy. It ends with the process's runtime.
#[derive(Clone, Debug)]
pub struct ProxyServer {
    address: SocketAddr,
    connected: Arc<Mutex<Vec<String>>>,
}

impl ProxyServer {
    /// Starts one that understands CONNECT.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn http(rules: ProxyRules) -> Result<Self> {
        Self::start(rules, true).await
    }

    /// Starts one that understands SOCKS 5.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn socks5(rules: ProxyRules) -> Result<Self> {
        Self::start(rules, false).await
    }

    async fn start(rules: ProxyRules, http: bool) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("Looking for a free port")?;
        let server = Self { address: listener.local_addr()?, connected: Arc::default() };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move {
                    let served = if http {
                        serving.tunnel(stream, rules).await
                    } else {
                        serving.relay(stream, rules).await
                    };
                    if let Err(error) = served {
                        tracing::debug!("A proxied connection ended: {error:#}.");
                    }
                });
            }
        });
        Ok(server)
    }

    /// Its port on this computer.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Whom it has connected to, as `host:port`.
    pub fn connected(&self) -> Vec<String> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn pass(&self, mut client: TcpStream, target: String) -> Result<()> {
        let mut server = TcpStream::connect(&target).await?;
        self.connected.lock().unwrap_or_else(PoisonError::into_inner).push(target);
        copy_bidirectional(&mut client, &mut server).await?;
        Ok(())
    }

    async fn tunnel(&self, mut client: TcpStream, rules: ProxyRules) -> Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await?);
        }
        let head = String::from_utf8(head)?;
        let target = head.split(' ').nth(1).context("No target")?.to_owned();
        let login = rules.login.map(|(user, password)| STANDARD.encode(format!("{user}:{password}")));
        let allowed =
            login.is_none_or(|login| head.contains(&format!("Proxy-Authorization: Basic {login}\r\n")));
        let answer = match (allowed, rules.refuses) {
            (false, _) => "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
            (true, true) => "HTTP/1.1 403 Forbidden\r\n\r\n",
            (true, false) => "HTTP/1.1 200 Connection established\r\n\r\n",
        };
        client.write_all(answer.as_bytes()).await?;
        if answer.contains(" 200 ") { self.pass(client, target).await } else { Ok(()) }
    }

    /// RFC 1928, with user name and password by RFC 1929.
    async fn relay(&self, mut client: TcpStream, rules: ProxyRules) -> Result<()> {
        let _version = client.read_u8().await?;
        let methods = text(&mut client).await?;
        let wanted = if rules.login.is_some() { '\u{2}' } else { '\0' };
        if !methods.contains(wanted) {
            client.write_all(&[5, 0xff]).await?;
            return Ok(());
        }
        client.write_all(&[5, u8::try_from(u32::from(wanted))?]).await?;
        if let Some((user, password)) = rules.login {
            let _version = client.read_u8().await?;
            let given = (text(&mut client).await?, text(&mut client).await?);
            let right = given.0 == user && given.1 == password;
            client.write_all(&[1, u8::from(!right)]).await?;
            if !right {
                return Ok(());
            }
        }
        let mut request = [0; 4];
        client.read_exact(&mut request).await?;
        let [5, 1, _, 3] = request else { bail!("Only names are connected to") };
        let (host, port) = (text(&mut client).await?, client.read_u16().await?);
        let reply = if rules.refuses { 2 } else { 0 };
        client.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
        if rules.refuses { Ok(()) } else { self.pass(client, format!("{host}:{port}")).await }
    }
}

/// A text after its length in one byte.
async fn text(client: &mut TcpStream) -> Result<String> {
    let mut bytes = vec![0; client.read_u8().await?.into()];
    client.read_exact(&mut bytes).await?;
    Ok(String::from_utf8(bytes)?)
}
