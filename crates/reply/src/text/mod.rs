//! The newly written text of a message: what its author typed, without quotes, attribution lines, signatures and
//! disclaimers.
//!
//! Kept: the author's paragraphs, answers between quotes, the comment above a forward. Dropped: quotes marked by `>` or by
//! markup, the lines that introduce them, everything below a client's header block (`From: … Sent: … Subject: …`),
//! signatures, "Sent from my phone" lines, legal footers and gateways' banners. All languages of `phrases/` at once.
//!
//! ```
//! use answerback_reply::text::{Flowed, from_plain};
//! let body = "Yes, Tuesday works.\n\nBest regards,\nKevin\n\nOn Mon, Nov 23, 2026 at 9:00 AM Rep <rep@sales.example> wrote:\n> Tuesday?\n";
//! assert_eq!(from_plain(body, Flowed::No), "Yes, Tuesday works.");
//! ```

mod attribution;
mod entity;
mod header_block;
mod html;
mod line;
mod markup;
mod plain;
mod signature;
mod strip;
mod tag;

use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};

/// Text beyond this many bytes of a part is not looked at.
pub const MAX_TEXT: usize = 256 * 1024;
/// Markup beyond this many bytes of a part is not looked at.
pub const MAX_HTML: usize = 4 * 1024 * 1024;
/// Parts beyond this many are not looked at.
const MAX_PARTS: usize = 16;

/// How a text/plain part was wrapped (RFC 3676).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flowed {
    /// `format=fixed`, or no parameter: lines stand as they are.
    #[default]
    No,
    /// `format=flowed`: a line that ends in a space goes on in the next.
    Yes,
    /// `format=flowed; delsp=yes`: as above, and that space is not part of the text.
    DelSp,
}

/// The newly written text of one whole message, or of a prefix of one cut anywhere. Empty where it has none or where
/// it is no message.
pub fn newly_written(raw: &[u8]) -> String {
    MessageParser::default().parse(raw).map(|message| from_message(&message)).unwrap_or_default()
}

/// The newly written text of a message that was parsed already.
///
/// Its text/plain parts are taken where they say something, else its text/html parts; attachments and attached messages never.
pub fn from_message(message: &Message<'_>) -> String {
    let plain = message.text_body.iter().take(MAX_PARTS).filter_map(|&id| message.part(id));
    let text = join(plain.filter(|part| is_body(part)).map(from_part));
    if !text.is_empty() {
        return text;
    }
    let html = message.html_body.iter().take(MAX_PARTS).filter_map(|&id| message.part(id));
    join(html.filter(|part| is_body(part) && matches!(part.body, PartType::Html(_))).map(from_part))
}

/// The newly written text of a decoded text/plain part.
pub fn from_plain(text: &str, flowed: Flowed) -> String {
    strip::newly_written(plain::lines(head(text, MAX_TEXT), flowed))
}

/// The newly written text of a decoded text/html part.
pub fn from_html(html: &str) -> String {
    strip::newly_written(html::lines(head(html, MAX_HTML)))
}

fn from_part(part: &MessagePart<'_>) -> String {
    match &part.body {
        PartType::Text(text) => from_plain(text, flowed(part)),
        PartType::Html(html) => from_html(html),
        _ => String::new(),
    }
}

/// What a mail program shows as the message: text/plain, text/html, or no type at all.
fn is_body(part: &MessagePart<'_>) -> bool {
    let Some(content_type) = part.content_type() else { return true };
    let subtype = content_type.subtype().unwrap_or("plain");
    content_type.ctype().eq_ignore_ascii_case("text")
        && ["plain", "html", "enriched", "x-plain"].iter().any(|known| subtype.eq_ignore_ascii_case(known))
}

fn flowed(part: &MessagePart<'_>) -> Flowed {
    let parameter = |name, value: &str| {
        part.content_type().and_then(|t| t.attribute(name)).is_some_and(|v| v.eq_ignore_ascii_case(value))
    };
    match (parameter("format", "flowed"), parameter("delsp", "yes")) {
        (false, _) => Flowed::No,
        (true, false) => Flowed::Yes,
        (true, true) => Flowed::DelSp,
    }
}

fn join(texts: impl Iterator<Item = String>) -> String {
    let mut joined = String::new();
    for text in texts.filter(|text| !text.is_empty()) {
        if !joined.is_empty() {
            joined.push_str("\n\n");
        }
        joined.push_str(&text);
    }
    joined
}

/// At most `limit` bytes, cut between characters.
fn head(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests;
