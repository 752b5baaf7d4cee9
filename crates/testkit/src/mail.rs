//! Builds messages with the headers that real mail has.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::personas::Person;

/// A message being written. Every line ends with CRLF in what [`Mail::build`] gives.
#[derive(Clone, Debug)]
pub struct Mail {
    trace: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Text(String),
    /// The type with its parameters (without a boundary), and the parts as they stand.
    Multipart(String, Vec<Vec<u8>>),
}

impl Mail {
    /// A message by `from`, sent at `date`, with this Message-ID (without brackets).
    pub fn new(from: &Person, message_id: &str, date: Timestamp) -> Self {
        let headers = vec![
            ("Date".to_owned(), rfc_2822(date)),
            ("From".to_owned(), from.mailbox()),
            ("Message-ID".to_owned(), format!("<{message_id}>")),
            ("MIME-Version".to_owned(), "1.0".to_owned()),
        ];
        Self { trace: Vec::new(), headers, content: Content::Text(String::new()) }
    }

    /// The header fields that the last hops add: Return-Path (the null sender where `None`) and two Received.
    #[must_use]
    pub fn received(mut self, sender: Option<&str>, from_host: &str, at: Timestamp) -> Self {
        let time = rfc_2822(at);
        self.trace = vec![
            ("Return-Path".to_owned(), format!("<{}>", sender.unwrap_or_default())),
            (
                "Received".to_owned(),
                format!(
                    "from {from_host} ({from_host} [192.0.2.17])\r\n\tby mx.sales.example with ESMTPS id 4Xk9Qz1v2Hz9sT1\r\n\t\
                     (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);\r\n\t{time}"
                ),
            ),
            (
                "Received".to_owned(),
                format!("from [198.51.100.24] by {from_host} with ESMTPSA id 7f2c9a1e;\r\n\t{time}"),
            ),
        ];
        self
    }

    /// To.
    #[must_use]
    pub fn to(self, people: &[&Person]) -> Self {
        self.header("To", &mailboxes(people))
    }

    /// Cc.
    #[must_use]
    pub fn cc(self, people: &[&Person]) -> Self {
        self.header("Cc", &mailboxes(people))
    }

    /// Subject; encoded where it is not ASCII.
    #[must_use]
    pub fn subject(self, subject: &str) -> Self {
        self.header("Subject", &encoded(subject))
    }

    /// In-Reply-To and References: `thread` from the first message to the one that is answered, without brackets.
    #[must_use]
    pub fn answering(self, thread: &[&str]) -> Self {
        let ids = thread.iter().map(|id| format!("<{id}>")).collect::<Vec<_>>();
        let parent = ids.last().cloned().unwrap_or_default();
        self.header("In-Reply-To", &parent).header("References", &ids.join("\r\n "))
    }

    /// Any header field; the value must be ASCII, folded by the caller where it is long.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A plain text body.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.content = Content::Text(text.to_owned());
        self
    }

    /// Plain text and HTML beside each other, as most clients send.
    #[must_use]
    pub fn text_and_html(mut self, text: &str, html: &str) -> Self {
        let parts = vec![part("text/plain; charset=utf-8", text), part("text/html; charset=utf-8", html)];
        self.content = Content::Multipart("multipart/alternative".to_owned(), parts);
        self
    }

    /// Any multipart type, with parts made by [`part`].
    #[must_use]
    pub fn multipart(mut self, content_type: &str, parts: Vec<Vec<u8>>) -> Self {
        self.content = Content::Multipart(content_type.to_owned(), parts);
        self
    }

    /// The bytes.
    pub fn build(&self) -> Vec<u8> {
        let mut raw = Vec::new();
        for (name, value) in self.trace.iter().chain(&self.headers) {
            raw.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        match &self.content {
            Content::Text(text) => {
                raw.extend(
                    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
                );
                raw.extend(crlf(text).into_bytes());
            }
            Content::Multipart(content_type, parts) => {
                let boundary = "=_answerback_7c1f0b2d";
                raw.extend(
                    format!("Content-Type: {content_type};\r\n boundary=\"{boundary}\"\r\n\r\n").into_bytes(),
                );
                for part in parts {
                    raw.extend(format!("--{boundary}\r\n").into_bytes());
                    raw.extend(part);
                    raw.extend(b"\r\n");
                }
                raw.extend(format!("--{boundary}--\r\n").into_bytes());
            }
        }
        raw
    }
}

/// A part of a multipart message: its type, and its content as it stands.
pub fn part(content_type: &str, content: &str) -> Vec<u8> {
    format!("Content-Type: {content_type}\r\n\r\n{}", crlf(content)).into_bytes()
}

/// The date as mail writes it.
pub fn rfc_2822(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// `text` as an answer quotes it.
pub fn quoted(author: &Person, date: Timestamp, text: &str) -> String {
    let day = date.to_zoned(TimeZone::UTC).strftime("%a, %b %-d, %Y at %-I:%M %p");
    let lines = text.trim_end().lines().map(|line| format!("> {line}\n")).collect::<String>();
    format!("On {day}, {} <{}> wrote:\n\n{lines}", author.name, author.address)
}

fn crlf(text: &str) -> String {
    let mut lines = text.lines().collect::<Vec<_>>().join("\r\n");
    lines.push_str("\r\n");
    lines
}

fn mailboxes(people: &[&Person]) -> String {
    people.iter().map(|person| person.mailbox()).collect::<Vec<_>>().join(",\r\n ")
}

/// An RFC 2047 encoded word where the text is not ASCII.
fn encoded(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { format!("=?UTF-8?B?{}?=", BASE64.encode(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::personas::{FLYNN, REP};

    #[test]
    fn a_message_is_written_as_mail_is() {
        let date = "2026-11-20T09:12:00Z".parse().unwrap();
        let raw = Mail::new(&FLYNN, "r1@flynnsarcade.com", date)
            .received(Some(FLYNN.address), "mail.flynnsarcade.com", date)
            .to(&[&REP])
            .subject("Re: Größe")
            .answering(&["s0@sales.example", "s1@sales.example"])
            .text("Yes!\n\n> Hi")
            .build();
        let text = String::from_utf8(raw).unwrap();
        assert!(
            text.starts_with("Return-Path: <flynn@flynnsarcade.com>\r\nReceived: from mail.flynnsarcade.com")
        );
        for line in [
            "Date: Fri, 20 Nov 2026 09:12:00 +0000\r\n",
            "From: \"Kevin Flynn\" <flynn@flynnsarcade.com>\r\n",
            "Subject: =?UTF-8?B?UmU6IEdyw7bDn2U=?=\r\n",
            "In-Reply-To: <s1@sales.example>\r\nReferences: <s0@sales.example>\r\n <s1@sales.example>\r\n",
            "\r\n\r\nYes!\r\n\r\n> Hi\r\n",
        ] {
            assert!(text.contains(line), "{line:?} in {text}");
        }
        assert!(text.replace("\r\n", "").find(['\r', '\n']).is_none(), "every line ends with CRLF");
    }
}
