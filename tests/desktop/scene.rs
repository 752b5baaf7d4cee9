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
        Self::on(MailServer::dovecot().await?, folder).await
    }

    /// The same with the rep's mailbox on this server.
    pub async fn on(mail: MailServer, folder: &Path) -> Result<Self> {
        let campaign = Campaign::new(Timestamp::now());
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

    /// Types the rep's address into the form that adds a mailbox, and says what kind it is. Nothing can be found out about
    /// the address here.
    pub async fn choose_door(&self, window: &Window, door: &str) -> Result<()> {
        window.see("[name=address]").await?;
        window.fill("address", REP.address).await?;
        window.press("Continue").await?;
        window.click(&format!("[name=door][value={door}]")).await
    }

    /// Fills in the form that adds the rep's mailbox.
    pub async fn describe_mailbox(&self, window: &Window, password: &str) -> Result<()> {
        self.choose_door(window, "imap").await?;
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

    /// Lets Flynn answer, and sees that the rep hears of it and the backend as well.
    pub async fn flynn_answers(&self, window: &Window) -> Result<()> {
        self.mail.deliver("INBOX", &self.campaign.flynn_answers()).await?;
        let latest = ".latest li:first-child";
        window
            .read_in(latest, "Kevin Flynn answered from another address (kevinf@flynnsarcade.com).")
            .await?;
        window.read_in(latest, "Campaign stopped").await?;
        window.read_in(latest, "Confirmed by the backend").await
    }

    /// Types in a wrong password for the mailbox that is watched, and then the right one.
    pub async fn forget_and_renew_the_password(&self, window: &Window) -> Result<()> {
        for (password, says) in [("not-the-password", "Needs you"), (self.password(), "Watching")] {
            window.go("mailboxes").await?;
            window.press("New password").await?;
            window.fill("new-password", password).await?;
            window.press("Save").await?;
            window.read_in("main .badge", says).await?;
        }
        Ok(())
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
