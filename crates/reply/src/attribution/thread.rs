//! Rungs 4 and 5: the provider's thread, and answers to what was itself attributed.

use crate::{
    Rung,
    index::{Key, SendIndex},
    message::Message,
};

use super::Hit;

/// X-GM-THRID, THREADID, ConversationId as the caller set them, and the root of Thread-Index.
pub(super) fn by_thread<'x>(message: &Message, sends: &'x SendIndex) -> Option<Hit<'x>> {
    message.threads().find_map(|thread| {
        let found: Vec<_> = sends.by_key(Key::Thread(thread)).collect();
        (!found.is_empty()).then(|| Hit { rung: Rung::ThreadId, value: thread.to_owned(), sends: found })
    })
}

/// The nearest parent that was attributed: an answer to a forward, or to the rep's own follow-up.
pub(super) fn by_chain<'x>(message: &Message, sends: &'x SendIndex) -> Option<Hit<'x>> {
    let parents = message.in_reply_to.iter().chain(message.references.iter().rev());
    parents.filter(|id| Some(*id) != message.message_id.as_ref()).find_map(|id| {
        let found: Vec<_> = sends.by_key(Key::Chain(id.as_str())).collect();
        (!found.is_empty()).then(|| Hit { rung: Rung::Chain, value: id.to_string(), sends: found })
    })
}
