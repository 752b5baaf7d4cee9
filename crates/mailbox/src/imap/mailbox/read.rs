//! Reads the header fields of messages.

use super::{ImapMailbox, Requested};
use crate::imap::capability::Capabilities;
use crate::imap::client::Failure;
use crate::imap::command::Command;
use crate::imap::items::FetchItems;
use crate::imap::response::{Outcome, Untagged};
use crate::imap::rows::Facts;
use crate::imap::session::must;
use crate::imap::uid_set::UidSet;
use crate::{Error, FoundMessage, MessageRef};

impl ImapMailbox {
    pub(super) async fn request(&mut self, uids: UidSet, old: bool) -> Result<(), Error> {
        let command = Command::new("UID FETCH").word(&uids.to_string()).word(self.items.of(old));
        let sent = self.client.send(&command).await;
        let tag = must(&self.client, "read messages", sent)?;
        self.requests.push_back(Requested { tag, uids, old });
        Ok(())
    }

    pub(super) async fn receive(&mut self) -> Result<(), Error> {
        let Some(Requested { tag, uids, old }) = self.requests.pop_front() else { return Ok(()) };
        let (received, waited) = self.client.pace();
        let mut result = self.client.complete(&tag, &mut |response| self.rows.note(response)).await;
        let (received_by_now, waited_by_now) = self.client.pace();
        self.link.note(received_by_now - received, waited_by_now - waited);
        if matches!(&result, Err(Failure::Refused(refusal)) if refusal.outcome == Outcome::Bad) {
            // An extension that is announced and not understood must not cost the messages.
            self.items = FetchItems::new(&Capabilities::default());
            let command = Command::new("UID FETCH").word(&uids.to_string()).word(self.items.of(old));
            result = self.client.run(&command, &mut |response| self.rows.note(response)).await;
        }
        let refused = match result {
            Ok(()) => false,
            // RFC 2180 §4.1: some of them may just have been deleted. Which, is found out one by one.
            Err(Failure::Refused(refusal)) if !refusal.is_passing() => true,
            result => return must(&self.client, "read messages", result),
        };
        let found = self.rows.take(&uids);
        let incomplete = found.iter().any(|(_, facts)| facts.header.is_none());
        let found = if refused || incomplete || self.rows.take_unreadable() > 0 {
            self.read_singly(&uids, found).await?
        } else {
            found
        };
        let messages = found.into_iter().map(|(uid, facts)| (uid, self.found(uid, facts))).collect();
        if self.requests.is_empty() {
            self.rows.clear();
        }
        self.plan.received(messages);
        Ok(())
    }

    /// Asks again for what is there and didn't come, message by message. One that can't be read even so is handed
    /// over without its header: it must neither block the folder nor get lost in silence (chatmail/core#7290).
    pub(super) async fn read_singly(
        &mut self,
        uids: &UidSet,
        found: Vec<(u32, Facts)>,
    ) -> Result<Vec<(u32, Facts)>, Error> {
        let mut whole: Vec<(u32, Facts)> =
            found.into_iter().filter(|(_, facts)| facts.header.is_some()).collect();
        let mut there = Vec::new();
        let command = Command::new("UID FETCH").word(&uids.to_string()).word("(UID)");
        let mut note = |response: Untagged<'_>| match response {
            Untagged::Fetch(row) if row.header.is_none() => {
                there.extend(row.uid.filter(|uid| uids.contains(*uid)));
            }
            other => self.rows.note(other),
        };
        let result = self.client.run(&command, &mut note).await;
        must(&self.client, "list messages", result)?;
        for uid in UidSet::from_uids(there).uids() {
            if whole.iter().any(|(known, _)| *known == uid) {
                continue;
            }
            let one = UidSet::range(uid, uid);
            let command = Command::new("UID FETCH").word(&one.to_string()).word(self.items.of(false));
            match self.client.run(&command, &mut |response| self.rows.note(response)).await {
                Ok(()) => {}
                Err(Failure::Refused(refusal)) if !refusal.is_passing() => {}
                result => must(&self.client, "read a message", result)?,
            }
            let (_, facts) = self.rows.take(&one).pop().unwrap_or_default();
            if facts.header.is_none() {
                tracing::warn!(uid, "a message can't be read; it is reported without its header");
            }
            whole.push((uid, facts));
        }
        whole.sort_by_key(|(uid, _)| *uid);
        Ok(whole)
    }

    pub(super) fn found(&self, uid: u32, facts: Facts) -> FoundMessage {
        let folder = self.plan.open_name().to_owned();
        let id = format!("{}:{uid}", self.plan.open_validity().unwrap_or(0));
        FoundMessage {
            at: MessageRef { folder, id },
            received_at: facts.received_at,
            size: facts.size,
            header: facts.header.unwrap_or_default(),
            thread_ids: facts.thread_ids,
        }
    }
}
