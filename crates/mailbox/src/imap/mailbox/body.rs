//! Reads the beginning of messages.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ImapMailbox;
use crate::imap::client::{Failure, Tag};
use crate::imap::command::Command;
use crate::imap::plan::Step;
use crate::imap::response::Untagged;
use crate::imap::session::must;
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

    /// Asks for the messages one after the other without waiting for each, so that many cost one round trip.
    pub(super) async fn read_bodies(
        &mut self,
        at: &[MessageRef],
        max_bytes: u32,
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.end_idle().await?;
        let mut bodies = Vec::with_capacity(at.len());
        for at in at.chunk_by(|a, b| a.folder == b.folder) {
            let mut sent = Vec::with_capacity(at.len());
            for at in at {
                sent.push(match self.go_to(at).await? {
                    Some(uid) => Some((uid, self.request_body(uid, max_bytes).await?)),
                    None => None,
                });
            }
            self.keep_the_server_busy().await?;
            self.client.limit_literals(LITERAL_LIMIT.max(usize::try_from(max_bytes).unwrap_or(usize::MAX)));
            let mut came = BTreeMap::new();
            for sent in &sent {
                bodies.push(match sent {
                    Some((uid, tag)) => self.receive_body(*uid, tag, &mut came).await?,
                    None => None,
                });
            }
            self.client.limit_literals(LITERAL_LIMIT);
        }
        Ok(bodies)
    }

    async fn keep_the_server_busy(&mut self) -> Result<(), Error> {
        while let Some(Step::Request { uids, old }) = self.plan.request_behind_bodies(Timestamp::now()) {
            self.request(uids, old).await?;
        }
        Ok(())
    }

    pub(super) async fn request_body(&mut self, uid: u32, max_bytes: u32) -> Result<Tag, Error> {
        let items = format!("(UID BODY.PEEK[]<0.{max_bytes}>)");
        let sent = self.client.send(&Command::new("UID FETCH").word(&uid.to_string()).word(&items)).await;
        must(&self.client, "read a message", sent)
    }

    pub(super) async fn receive_body(
        &mut self,
        uid: u32,
        tag: &Tag,
        came: &mut BTreeMap<u32, Option<Vec<u8>>>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let mut note = |response: Untagged<'_>| match response {
            Untagged::Fetch(row) if row.body.is_some() => {
                let body = row.body.flatten().map(|bytes| bytes.into_owned());
                came.extend(row.uid.map(|uid| (uid, body)));
            }
            other => self.rows.note(other),
        };
        match self.client.complete(tag, &mut note).await {
            Ok(()) => Ok(came.remove(&uid).flatten()),
            Err(Failure::Refused(refusal)) if !refusal.is_passing() => Ok(None),
            result => must(&self.client, "read a message", result.map(|()| None)),
        }
    }
}
