//! Reads the beginning of messages.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ImapMailbox;
use crate::imap::client::Failure;
use crate::imap::command::Command;
use crate::imap::plan::Step;
use crate::imap::response::Untagged;
use crate::imap::session::must;
use crate::imap::uid_set::UidSet;
use crate::imap::wire::LITERAL_LIMIT;
use crate::{Error, MessageRef};

impl ImapMailbox {
    /// Opens the folder of a message, and gives its UID; `None` when it is not there any more.
    pub(super) async fn go_to(&mut self, at: &MessageRef) -> Result<Option<u32>, Error> {
        let parsed = at
            .id
            .split_once(':')
            .and_then(|(v, uid)| Some((v.parse::<u32>().ok()?, uid.parse::<u32>().ok()?)));
        let (Some((validity, uid)), Some(id)) = (parsed, self.plan.find(&at.folder)) else { return Ok(None) };
        if self.plan.open() != Some(id) {
            while !self.requests.is_empty() {
                self.receive().await?;
            }
            self.pass_on_news();
            self.examine(id).await?;
            if self.plan.is_half_open() {
                self.highest().await?;
            }
        }
        let there = self.plan.open() == Some(id) && self.plan.open_validity() == Some(validity);
        Ok(there.then_some(uid))
    }

    /// Asks for all messages of a folder with one command: a server opens the folder's files once for it.
    pub(super) async fn read_bodies(
        &mut self,
        at: &[MessageRef],
        max_bytes: u32,
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.end_idle().await?;
        let mut bodies = Vec::with_capacity(at.len());
        for at in at.chunk_by(|a, b| a.folder == b.folder) {
            let mut uids = Vec::with_capacity(at.len());
            for at in at {
                uids.push(self.go_to(at).await?);
            }
            let mut came = BTreeMap::new();
            self.client.limit_literals(LITERAL_LIMIT.max(usize::try_from(max_bytes).unwrap_or(usize::MAX)));
            let mut wanted = UidSet::from_uids(uids.iter().flatten().copied().collect());
            while !wanted.is_empty() {
                let next = wanted.take_lowest(u32::MAX);
                if !self.read_together(&next, max_bytes, &mut came).await? {
                    for uid in next.uids() {
                        // What is refused singly is gone.
                        self.read_together(&UidSet::range(uid, uid), max_bytes, &mut came).await?;
                    }
                }
            }
            self.client.limit_literals(LITERAL_LIMIT);
            bodies.extend(uids.into_iter().map(|uid| came.remove(&uid?).flatten()));
        }
        Ok(bodies)
    }

    /// `false` when the server refused: RFC 2180 §4.1 lets it do so where one of them was just deleted.
    async fn read_together(
        &mut self,
        uids: &UidSet,
        max_bytes: u32,
        came: &mut BTreeMap<u32, Option<Vec<u8>>>,
    ) -> Result<bool, Error> {
        let items = format!("(UID BODY.PEEK[]<0.{max_bytes}>)");
        let command = Command::new("UID FETCH").word(&uids.to_string()).word(&items);
        let sent = self.client.send(&command).await;
        let tag = must(&self.client, "read a message", sent)?;
        while let Some(Step::Request { uids, old }) = self.plan.request_behind_bodies(Timestamp::now()) {
            self.request(uids, old).await?;
        }
        let mut note = |response: Untagged<'_>| match response {
            Untagged::Fetch(row) if row.body.is_some() => {
                let body = row.body.flatten().map(|bytes| bytes.into_owned());
                came.extend(row.uid.map(|uid| (uid, body)));
            }
            other => self.rows.note(other),
        };
        match self.client.complete(&tag, &mut note).await {
            Ok(()) => Ok(true),
            Err(Failure::Refused(refusal)) if !refusal.is_passing() => Ok(false),
            result => must(&self.client, "read a message", result.map(|()| true)),
        }
    }
}
