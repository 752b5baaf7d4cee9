//! Rungs 1 and 2: the ids in In-Reply-To and References.

use crate::{
    MessageId, Rung,
    index::{Key, SendIndex},
    message::Message,
};

use super::Hit;

/// Any id in In-Reply-To, not only the first: clients list several.
pub(super) fn in_reply_to<'x>(message: &Message, sends: &'x SendIndex) -> Option<Hit<'x>> {
    find(Rung::InReplyTo, message.in_reply_to.iter(), message, sends)
}

/// References from right to left: the nearest ancestor that is a send.
pub(super) fn references<'x>(message: &Message, sends: &'x SendIndex) -> Option<Hit<'x>> {
    find(Rung::References, message.references.iter().rev(), message, sends)
}

fn find<'x, 'm>(
    rung: Rung,
    mut ids: impl Iterator<Item = &'m MessageId>,
    message: &Message,
    sends: &'x SendIndex,
) -> Option<Hit<'x>> {
    ids.find_map(|id| {
        // A message that refers to itself answers nothing.
        if Some(id) == message.message_id.as_ref() {
            return None;
        }
        let found: Vec<_> = sends.by_key(Key::Id(id.as_str())).collect();
        (!found.is_empty()).then(|| Hit { rung, value: id.to_string(), sends: found })
    })
}
