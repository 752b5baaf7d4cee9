//! The folder that a session has open, as the client knows it.

use anyhow::Result;

use super::command::Progress;
use super::fetch::flags_changed;
use super::folder::Folder;

/// The client's view: sequence numbers are positions in `uids`.
pub(super) struct Selected {
    pub(super) name: String,
    pub(super) read_only: bool,
    /// UIDs by sequence number, as the client has heard of them.
    pub(super) uids: Vec<u32>,
    uid_validity: u32,
    modseq: u64,
}

impl Selected {
    pub(super) fn new(name: &str, folder: &Folder, read_only: bool) -> Self {
        Self {
            name: name.to_owned(),
            read_only,
            uids: folder.messages.keys().copied().collect(),
            uid_validity: folder.uid_validity,
            modseq: folder.highest_modseq,
        }
    }

    /// Sequence numbers and UIDs.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (u32, u32)> {
        (1..).zip(self.uids.iter().copied())
    }

    pub(super) fn last_uid(&self) -> u32 {
        self.uids.last().copied().unwrap_or_default()
    }

    pub(super) fn last_seq(&self) -> u32 {
        u32::try_from(self.uids.len()).unwrap_or(u32::MAX)
    }

    /// Tells the client what changed since it last heard. A folder that has gone, or has new UIDs, ends the session.
    pub(super) fn sync(
        &mut self,
        folder: Option<&Folder>,
        expunges: bool,
        condstore: bool,
    ) -> Result<Progress> {
        let Some(folder) = folder.filter(|folder| folder.uid_validity == self.uid_validity) else {
            return Ok(Progress { bytes: b"* BYE the folder has changed\r\n".to_vec(), close: true });
        };
        let mut bytes = Vec::new();
        if expunges {
            let gone =
                self.numbered().filter(|(_, uid)| !folder.messages.contains_key(uid)).collect::<Vec<_>>();
            for (seq, _) in gone.iter().rev() {
                bytes.extend(format!("* {seq} EXPUNGE\r\n").into_bytes());
            }
            self.uids.retain(|uid| folder.messages.contains_key(uid));
        }
        for (seq, uid) in self.numbered() {
            if let Some(message) = folder.messages.get(&uid)
                && message.modseq > self.modseq
            {
                bytes.extend(flags_changed(seq, uid, message, condstore)?);
            }
        }
        self.modseq = folder.highest_modseq;
        let known = self.last_uid();
        let new = folder.messages.range(known.saturating_add(1)..).map(|(uid, _)| *uid).collect::<Vec<_>>();
        if !new.is_empty() {
            self.uids.extend(new);
            bytes.extend(format!("* {} EXISTS\r\n* 0 RECENT\r\n", self.uids.len()).into_bytes());
        }
        Ok(Progress { bytes, close: false })
    }
}
