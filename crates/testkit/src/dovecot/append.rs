//! APPEND, for messages with a date and flags of their own; doveadm can't set them.

use anyhow::Result;
use jiff::Timestamp;

use super::Dovecot;
use crate::mail_client::MailClient;

impl Dovecot {
    /// Puts a message into `folder` (created where missing) with flags such as `\Seen`, received at `received_at`.
    ///
    /// # Errors
    /// When Dovecot refuses.
    pub async fn append(
        &self,
        user: &str,
        folder: &str,
        raw: &[u8],
        flags: &[&str],
        received_at: Timestamp,
    ) -> Result<()> {
        let mut client = MailClient::sign_in(self.port(), user, self.password()).await?;
        client.append(folder, raw, flags, received_at).await
    }
}
