//! Reads the bodies of a batch's candidates some at a time: with a round trip for each, a first scan would mostly wait.

use std::collections::{HashMap, VecDeque};

use answerback_mailbox::{FoundMessage, Mailbox, MessageRef};
use answerback_reply::{Message, Triage};

use super::batch::Error;
use crate::context::Context;
use crate::judging::BODY_PREFIX;

/// Bodies that are asked for at once, so that they take a few megabytes at most.
const AT_ONCE: usize = 16;

/// What is going to be needed, and what of it was read.
#[derive(Default)]
pub struct ReadAhead {
    waiting: VecDeque<MessageRef>,
    read: HashMap<String, Option<Vec<u8>>>,
}

impl ReadAhead {
    /// The candidates of what was looked at that were not judged before.
    pub async fn of(
        context: &Context,
        looked: impl Iterator<Item = (&FoundMessage, &(Message, Triage))>,
    ) -> Result<Self, Error> {
        let candidates = looked.filter(|(_, (_, triage))| *triage == Triage::Candidate);
        let candidates: Vec<(MessageRef, String)> =
            candidates.map(|(found, (message, _))| (found.at.clone(), message.key())).collect();
        if candidates.is_empty() {
            return Ok(Self::default());
        }
        let new = move |store: &mut answerback_store::Store| {
            let mut new = VecDeque::new();
            for (at, key) in candidates {
                if !store.is_judged(&key)? {
                    new.push_back(at);
                }
            }
            Ok(new)
        };
        Ok(Self { waiting: context.storage.call(new).await?, read: HashMap::new() })
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
