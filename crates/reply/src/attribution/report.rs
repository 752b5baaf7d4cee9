//! Rung 3: the original, or its header, that a DSN, MDN or ARF report returns.

use crate::{
    Kind, MessageId, Rung,
    index::{Key, SendIndex},
    kind::Classification,
    message::{Message, Original, ReportPart, ids},
};

use super::{Hit, quoted_id};

/// Whether a message of this kind returns the mail that it speaks of.
const fn returns_original(kind: Kind) -> bool {
    matches!(kind, Kind::Bounce | Kind::Delay | Kind::Receipt | Kind::Complaint | Kind::Challenge)
}

/// The send that a report names.
pub(super) fn find<'x>(message: &Message, kind: &Classification, sends: &'x SendIndex) -> Option<Hit<'x>> {
    if !returns_original(kind.kind) {
        return None;
    }
    let named = message.body.reports.iter().flat_map(original_ids);
    let by_field = named.into_iter().find_map(|id| by_id(&id, sends));
    by_field
        .or_else(|| message.body.originals.iter().find_map(|original| by_original(original, sends)))
        // Reports that are no multipart return the original in their text.
        .or_else(|| quoted_id::find(message, sends).map(|hit| Hit { rung: Rung::Report, ..hit }))
}

fn by_original<'x>(original: &Original, sends: &'x SendIndex) -> Option<Hit<'x>> {
    let by_marker = original.marker.as_deref().and_then(|marker| by_marker(marker, sends));
    by_marker.or_else(|| original.ids.iter().find_map(|id| by_id(id, sends)))
}

fn by_id<'x>(id: &MessageId, sends: &'x SendIndex) -> Option<Hit<'x>> {
    let found: Vec<_> = sends.by_key(Key::Id(id.as_str())).collect();
    (!found.is_empty()).then(|| Hit { rung: Rung::Report, value: id.to_string(), sends: found })
}

pub(super) fn by_marker<'x>(marker: &str, sends: &'x SendIndex) -> Option<Hit<'x>> {
    let found: Vec<_> = sends.by_key(Key::Marker(marker.trim())).collect();
    (!found.is_empty()).then(|| Hit { rung: Rung::Report, value: marker.trim().to_owned(), sends: found })
}

/// Original-Message-ID (RFC 8098 §3.2.5) and what delivery reports write beyond RFC 3464: X-Original-Message-ID
/// (Exim, IBM, Oracle), X-Message-ID, and an envelope id that platforms fill with the Message-ID (RFC 3461 §4.4).
fn original_ids(report: &ReportPart) -> Vec<MessageId> {
    let mut found = Vec::new();
    for line in report.text.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let name = name.trim();
        let names_id = name.len() <= 40
            && (name.to_ascii_lowercase().ends_with("message-id")
                || name.eq_ignore_ascii_case("original-envelope-id"));
        if names_id && found.len() < 8 {
            ids::parse_into(value.as_bytes(), &mut found);
        }
    }
    found
}
