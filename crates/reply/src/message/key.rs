//! What tells a message from every other.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::Message;

/// The Message-ID, else a digest of what no server on the way changes.
pub(super) fn of(message: &Message) -> String {
    if let Some(id) = &message.message_id {
        return format!("<{}>", id.as_str());
    }
    let mut digest = Sha256::new();
    let mut field = |bytes: &[u8]| {
        digest.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        digest.update(bytes);
    };
    field(message.from.as_deref().unwrap_or_default().as_bytes());
    field(message.date.map_or(i64::MIN, |date| date.as_second()).to_le_bytes().as_slice());
    field(message.subject.as_deref().unwrap_or_default().as_bytes());
    for id in message.in_reply_to.iter().chain(&message.references) {
        field(id.as_str().as_bytes());
    }
    let mut key = String::from("digest:");
    for byte in digest.finalize().iter().take(20) {
        // Writing to a string can't fail.
        let _ = write!(key, "{byte:02x}");
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_the_id_or_a_digest_that_does_not_depend_on_the_folder() {
        let with_id = Message::from_header(b"Message-ID: <a@X.example>\n\n");
        assert_eq!(with_id.key(), "<a@x.example>");
        let raw = "From: a@x.example\nDate: Fri, 20 Nov 2026 09:12:00 +0000\nSubject: s\n";
        let without = Message::from_header(raw.as_bytes());
        let elsewhere = Message {
            received_at: Some("2026-11-21T00:00:00Z".parse().unwrap()),
            ..Message::from_header(format!("Received: x\n{raw}X-Folder: Spam\n\nbody").as_bytes())
        };
        assert_eq!(without.key(), elsewhere.key());
        assert!(without.key().starts_with("digest:"));
        assert_ne!(without.key(), Message::from_header(b"From: a@x.example\n").key());
    }
}
