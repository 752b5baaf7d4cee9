//! Compresses the connection where a first scan comes slowly (RFC 4978).

use super::ImapMailbox;
use crate::imap::client::Failure;
use crate::imap::command::Command;
use crate::imap::session::must;
use crate::{Error, ErrorKind};

impl ImapMailbox {
    /// Turns compression on when the link turned out to be slow. Asked before more of a first scan is requested, since nothing
    /// else is worth it: waiting for mail takes next to nothing.
    pub(super) async fn compress_if_slow(&mut self) -> Result<(), Error> {
        if !self.may_compress || !self.link.is_slow() {
            return Ok(());
        }
        self.may_compress = false;
        // It must be the only command under way.
        while !self.requests.is_empty() {
            self.receive().await?;
        }
        match self.client.compress(&mut |response| self.rows.note(response)).await {
            Ok(()) => self.compressed = true,
            Err(Failure::Refused(refusal)) if !refusal.is_passing() => {
                self.compression.set_broken();
                return Ok(());
            }
            result => return must(&self.client, "compress the connection", result),
        }
        let proof = self.command("go on compressed", Command::new("NOOP")).await;
        if proof.as_ref().is_err_and(|error| error.kind == ErrorKind::TimedOut) {
            // A server has hung at this (chatmail/core 1.157.2).
            self.compression.set_broken();
        }
        proof?;
        tracing::debug!("the link is slow; the connection is compressed");
        Ok(())
    }

    /// Nonsense on a compressed connection may be the compression's fault: the next one does without.
    pub(super) fn blame(&self, error: Error) -> Error {
        if self.compressed && error.kind == ErrorKind::Protocol {
            self.compression.set_broken();
        }
        error
    }
}
