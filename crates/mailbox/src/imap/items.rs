//! What is asked of each message.

use answerback_reply::message::{Field, HEADER_FIELDS, TRIAGE_FIELDS};

use super::capability::Capabilities;

/// What a FETCH asks for: UID, date and size, thread ids where there are any, and header fields. Neither ENVELOPE
/// nor BODYSTRUCTURE: they cost more, and servers get them wrong.
pub(crate) struct FetchItems {
    new: String,
    old: String,
}

impl FetchItems {
    pub(crate) fn new(capabilities: &Capabilities) -> Self {
        let triage: Vec<&str> = TRIAGE_FIELDS.iter().copied().map(Field::name).collect();
        Self { new: items(capabilities, HEADER_FIELDS), old: items(capabilities, &triage) }
    }

    /// Of a first scan's mail only what finds the candidates: with all fields Dovecot needs half as long again, and sends
    /// twice as much. A candidate's other fields come with its body; a new message may be moved away before that.
    pub(crate) fn of(&self, old: bool) -> &str {
        if old { &self.old } else { &self.new }
    }
}

fn items(capabilities: &Capabilities, fields: &[&str]) -> String {
    let gmail = if capabilities.has("X-GM-EXT-1") { " X-GM-THRID" } else { "" };
    let thread = if capabilities.has("OBJECTID") { " THREADID" } else { "" };
    let fields = fields.join(" ");
    format!("(UID INTERNALDATE RFC822.SIZE{gmail}{thread} BODY.PEEK[HEADER.FIELDS ({fields})])")
}
