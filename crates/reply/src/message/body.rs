//! What detection keeps of a body: texts, machine-readable reports, attached originals, calendar parts.

use mail_parser::decoders::base64::base64_decode;

use super::{
    content_type::ContentType,
    encoded_word::{decode_charset, decode_text},
    field::Field,
    header, ids,
    mime::{self, Encoding, Part},
};
use crate::MessageId;

/// What is decoded of one text part; the newly written text of an answer stands at its beginning.
const MAX_TEXT: usize = 256 * 1024;
/// What is decoded of one report or calendar part.
const MAX_REPORT: usize = 128 * 1024;
/// Parts of each sort that are kept.
const MAX_KEPT: usize = 16;

/// The parts of a body that detection looks at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Body {
    /// Plain and HTML texts that are no attachments, in order.
    pub texts: Vec<TextPart>,
    /// Machine-readable parts of reports.
    pub reports: Vec<ReportPart>,
    /// Attached messages, or their header blocks.
    pub originals: Vec<Original>,
    /// text/calendar parts.
    pub calendars: Vec<CalendarPart>,
    /// The media types of all other parts, with their file names.
    pub attachments: Vec<Attachment>,
    /// A part was left unread, or read in part, because the message goes beyond a limit.
    pub truncated: bool,
}

/// A text that is no attachment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextPart {
    /// HTML rather than plain text.
    pub html: bool,
    /// The decoded text.
    pub text: String,
    /// `format=flowed` (RFC 3676).
    pub flowed: bool,
    /// `delsp=yes` (RFC 3676).
    pub delsp: bool,
}

/// What a machine-readable part reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReportMedia {
    /// message/delivery-status and message/global-delivery-status (RFC 3464, RFC 6533).
    DeliveryStatus,
    /// message/disposition-notification and its global form (RFC 8098, RFC 6533).
    DispositionNotification,
    /// message/feedback-report (RFC 5965).
    FeedbackReport,
}

/// A machine-readable part of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportPart {
    /// What it reports.
    pub media: ReportMedia,
    /// Its fields, decoded, unparsed.
    pub text: String,
}

/// The header facts of an attached message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Original {
    /// Its Message-ID and those it was known by before a server replaced it.
    pub ids: Vec<MessageId>,
    /// The ids in its In-Reply-To and References.
    pub references: Vec<MessageId>,
    /// Its X-Answerback-Marker.
    pub marker: Option<String>,
    /// Its subject.
    pub subject: Option<String>,
    /// Addresses in its To and Cc.
    pub to: Vec<String>,
    /// Its author's address.
    pub from: Option<String>,
    /// Whether it stands inside a multipart/report.
    pub in_report: bool,
}

/// A text/calendar part (RFC 6047).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarPart {
    /// The method that the Content-Type names, in upper case.
    pub method: Option<String>,
    /// The iCalendar object.
    pub text: String,
}

/// Any other part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// `type/subtype` in lower case.
    pub media: String,
    /// Its file name.
    pub name: Option<String>,
}

impl Body {
    pub(crate) fn read(content_type: &ContentType, encoding: Encoding, raw: &[u8]) -> Self {
        let mut body = Self::default();
        let walked = mime::walk(content_type, encoding, raw, &mut |part| body.take(part));
        body.truncated |= walked.skipped;
        body
    }

    fn take(&mut self, part: &Part<'_>) {
        match part.content_type.media.as_str() {
            "message/delivery-status" | "message/global-delivery-status" => {
                self.take_report(ReportMedia::DeliveryStatus, part);
            }
            "message/disposition-notification" | "message/global-disposition-notification" => {
                self.take_report(ReportMedia::DispositionNotification, part);
            }
            "message/feedback-report" => self.take_report(ReportMedia::FeedbackReport, part),
            "message/rfc822"
            | "message/global"
            | "text/rfc822-headers"
            | "message/global-headers"
            | "message/rfc822-headers"
            | "text/rfc822" => self.take_original(part),
            "text/calendar" | "application/ics" => {
                if self.calendars.len() < MAX_KEPT {
                    let text = self.decode(part, MAX_REPORT);
                    self.calendars.push(CalendarPart { method: part.content_type.method.clone(), text });
                }
            }
            "text/html" => self.take_text(part, true),
            // A file name makes it an attachment, unless it is the only text (some relays name the body).
            media if media.starts_with("text/") => {
                if part.content_type.name.is_none() || self.texts.is_empty() {
                    self.take_text(part, false);
                }
            }
            media => {
                if self.attachments.len() < MAX_KEPT {
                    self.attachments
                        .push(Attachment { media: media.to_owned(), name: part.content_type.name.clone() });
                }
            }
        }
    }

    fn take_text(&mut self, part: &Part<'_>, html: bool) {
        if self.texts.len() < MAX_KEPT {
            let text = self.decode(part, MAX_TEXT);
            let (flowed, delsp) = (part.content_type.flowed, part.content_type.delsp);
            self.texts.push(TextPart { html, text, flowed, delsp });
        }
    }

    fn take_report(&mut self, media: ReportMedia, part: &Part<'_>) {
        if self.reports.len() < MAX_KEPT {
            let text = self.decode(part, MAX_REPORT);
            self.reports.push(ReportPart { media, text });
        }
    }

    fn take_original(&mut self, part: &Part<'_>) {
        if self.originals.len() < MAX_KEPT {
            let raw = decode_transfer(part.encoding, part.body.get(..MAX_REPORT).unwrap_or(part.body));
            self.originals.push(Original { in_report: part.in_report, ..Original::read(&raw) });
        }
    }

    fn decode(&mut self, part: &Part<'_>, limit: usize) -> String {
        // Encoded text is at most three times as long as what it says, apart from line breaks.
        let raw = match part.body.get(..limit) {
            Some(prefix) => {
                self.truncated = true;
                prefix
            }
            None => part.body,
        };
        let charset = part.content_type.charset.as_deref().map(str::as_bytes);
        match part.encoding {
            Encoding::Identity => decode_charset(raw, charset),
            encoding => decode_charset(&decode_transfer(encoding, raw), charset),
        }
    }
}

impl Original {
    /// Reads the header block at the beginning of `raw`.
    pub(crate) fn read(raw: &[u8]) -> Self {
        let mut original = Self::default();
        header::scan(raw, |field, value| match field {
            Field::MessageId | Field::GoogleOriginalMessageId | Field::MicrosoftOriginalMessageId => {
                ids::parse_into(value, &mut original.ids);
            }
            Field::InReplyTo | Field::References => ids::parse_into(value, &mut original.references),
            Field::Marker => original.marker = Some(decode_text(value)),
            Field::Subject => original.subject = Some(decode_text(value)),
            Field::From => {
                original.from =
                    super::address::parse_mailboxes(value).into_iter().next().map(|from| from.address);
            }
            Field::To | Field::Cc => {
                original.to.extend(super::address::parse_mailboxes(value).into_iter().map(|to| to.address));
            }
            _ => {}
        });
        original
    }
}

/// Undoes the transfer encoding; what is not in it stays as it is.
pub(crate) fn decode_transfer(encoding: Encoding, raw: &[u8]) -> Vec<u8> {
    match encoding {
        Encoding::Identity => raw.to_vec(),
        Encoding::Base64 => base64_decode(raw).unwrap_or_else(|| decode_broken_base64(raw)),
        Encoding::QuotedPrintable => decode_quoted_printable(raw),
    }
}

/// Foreign characters in base64 are ignored (RFC 2045 §6.8); mail lists append plain footers.
fn decode_broken_base64(raw: &[u8]) -> Vec<u8> {
    let clean: Vec<u8> = raw
        .iter()
        .copied()
        .filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        .collect();
    base64_decode(&clean).unwrap_or_default()
}

/// Quoted-printable (RFC 2045 §6.7), lenient: an escape that is none stays as it is.
fn decode_quoted_printable(raw: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'=', rest) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        decoded.extend_from_slice(before);
        rest = match from {
            [b'=', b'\n', tail @ ..] | [b'=', b'\r', b'\n', tail @ ..] => tail,
            [b'=', high, low, tail @ ..] => match hex_pair(*high, *low) {
                Some(byte) => {
                    decoded.push(byte);
                    tail
                }
                None => {
                    decoded.push(b'=');
                    from.get(1..).unwrap_or_default()
                }
            },
            [_, tail @ ..] => {
                decoded.extend_from_slice(tail);
                &[]
            }
            [] => &[],
        };
    }
    decoded.extend_from_slice(rest);
    decoded
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfer_encodings_are_undone_leniently() {
        for (encoding, raw, text) in [
            (Encoding::QuotedPrintable, "Caf=C3=A9 au=\r\n lait =3D =zz =", "Café au lait = =zz "),
            (Encoding::QuotedPrintable, "soft=\nbreak", "softbreak"),
            (Encoding::Base64, "aGVs\r\nbG8=", "hello"),
            (Encoding::Base64, "aGVs!bG8-", "hello"),
            (Encoding::Identity, "a=3D", "a=3D"),
        ] {
            assert_eq!(String::from_utf8_lossy(&decode_transfer(encoding, raw.as_bytes())), text, "{raw:?}");
        }
    }
}
