//! Mozilla's autoconfig files (draft-ietf-mailmaint-autoconfig): the IMAP servers that one names.

use answerback_mailbox::Security;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// A server as somebody told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) username: String,
}

#[derive(Default)]
struct Incoming {
    host: String,
    port: String,
    socket: String,
    username: String,
}

/// The IMAP servers of a file, in its order; none from one that isn't such a file.
pub(super) fn read(xml: &str, address: &str) -> Vec<Told> {
    let mut reader = Reader::from_str(xml);
    let mut found = Vec::new();
    let mut server: Option<Incoming> = None;
    let (mut field, mut text) = (String::new(), String::new());
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => {
                text.clear();
                field = name(&tag);
                if field == "incomingServer" {
                    server = is_imap(&tag).then(Incoming::default);
                }
            }
            Ok(Event::Text(part)) => text.push_str(&part.xml10_content()),
            Ok(Event::End(tag)) => {
                if let Some(server) = &mut server {
                    let value = text.trim().to_owned();
                    match field.as_str() {
                        "hostname" => server.host = value,
                        "port" => server.port = value,
                        "socketType" => server.socket = value,
                        "username" => server.username = value,
                        _ => {}
                    }
                }
                field.clear();
                if tag.local_name().as_ref() == "incomingServer" {
                    found.extend(server.take().and_then(|server| server.told(address)));
                }
            }
            Ok(Event::Eof) | Err(_) => return found,
            Ok(_) => {}
        }
    }
}

fn name(tag: &BytesStart<'_>) -> String {
    tag.local_name().as_ref().to_owned()
}

fn is_imap(tag: &BytesStart<'_>) -> bool {
    tag.try_get_attribute("type").ok().flatten().is_some_and(|kind| kind.value.as_ref() == "imap")
}

impl Incoming {
    /// Plain connections are left out, whoever recommends them.
    fn told(self, address: &str) -> Option<Told> {
        let (local, domain) = address.rsplit_once('@')?;
        let filled = |text: &str| {
            text.replace("%EMAILADDRESS%", address)
                .replace("%EMAILLOCALPART%", local)
                .replace("%EMAILDOMAIN%", domain)
        };
        let security = match self.socket.to_ascii_uppercase().as_str() {
            "SSL" => Security::Tls,
            "STARTTLS" => Security::StartTls,
            _ => return None,
        };
        let host = filled(&self.host).to_ascii_lowercase();
        let sound = !host.is_empty() && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'));
        let username = if self.username.is_empty() { address.to_owned() } else { filled(&self.username) };
        Some(Told { host, port: self.port.parse().ok()?, security, username }).filter(|_| sound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1"><emailProvider id="sales.example"><domain>sales.example</domain>
 <incomingServer type="pop3"><hostname>pop.sales.example</hostname><port>995</port><socketType>SSL</socketType></incomingServer>
 <incomingServer type="imap"><hostname>plain.sales.example</hostname><port>143</port><socketType>plain</socketType>
  <username>%EMAILADDRESS%</username></incomingServer>
 <incomingServer type="imap"><hostname>imap.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType>
  <authentication>OAuth2</authentication><username>%EMAILLOCALPART%</username></incomingServer>
 <incomingServer type="imap"><hostname>mail.sales.example</hostname><port>143</port><socketType>STARTTLS</socketType></incomingServer>
 <outgoingServer type="smtp"><hostname>smtp.sales.example</hostname><port>465</port><socketType>SSL</socketType></outgoingServer>
</emailProvider></clientConfig>"#;

    #[test]
    fn the_imap_servers_are_read_in_order_and_plain_ones_left_out() {
        let told = read(FILE, "rep@sales.example");
        let server = |host: &str, port, security, username: &str| Told {
            host: host.into(),
            port,
            security,
            username: username.into(),
        };
        assert_eq!(
            told,
            [
                server("imap.sales.example", 993, Security::Tls, "rep"),
                server("mail.sales.example", 143, Security::StartTls, "rep@sales.example"),
            ]
        );
    }

    #[test]
    fn whatever_else_a_web_server_says_gives_nothing() {
        for text in ["", "<html><body>Not found</body></html>", "<clientConfig", "{\"a\":1}", "<a><b></a>"] {
            assert_eq!(read(text, "rep@sales.example"), [], "{text}");
        }
        let hostile = FILE.replace("imap.%EMAILDOMAIN%", "evil.example/x").replace("993", "99999");
        assert!(read(&hostile, "rep@sales.example").iter().all(|told| told.host == "mail.sales.example"));
    }
}
