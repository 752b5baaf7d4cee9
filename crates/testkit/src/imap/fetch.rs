//! What FETCH shows of a message.

use std::num::{NonZeroU32, NonZeroU64};

use anyhow::{Context as _, Result, bail};
use imap_codec::ResponseCodec;
use imap_codec::encode::Encoder as _;
use imap_types::core::{AString, Literal, NString, Vec1};
use imap_types::datetime::DateTime;
use imap_types::fetch::{MessageDataItem, MessageDataItemName, Section};
use imap_types::flag::{Flag, FlagFetch};
use imap_types::response::{Data, Response};
use jiff::Timestamp;

use super::folder::StoredMessage;

/// What a client wants to see of each message.
pub(super) struct Wanted<'a> {
    pub(super) items: Vec<MessageDataItemName<'a>>,
    /// Items that imap-codec doesn't know, such as X-GM-THRID.
    pub(super) ids: Vec<IdItem>,
}

/// Ids of messages and threads: Gmail's own, and those of RFC 8474.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdItem {
    GmailMessage,
    GmailThread,
    Email,
    Thread,
}

impl IdItem {
    pub(super) const ALL: [Self; 4] = [Self::GmailMessage, Self::GmailThread, Self::Email, Self::Thread];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::GmailMessage => "X-GM-MSGID",
            Self::GmailThread => "X-GM-THRID",
            Self::Email => "EMAILID",
            Self::Thread => "THREADID",
        }
    }

    /// The capability that promises it.
    pub(super) fn capability(self) -> &'static str {
        match self {
            Self::GmailMessage | Self::GmailThread => "X-GM-EXT-1",
            Self::Email | Self::Thread => "OBJECTID",
        }
    }

    fn value(self, message: &StoredMessage) -> String {
        match self {
            Self::GmailMessage => message.gmail_id.to_string(),
            Self::GmailThread => message.gmail_thread.to_string(),
            Self::Email => format!("(M{})", message.gmail_id),
            Self::Thread => format!("(T{})", message.gmail_thread),
        }
    }
}

impl Wanted<'_> {
    /// Whether reading these marks a message as read (RFC 3501 §6.4.5: everything but PEEK).
    pub(super) fn marks_as_read(&self) -> bool {
        self.items.iter().any(|item| {
            matches!(
                item,
                MessageDataItemName::BodyExt { peek: false, .. }
                    | MessageDataItemName::Rfc822
                    | MessageDataItemName::Rfc822Text
            )
        })
    }

    /// One FETCH response.
    ///
    /// # Errors
    /// For an item that this server doesn't have.
    pub(super) fn response(&self, seq: u32, uid: u32, message: &StoredMessage) -> Result<Vec<u8>> {
        let items = self.items.iter().map(|name| item(name, uid, message)).collect::<Result<Vec<_>>>()?;
        let mut line = fetch(seq, items)?;
        for id in &self.ids {
            let end = line.len().saturating_sub(b")\r\n".len());
            line.splice(end..end, format!(" {} {}", id.name(), id.value(message)).into_bytes());
        }
        Ok(line)
    }
}

/// An unsolicited FETCH that tells of changed flags.
pub(super) fn flags_changed(seq: u32, uid: u32, message: &StoredMessage, modseq: bool) -> Result<Vec<u8>> {
    let mut items = vec![MessageDataItem::Uid(non_zero(uid)?), MessageDataItem::Flags(flags(message))];
    if modseq {
        items.push(MessageDataItem::ModSeq(NonZeroU64::new(message.modseq).context("No mod-sequence")?));
    }
    fetch(seq, items)
}

fn fetch(seq: u32, items: Vec<MessageDataItem<'_>>) -> Result<Vec<u8>> {
    let items = Vec1::try_from(items).context("A FETCH of nothing")?;
    Ok(ResponseCodec::new().encode(&Response::Data(Data::Fetch { seq: non_zero(seq)?, items })).dump())
}

fn item<'a>(
    name: &MessageDataItemName<'a>,
    uid: u32,
    message: &StoredMessage,
) -> Result<MessageDataItem<'a>> {
    Ok(match name {
        MessageDataItemName::Uid => MessageDataItem::Uid(non_zero(uid)?),
        MessageDataItemName::Flags => MessageDataItem::Flags(flags(message)),
        MessageDataItemName::InternalDate => {
            MessageDataItem::InternalDate(internal_date(message.received_at)?)
        }
        MessageDataItemName::Rfc822Size => MessageDataItem::Rfc822Size(u32::try_from(message.raw.len())?),
        MessageDataItemName::ModSeq => {
            MessageDataItem::ModSeq(NonZeroU64::new(message.modseq).context("No mod-sequence")?)
        }
        MessageDataItemName::Rfc822 => MessageDataItem::Rfc822(string(&message.raw)?),
        MessageDataItemName::Rfc822Header => MessageDataItem::Rfc822Header(string(split(&message.raw).0)?),
        MessageDataItemName::Rfc822Text => MessageDataItem::Rfc822Text(string(split(&message.raw).1)?),
        MessageDataItemName::BodyExt { section, partial, .. } => {
            let whole = section_bytes(section.as_ref(), &message.raw)?;
            let data = match partial {
                Some((from, count)) => {
                    let from = usize::try_from(*from)?;
                    let rest = whole.get(from..).unwrap_or_default();
                    rest.get(..usize::try_from(count.get())?).unwrap_or(rest).to_vec()
                }
                None => whole,
            };
            MessageDataItem::BodyExt {
                section: section.clone(),
                origin: partial.map(|(from, _)| from),
                data: string(&data)?,
            }
        }
        other => bail!("This server has no {other:?}"),
    })
}

fn section_bytes(section: Option<&Section<'_>>, raw: &[u8]) -> Result<Vec<u8>> {
    let (header, text) = split(raw);
    Ok(match section {
        None => raw.to_vec(),
        Some(Section::Header(None)) => header.to_vec(),
        Some(Section::Text(None)) => text.to_vec(),
        Some(Section::HeaderFields(None, names)) => fields(header, |field| named(names.as_ref(), field)),
        Some(Section::HeaderFieldsNot(None, names)) => fields(header, |field| !named(names.as_ref(), field)),
        Some(other) => bail!("This server has no section {other:?}"),
    })
}

/// The header block with its blank line, and the rest.
fn split(raw: &[u8]) -> (&[u8], &[u8]) {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n").map_or(raw.len(), |at| at + 4);
    raw.split_at_checked(end).unwrap_or((raw, &[]))
}

/// The header fields that `keep` wants, unfolded lines included, and the blank line (RFC 3501 §6.4.5).
fn fields(header: &[u8], keep: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut keeping = false;
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        if line == b"\r\n" {
            break;
        }
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
            keeping = keep(name.trim_ascii_end());
        }
        if keeping {
            kept.extend_from_slice(line);
        }
    }
    kept.extend_from_slice(b"\r\n");
    kept
}

fn named(names: &[AString<'_>], field: &[u8]) -> bool {
    names.iter().any(|name| name.as_ref().eq_ignore_ascii_case(field))
}

/// A header field's value with its folding left as it is; the first one where there are several.
pub(super) fn header_value(raw: &[u8], name: &str) -> Option<String> {
    let block = fields(split(raw).0, |field| field.eq_ignore_ascii_case(name.as_bytes()));
    let text = String::from_utf8_lossy(&block);
    let (_, value) = text.split_once(':')?;
    Some(value.trim().to_owned())
}

fn flags(message: &StoredMessage) -> Vec<FlagFetch<'static>> {
    let flag = |name: &String| Flag::try_from(name.as_str()).ok().map(|flag| to_static(&flag));
    message.flags.iter().filter_map(flag).map(FlagFetch::Flag).collect()
}

fn to_static(flag: &Flag<'_>) -> Flag<'static> {
    imap_types::ToStatic::to_static(flag)
}

fn internal_date(time: Timestamp) -> Result<DateTime> {
    let utc = chrono::DateTime::from_timestamp(time.as_second(), 0).context("A date out of range")?;
    Ok(DateTime::try_from(utc.fixed_offset())?)
}

/// A literal can't hold NUL; like other servers we show 0x80 in its place.
fn string(bytes: &[u8]) -> Result<NString<'static>> {
    let clean = bytes.iter().map(|byte| if *byte == 0 { 0x80 } else { *byte }).collect::<Vec<_>>();
    Ok(NString::from(Literal::try_from(clean)?))
}

pub(super) fn non_zero(number: u32) -> Result<NonZeroU32> {
    NonZeroU32::new(number).context("A zero where IMAP has none")
}
