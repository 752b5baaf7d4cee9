//! A small name server that knows what it was told, and says that there is nothing else.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, MX, SRV};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::net::UdpSocket;

type Records = HashMap<(String, RecordType), Vec<RData>>;

/// A running name server. It ends with the process's runtime.
#[derive(Clone, Debug)]
pub struct NameServer {
    address: SocketAddr,
    records: Arc<Mutex<Records>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl NameServer {
    /// Starts one that knows nothing.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.context("Looking for a free port")?;
        let server = Self { address: socket.local_addr()?, records: Arc::default(), asked: Arc::default() };
        let answering = server.clone();
        tokio::spawn(async move { answering.serve(socket).await });
        Ok(server)
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The names that it was asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `name` has a service at `target`.
    ///
    /// # Errors
    /// When a name is none.
    pub fn service(&self, name: &str, priority: u16, port: u16, target: &str) -> Result<()> {
        let target = Name::from_ascii(format!("{target}."))?;
        self.add(name, RecordType::SRV, RData::SRV(SRV::new(priority, 0, port, target)));
        Ok(())
    }

    /// `exchanger` takes the mail of `domain`.
    ///
    /// # Errors
    /// When a name is none.
    pub fn exchanger(&self, domain: &str, preference: u16, exchanger: &str) -> Result<()> {
        let exchanger = Name::from_ascii(format!("{exchanger}."))?;
        self.add(domain, RecordType::MX, RData::MX(MX::new(preference, exchanger)));
        Ok(())
    }

    /// `name` stands for `target`.
    ///
    /// # Errors
    /// When `target` is no name.
    pub fn alias(&self, name: &str, target: &str) -> Result<()> {
        let target = Name::from_ascii(format!("{target}."))?;
        self.add(name, RecordType::CNAME, RData::CNAME(CNAME(target)));
        Ok(())
    }

    /// `host` exists, on this computer.
    pub fn host(&self, host: &str) {
        self.add(host, RecordType::A, RData::A(A(Ipv4Addr::LOCALHOST)));
    }

    fn add(&self, name: &str, kind: RecordType, data: RData) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.entry((name.to_ascii_lowercase(), kind)).or_default().push(data);
    }

    async fn serve(&self, socket: UdpSocket) {
        let mut packet = [0; 4096];
        loop {
            let Ok((length, from)) = socket.recv_from(&mut packet).await else { return };
            let Some(answer) = packet.get(..length).and_then(|packet| self.answer(packet)) else { continue };
            if socket.send_to(&answer, from).await.is_err() {
                return;
            }
        }
    }

    fn answer(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let request = Message::from_vec(packet).ok()?;
        let query = request.queries.first()?.clone();
        let name = query.name().to_ascii().trim_end_matches('.').to_ascii_lowercase();
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answer = Message::response(request.metadata.id, OpCode::Query);
        answer.metadata.recursion_available = true;
        for data in records.get(&(name.clone(), query.query_type())).into_iter().flatten() {
            answer.add_answer(Record::from_rdata(query.name().clone(), 60, data.clone()));
        }
        if !records.keys().any(|(known, _)| *known == name) {
            answer.metadata.response_code = ResponseCode::NXDomain;
        }
        answer.add_query(query);
        answer.to_vec().ok()
    }
}
