//! Looks at all folders: which there are, and how far each has come.

use std::collections::VecDeque;

use super::ImapMailbox;
use crate::Error;
use crate::imap::client::Failure;
use crate::imap::command::Command;
use crate::imap::folders::{self, Listed};
use crate::imap::plan::FolderId;
use crate::imap::response::{Figures, Untagged};
use crate::imap::session::must;

/// STATUS commands under way at once.
const STATUS_DEPTH: usize = 16;

impl ImapMailbox {
    /// Asks for reports of mail in the folders that aren't open (RFC 5465), which then come during IDLE. The rounds
    /// go on all the same: they prove that nothing was missed.
    pub(super) async fn notify(&mut self) -> Result<(), Error> {
        if !std::mem::take(&mut self.wants_notify) {
            return Ok(());
        }
        let command = Command::new("NOTIFY")
            .word("SET (SELECTED (MessageNew MessageExpunge)) (PERSONAL (MessageNew MessageExpunge))");
        match self.client.run(&command, &mut |response| self.rows.note(response)).await {
            Err(Failure::Refused(_)) => Ok(()),
            result => must(&self.client, "report mail in other folders", result),
        }
    }

    /// Finds out once which folders are other people's.
    pub(super) async fn ask_namespaces(&mut self) -> Result<(), Error> {
        if self.foreign.is_some() {
            return Ok(());
        }
        let mut prefixes = Vec::new();
        if self.capabilities.has("NAMESPACE") {
            let mut note = |response: Untagged<'_>| {
                if let Untagged::Namespace { foreign } = response {
                    prefixes = foreign;
                }
            };
            match self.client.run(&Command::new("NAMESPACE"), &mut note).await {
                Ok(()) | Err(Failure::Refused(_)) => {}
                Err(Failure::Broken(error)) => return Err(error),
            }
        }
        self.foreign = Some(prefixes);
        Ok(())
    }

    pub(super) async fn list(&mut self) -> Result<(), Error> {
        self.ask_namespaces().await?;
        // Before the first look, so that nothing falls between the look and the first report.
        self.notify().await?;
        if !self.plain_list {
            let special = if self.capabilities.has("SPECIAL-USE") { "SPECIAL-USE " } else { "" };
            let options = format!("(STATUS (MESSAGES UIDNEXT UIDVALIDITY) {special}CHILDREN)");
            match self.list_with(Command::new("LIST").word("\"\" \"*\" RETURN").word(&options)).await {
                Err(Failure::Refused(refusal)) if !refusal.is_passing() => self.plain_list = true,
                result => return must(&self.client, "list the folders", result),
            }
        }
        let result = self.list_with(Command::new("LIST").word("\"\" \"*\"")).await;
        must(&self.client, "list the folders", result)
    }

    pub(super) async fn list_with(&mut self, command: Command) -> Result<(), Failure> {
        let mut rows: Vec<(Listed, Option<Figures>)> = Vec::new();
        let mut status: Vec<(Vec<u8>, Figures)> = Vec::new();
        let mut note = |response: Untagged<'_>| match response {
            Untagged::List(row) => {
                if let Some(listed) = folders::listed(&row)
                    && rows.iter().all(|(known, _)| known.wire != listed.wire)
                {
                    rows.push((listed, None));
                }
            }
            Untagged::Status { folder, figures } => status.push((folder.into_owned(), figures)),
            other => self.rows.note(other),
        };
        self.client.run(&command, &mut note).await?;
        // Somebody else's mail is not the rep's to report, shared or not.
        let foreign = self.foreign.as_deref().unwrap_or_default();
        rows.retain(|(listed, _)| !foreign.iter().any(|prefix| listed.wire.starts_with(prefix)));
        for (listed, figures) in &mut rows {
            *figures = figures_of(&status, &listed.wire);
        }
        if rows.iter().all(|(listed, _)| !listed.folder.name.eq_ignore_ascii_case("INBOX")) {
            // It always exists (RFC 9051 §5.1), listed or not.
            rows.insert(0, (folders::inbox(), figures_of(&status, b"INBOX")));
        }
        self.plan.listed(rows);
        Ok(())
    }

    pub(super) async fn status(&mut self, ids: &[FolderId]) -> Result<(), Error> {
        for ids in ids.chunks(STATUS_DEPTH) {
            let mut sent = VecDeque::new();
            for id in ids {
                let command = Command::new("STATUS")
                    .string(self.plan.wire_name(*id))
                    .word("(MESSAGES UIDNEXT UIDVALIDITY)");
                match self.client.send(&command).await {
                    Ok(tag) => sent.push_back((*id, tag)),
                    Err(Failure::Refused(_)) => self.plan.status(*id, None),
                    Err(Failure::Broken(error)) => return Err(error),
                }
            }
            let mut status: Vec<(Vec<u8>, Figures)> = Vec::new();
            for (id, tag) in sent {
                let mut note = |response: Untagged<'_>| match response {
                    Untagged::Status { folder, figures } => status.push((folder.into_owned(), figures)),
                    other => self.rows.note(other),
                };
                match self.client.complete(&tag, &mut note).await {
                    Ok(()) => {
                        let figures = figures_of(&status, self.plan.wire_name(id));
                        self.plan.status(id, figures);
                    }
                    Err(Failure::Refused(refusal)) if !refusal.is_passing() => self.plan.status(id, None),
                    result => return must(&self.client, "check a folder", result),
                }
            }
        }
        Ok(())
    }
}

fn figures_of(status: &[(Vec<u8>, Figures)], wire: &[u8]) -> Option<Figures> {
    let same = |name: &[u8]| {
        name == wire || (wire.eq_ignore_ascii_case(b"INBOX") && name.eq_ignore_ascii_case(wire))
    };
    status.iter().rev().find(|(name, _)| same(name)).map(|(_, figures)| *figures)
}
