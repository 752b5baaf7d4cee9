//! The campaign of the story on real parts: a mail server, the reference backend, and a rep at the window.

use std::path::Path;

use answerback_testkit::{
    backend::Backend,
    campaign::Campaign,
    mail_server::{MailServer, PASSWORD},
    personas::REP,
    program,
};
use anyhow::{Context, Result};
use jiff::Timestamp;

use super::Window;

/// Everything that the window talks to.
pub struct Scene {
    pub campaign: Campaign,
    pub mail: MailServer,
    pub backend: Backend,
}

impl Scene {
    /// Starts the mail server and the backend; the campaign has gone out and nobody has answered yet.
    pub async fn start(folder: &Path) -> Result<Self> {
        let campaign = Campaign::new(Timestamp::now());
        let mail = MailServer::dovecot().await?;
        for (received_at, raw) in campaign.old_mail() {
            mail.append("INBOX", &raw, &["\\Seen"], received_at).await?;
        }
        for raw in campaign.sent_copies() {
            mail.append("Sent", &raw, &["\\Seen"], campaign.sent_at()).await?;
        }
        let backend = Backend::start(&program::find("answerback-backend")?, folder)?;
        backend.import(&campaign.sends())?;
        Ok(Self { campaign, mail, backend })
    }

    /// Fills in the form that adds the rep's mailbox.
    pub async fn describe_mailbox(&self, window: &Window, password: &str) -> Result<()> {
        window.see("[name=address]").await?;
        window.fill("address", REP.address).await?;
        window.fill("password", password).await?;
        window.fill("host", "localhost").await?;
        let doors = self.mail.imap().context("the mailbox is not reached over IMAP")?;
        window.fill("port", &doors.tls.to_string()).await?;
        window.click("form summary").await?;
        window.fill("colleagues", "sales.example").await?;
        window.fill("ca-file", doors.ca_file.to_str().context("a path that is not UTF-8")?).await
    }

    /// The password of the rep's mailbox.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Gets a code, and allows it on the backend's side.
    pub async fn pair(&self, window: &Window) -> Result<()> {
        window.fill("pair-url", &self.backend.url()).await?;
        window.press("Get a code").await?;
        self.backend.allow_laptop(&window.text("[data-testid=code]").await?).await
    }

    /// Fills in the form that connects the backend.
    pub async fn describe_backend(&self, window: &Window, token: &str) -> Result<()> {
        window.go("backend").await?;
        window.press("Use a token instead").await?;
        window.fill("url", &self.backend.url()).await?;
        window.fill("token", token).await
    }
}
