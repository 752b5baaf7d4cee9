//! Reads the bodies that a batch needs some at a time: with a round trip for each, a first scan would mostly wait.

use std::collections::{HashMap, VecDeque};

use answerback_mailbox::{FoundMessage, Mailbox, MessageRef};
use answerback_reply::{Message, Triage};

use super::batch::Error;
use crate::context::{Context, Rules};
use crate::judging::{self, BODY_PREFIX};

/// Bodies that are asked for at once, so that they take a few megabytes at most.
const AT_ONCE: usize = 16;

/// Why a body is needed, unless the store says otherwise.
enum Reason {
    /// The message may answer a send and was not judged before.
    Unjudged { key: String },
    /// It is the own copy of a send, whose text answers will quote.
    UnknownText { send_id: String },
}

/// What is going to be needed, and what of it was read.
#[derive(Default)]
pub struct ReadAhead {
    waiting: VecDeque<MessageRef>,
    read: HashMap<String, Option<Vec<u8>>>,
}

impl ReadAhead {
    /// The candidates of what was looked at that were not judged before, and the own copies of sends whose text isn't known.
    pub async fn of(
        context: &Context,
        rules: &Rules,
        looked: impl Iterator<Item = (&FoundMessage, &(Message, Triage))>,
    ) -> Result<Self, Error> {
        let reason = |message: &Message, triage: Triage| match triage {
            Triage::Unrelated => None,
            Triage::Candidate => Some(Reason::Unjudged { key: message.key() }),
            Triage::Own => {
                let copy = context.with_sends(|sends| judging::own_copy(rules, sends, message))?;
                Some(Reason::UnknownText { send_id: copy.send_id })
            }
        };
        let wanted: Vec<(MessageRef, Reason)> = looked
            .filter_map(|(found, (message, triage))| Some((found.at.clone(), reason(message, *triage)?)))
            .collect();
        if wanted.is_empty() {
            return Ok(Self::default());
        }
        let needed = move |store: &mut answerback_store::Store| {
            let mut needed = VecDeque::new();
            for (at, reason) in wanted {
                let known = match reason {
                    Reason::Unjudged { key } => store.is_judged(&key)?,
                    Reason::UnknownText { send_id } => store.knows_text(&send_id)?,
                };
                if !known {
                    needed.push_back(at);
                }
            }
            Ok(needed)
        };
        Ok(Self { waiting: context.storage.brief(needed).await?, read: HashMap::new() })
    }

    /// The body of one of them (`None` in it: gone meanwhile), together with those of the next. `None` when it is none of them.
    pub async fn take(
        &mut self,
        mailbox: &mut impl Mailbox,
        at: &MessageRef,
    ) -> Result<Option<Option<Vec<u8>>>, Error> {
        if !self.read.contains_key(&at.id) && self.waiting.contains(at) {
            // Those before it turned out not to be needed.
            while self.waiting.front().is_some_and(|next| next != at) {
                self.waiting.pop_front();
            }
            let next: Vec<MessageRef> = self.waiting.drain(..self.waiting.len().min(AT_ONCE)).collect();
            let bodies = mailbox.bodies(&next, BODY_PREFIX).await?;
            self.read.extend(next.into_iter().map(|at| at.id).zip(bodies));
        }
        Ok(self.read.remove(&at.id))
    }
}
