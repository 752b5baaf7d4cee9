//! A stored message.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use jiff::Timestamp;

/// A message in a folder.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// The same wherever it is moved.
    pub(crate) serial: u64,
    pub(crate) raw: Arc<[u8]>,
    pub(crate) received_at: Timestamp,
    pub(crate) read: bool,
    pub(crate) conversation: String,
    /// Written in Outlook: the header that went over the wire is not kept (microsoft-graph-docs#18761).
    pub(crate) composed: bool,
    /// The change with which it came into its folder, and the last one since.
    pub(crate) created: u64,
    pub(crate) updated: u64,
}

impl Stored {
    /// The id that stays when it is moved.
    pub(crate) fn immutable_id(&self) -> String {
        URL_SAFE.encode(format!("immutable-{:06}", self.serial))
    }

    /// The id that a client gets which doesn't ask for the other: another one in each folder.
    pub(crate) fn id_in(&self, folder: &str) -> String {
        Self::id_of(self.serial, folder)
    }

    /// The same of a message that has left.
    pub(crate) fn id_of(serial: u64, folder: &str) -> String {
        URL_SAFE.encode(format!("item-{serial:06}-{folder}"))
    }

    /// The header fields in order, unfolded.
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        let text = String::from_utf8_lossy(&self.raw).replace("\r\n", "\n");
        let header = text.split("\n\n").next().unwrap_or_default();
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in header.lines() {
            match fields.last_mut() {
                Some((_, value)) if line.starts_with([' ', '\t']) => {
                    value.push(' ');
                    value.push_str(line.trim());
                }
                _ => {
                    if let Some((name, value)) = line.split_once(':') {
                        fields.push((name.to_owned(), value.trim().to_owned()));
                    }
                }
            }
        }
        fields
    }

    /// Whether Outlook shows it as somebody's answer to an invitation.
    pub(crate) fn is_meeting_response(&self) -> bool {
        let text = String::from_utf8_lossy(&self.raw).to_ascii_lowercase();
        text.contains("text/calendar") && text.contains("method=reply")
    }

    /// What `Thread-Index` has, or would have.
    pub(crate) fn conversation_index(&self) -> String {
        let kept = self.headers().into_iter().find(|(name, _)| name.eq_ignore_ascii_case("Thread-Index"));
        kept.map(|(_, value)| value).unwrap_or_else(|| {
            // The end of a conversation's id is what tells it from others.
            let mut root: Vec<u8> = self.conversation.bytes().rev().take(22).collect();
            root.resize(22, 0);
            STANDARD.encode(root)
        })
    }
}
